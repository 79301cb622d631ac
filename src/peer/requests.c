#include <config.h>

#include "peer/requests.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "pentad/clock.h"

static uint64_t id_of(const struct ptd_hash *h)
{
    return ptd_get_le64(h->b) | 1; /* 0 marks what has arrived */
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

    if (*r == NULL)
        *r = ptd_calloc(1, sizeof **r + REQUESTS_MAX * sizeof (*r)->v[0]);
    if (*r == NULL)
        return NULL;
    if ((*r)->n == REQUESTS_MAX) {
        for (uint32_t i = (*r)->n; i-- > 0;)
            if ((*r)->v[i].soft)
                victim = i;
        take_out(*r, victim);
    }
    return &(*r)->v[(*r)->n];
}

static bool take_ids(struct request *q, const struct ptd_msg_inv *m)
{
    if (m->n == 0)
        return false;
    q->ids = ptd_alloc_array(m->n, sizeof *q->ids);
    if (q->ids == NULL)
        return false;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t type = m->list[i].type & ~(uint32_t)PTD_INV_WITNESS_FLAG;

        q->ids[i] = id_of(&m->list[i].hash);
        if (type == PTD_INV_TX || type == PTD_INV_WTX)
            q->wants_tx = true;
    }
    q->n_ids = q->n_left = m->n;
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
        !take_ids(q, (const struct ptd_msg_inv *)m))
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

/* Answers come in the order of the request as a rule: look from head on. */
static bool strike(struct request *q, uint64_t id)
{
    for (uint32_t k = 0; k < q->n_ids; k++) {
        uint32_t i = q->head + k < q->n_ids ? q->head + k
                                            : q->head + k - q->n_ids;
        if (q->ids[i] == id) {
            q->ids[i] = 0;
            q->head = i + 1 < q->n_ids ? i + 1 : 0;
            q->n_left--;
            return true;
        }
    }
    return false;
}

void ptd_requests_got(struct requests *r, const struct ptd_hash *hash,
                      int64_t now_us, int64_t handlers_us)
{
    for (uint32_t i = 0; r != NULL && i < r->n; i++) {
        struct request *q = &r->v[i];

        if (q->n_left == 0 || !strike(q, id_of(hash)))
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
