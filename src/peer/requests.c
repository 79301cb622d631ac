#include <config.h>

#include "peer/requests.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "base/util.h"
#include "crypto/siphash.h"
#include "pentad/clock.h"

/* What a place in a set of ids may hold besides an id. */
enum { FREE = 0, ARRIVED = 2 };

static uint64_t id_of(const struct ptd_hash *h)
{
    return ptd_get_le64(h->b) | 1; /* neither FREE nor ARRIVED */
}

static uint32_t place_of(const struct requests *r, uint64_t id)
{
    return (uint32_t)ptd_siphash24(r->key[0], r->key[1], &id, sizeof id);
}

static void request_fini(struct request *q)
{
    ptd_free(q->ids);
}

static void take_out(struct requests *r, uint32_t i)
{
    r->n_tx -= r->v[i].wants_tx;
    request_fini(&r->v[i]);
    memmove(&r->v[i], &r->v[i + 1], (r->n - i - 1) * sizeof r->v[0]);
    r->n--;
}

/* ---- sets of ids -------------------------------------------------------------- */

/* Put an id into the set, which has a free place. */
static void add_id(const struct requests *r, struct request *q, uint64_t id)
{
    uint32_t i = place_of(r, id) & q->mask;

    while (q->ids[i] != FREE && q->ids[i] != id)
        i = (i + 1) & q->mask;
    if (q->ids[i] == id)
        return;
    q->ids[i] = id;
    q->n_used++;
    q->n_left++;
}

static void add_awaited(const struct requests *r, struct request *q,
                        const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] != FREE && ids[i] != ARRIVED)
            add_id(r, q, ids[i]);
}

/* Make the set such that with n more it is at most half full. */
static bool make_room(const struct requests *r, struct request *q, size_t n)
{
    uint64_t *old = q->ids;
    size_t n_old = old != NULL ? (size_t)q->mask + 1 : 0;
    size_t want = 2 * (q->n_left + n), size = 2;

    if (2 * (q->n_used + n) <= n_old)
        return true;
    if (want > 2 * (size_t)REQUEST_IDS_MAX)
        return false;
    while (size < want)
        size *= 2;
    q->ids = ptd_calloc(size, sizeof *q->ids);
    if (q->ids == NULL) {
        q->ids = old;
        return false;
    }
    q->mask = (uint32_t)size - 1;
    q->n_used = q->n_left = 0;
    add_awaited(r, q, old, n_old);
    ptd_free(old);
    return true;
}

static bool take_ids(const struct requests *r, struct request *q,
                     const struct ptd_msg_inv *m)
{
    if (m->n == 0 || !make_room(r, q, m->n))
        return false;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t type = m->list[i].type & ~(uint32_t)PTD_INV_WITNESS_FLAG;

        add_id(r, q, id_of(&m->list[i].hash));
        if (type == PTD_INV_TX || type == PTD_INV_WTX)
            q->wants_tx = true;
    }
    return true;
}

/* ---- entries -------------------------------------------------------------------- */

/* The newest entry of a type below `end`, or REQUESTS_MAX. */
static uint32_t newest(const struct requests *r, enum ptd_msg_type type,
                       uint32_t end)
{
    while (end-- > 0)
        if (r->v[end].type == type)
            return end;
    return REQUESTS_MAX;
}

/* The newest two of a type become one, whose deadline is the later one; all
 * that is awaited stays so. */
static bool merge(struct requests *r, enum ptd_msg_type type)
{
    uint32_t b = newest(r, type, r->n);
    uint32_t a = b < REQUESTS_MAX ? newest(r, type, b) : REQUESTS_MAX;
    struct request *to, *from;

    if (a == REQUESTS_MAX)
        return false;
    to = &r->v[a];
    from = &r->v[b];
    if (type == PTD_MSG_GETDATA) {
        if (!make_room(r, to, from->n_left))
            return false;
        add_awaited(r, to, from->ids, (size_t)from->mask + 1);
        r->n_tx += from->wants_tx && !to->wants_tx;
        to->wants_tx |= from->wants_tx;
    }
    to->n_more += from->n_more + 1;
    to->deadline_us = from->deadline_us;
    to->handlers_us = from->handlers_us;
    to->wait_us = from->wait_us;
    take_out(r, b);
    return true;
}

/* Make an empty place. What must be answered is never given up for what is
 * asked later: else a peer that keeps back one thing were safe after 64 more
 * requests. */
static bool make_place(struct requests *r, bool soft)
{
    if (r->n < REQUESTS_MAX)
        return true;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->v[i].soft) {
            take_out(r, i);
            return true;
        }
    return !soft && (merge(r, PTD_MSG_GETDATA) || merge(r, PTD_MSG_GETHEADERS));
}

static struct requests *requests_new(void)
{
    struct requests *r =
        ptd_calloc(1, sizeof *r + REQUESTS_MAX * sizeof r->v[0]);

    if (r == NULL)
        return NULL;
    r->key[0] = ptd_random_u64();
    r->key[1] = ptd_random_u64();
    return r;
}

void ptd_requests_sent(struct requests **r, const struct ptd_msg *m, bool soft,
                       int64_t now_us, int64_t wait_us, int64_t handlers_us,
                       int64_t *deadline_us)
{
    struct request *q;

    *deadline_us = PTD_NEVER;
    if (*r == NULL)
        *r = requests_new();
    if (*r == NULL || !make_place(*r, soft))
        return;
    q = &(*r)->v[(*r)->n];
    *q = (struct request){
        .type = m->type,
        .soft = soft,
        .wait_us = wait_us,
        .deadline_us = now_us + wait_us,
        .handlers_us = handlers_us,
    };
    if (m->type == PTD_MSG_GETDATA &&
        !take_ids(*r, q, (const struct ptd_msg_inv *)m))
        return;
    (*r)->n++;
    (*r)->n_tx += q->wants_tx;
    *deadline_us = q->deadline_us;
}

static bool answers(enum ptd_msg_type answer, enum ptd_msg_type request)
{
    if (answer == PTD_MSG_INV)
        return request == PTD_MSG_GETBLOCKS || request == PTD_MSG_MEMPOOL;
    return answer == PTD_MSG_HEADERS && request == PTD_MSG_GETHEADERS;
}

void ptd_requests_answered(struct requests *r, enum ptd_msg_type type,
                           int64_t now_us, int64_t handlers_us)
{
    (void)now_us;
    (void)handlers_us;
    for (uint32_t i = 0; r != NULL && i < r->n; i++)
        if (answers(type, r->v[i].type)) {
            if (r->v[i].n_more > 0) /* the oldest one alone */
                r->v[i].n_more--;
            else
                take_out(r, i);
            return;
        }
}

/* Mark an id as arrived, if it is awaited; place: of it, unmasked. */
static bool strike(struct request *q, uint64_t id, uint32_t place)
{
    for (uint32_t i = place & q->mask; q->ids[i] != FREE; i = (i + 1) & q->mask)
        if (q->ids[i] == id) {
            q->ids[i] = ARRIVED;
            q->n_left--;
            return true;
        }
    return false;
}

void ptd_requests_got(struct requests *r, const struct ptd_hash *hash,
                      int64_t now_us, int64_t handlers_us)
{
    uint64_t id = id_of(hash);
    uint32_t place;

    if (r == NULL || r->n == 0)
        return;
    place = place_of(r, id);
    for (uint32_t i = 0; i < r->n; i++) {
        struct request *q = &r->v[i];

        if (q->n_left == 0 || !strike(q, id, place))
            continue;
        if (q->n_left == 0) {
            take_out(r, i);
        } else {
            q->deadline_us = now_us + q->wait_us;
            q->handlers_us = handlers_us;
        }
        return;
    }
}

static int64_t due(const struct request *q, int64_t handlers_us)
{
    return q->deadline_us + (handlers_us - q->handlers_us);
}

int64_t ptd_requests_deadline(const struct requests *r, int64_t handlers_us)
{
    int64_t first = PTD_NEVER;

    for (uint32_t i = 0; r != NULL && i < r->n; i++)
        first = PTD_MIN(first, due(&r->v[i], handlers_us));
    return first;
}

enum ptd_msg_type ptd_requests_expire(struct requests *r, int64_t now_us,
                                      int64_t handlers_us, uint32_t *n_soft)
{
    enum ptd_msg_type hard = PTD_MSG_UNKNOWN;

    *n_soft = 0;
    for (uint32_t i = 0; r != NULL && i < r->n;) {
        if (due(&r->v[i], handlers_us) > now_us) {
            i++;
            continue;
        }
        if (r->v[i].soft)
            (*n_soft)++;
        else if (hard == PTD_MSG_UNKNOWN)
            hard = r->v[i].type;
        take_out(r, i);
    }
    return hard;
}

void ptd_requests_free(struct requests *r)
{
    for (uint32_t i = 0; r != NULL && i < r->n; i++)
        request_fini(&r->v[i]);
    ptd_free(r);
}
