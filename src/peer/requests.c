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

/* An empty place; the oldest soft entry gives way, or the oldest of all. */
static struct request *place(struct requests **r)
{
    uint32_t victim = 0;

    if (*r == NULL) {
        *r = ptd_calloc(1, sizeof **r + REQUESTS_MAX * sizeof (*r)->v[0]);
        if (*r == NULL)
            return NULL;
        (*r)->key[0] = ptd_random_u64();
        (*r)->key[1] = ptd_random_u64();
    }
    if ((*r)->n == REQUESTS_MAX) {
        for (uint32_t i = (*r)->n; i-- > 0;)
            if ((*r)->v[i].soft)
                victim = i;
        take_out(*r, victim);
    }
    return &(*r)->v[(*r)->n];
}

/* Put an id into the set, which has a free place. */
static void add_id(const struct requests *r, struct request *q, uint64_t id)
{
    uint32_t i = place_of(r, id) & q->mask;

    while (q->ids[i] != FREE && q->ids[i] != id)
        i = (i + 1) & q->mask;
    q->n_left += q->ids[i] == FREE;
    q->ids[i] = id;
}

static bool take_ids(const struct requests *r, struct request *q,
                     const struct ptd_msg_inv *m)
{
    size_t n = 2;

    if (m->n == 0)
        return false;
    while (n < 2 * (size_t)m->n)
        n *= 2;
    q->ids = ptd_calloc(n, sizeof *q->ids);
    if (q->ids == NULL)
        return false;
    q->mask = (uint32_t)n - 1;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t type = m->list[i].type & ~(uint32_t)PTD_INV_WITNESS_FLAG;

        add_id(r, q, id_of(&m->list[i].hash));
        if (type == PTD_INV_TX || type == PTD_INV_WTX)
            q->wants_tx = true;
    }
    return true;
}

void ptd_requests_sent(struct requests **r, const struct ptd_msg *m, bool soft,
                       int64_t now_us, int64_t wait_us, int64_t handlers_us,
                       int64_t *deadline_us)
{
    struct request *q = place(r);

    *deadline_us = PTD_NEVER;
    if (q == NULL)
        return; /* no memory to watch it: the idle time-out still does */
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
            take_out(r, i); /* the oldest one alone */
            return;
        }
}

/* Mark an id as arrived, if it is awaited; place: of it, unmasked. */
static bool strike(struct request *q, uint64_t id, uint32_t place)
{
    for (uint32_t i = place & q->mask; q->ids[i] != FREE;
         i = (i + 1) & q->mask)
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
