#include <config.h>

#include "chain/headers_int.h"
#include "chain/pow.h"

enum {
    MEDIAN_SPAN = 11,
    BIP94_GRACE_S = 600 /* how far a period may begin before the last's end */
};

uint32_t ptd_headers_median_time_locked(const struct ptd_headers *t, node_id id)
{
    uint32_t sorted[MEDIAN_SPAN];
    size_t n = 0;

    for (; id != NO_NODE && n < MEDIAN_SPAN; n++) {
        const struct node *at = node_locked(t, id);
        size_t i = n;

        for (; i > 0 && sorted[i - 1] > at->time; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = at->time;
        id = at->parent;
    }
    return sorted[n / 2];
}

/* Where min_difficulty holds, blocks of the lowest difficulty do not count:
 * the last other one of the period tells the bits. */
static uint32_t last_real_bits_locked(struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu)
{
    const struct node *n = node_locked(t, id);
    node_id at = id;

    while (at != t->real_id && n->parent != NO_NODE &&
           n->height % t->interval != 0 && n->bits == t->limit_bits) {
        at = n->parent;
        n = node_locked(t, at);
    }
    /* Headers mostly come in order: the next one asks one step further. */
    t->real_bits = at == t->real_id ? t->real_bits : n->bits;
    t->real_id = id;
    return t->real_bits;
}

static uint32_t retarget_locked(const struct ptd_headers *t, node_id last_id)
    PTD_REQUIRES(t->mu)
{
    const struct node *last = node_locked(t, last_id);
    const struct node *first =
        node_locked(t, ptd_headers_ancestor_locked(
                           t, last_id, last->height - (t->interval - 1)));

    /* BIP 94: start from the period's first block, since its last may be one
     * of the lowest difficulty. */
    return ptd_pow_retarget(t->params,
                            t->params->bip94 ? first->bits : last->bits,
                            first->time, last->time);
}

uint32_t ptd_headers_next_bits_locked(struct ptd_headers *t, node_id parent_id,
                                      uint32_t time)
{
    const struct node *parent = node_locked(t, parent_id);
    bool period_ends = (parent->height + 1) % t->interval == 0;

    if (period_ends)
        return t->params->no_retarget ? parent->bits
                                      : retarget_locked(t, parent_id);
    if (!t->params->min_difficulty)
        return parent->bits;
    if ((int64_t)time >
        (int64_t)parent->time + 2 * (int64_t)t->params->pow_spacing_s)
        return t->limit_bits;
    return last_real_bits_locked(t, parent_id);
}

/* BIPs 34, 66 and 65 each ended the life of a version. */
static bool is_outdated(const struct ptd_params *p, int32_t version,
                        uint32_t height)
{
    return (version < 2 && height >= p->bip34_height) ||
           (version < 3 && height >= p->bip66_height) ||
           (version < 4 && height >= p->bip65_height);
}

enum ptd_header_err
ptd_headers_judge_locked(struct ptd_headers *t, node_id parent_id,
                         const struct candidate *c, int64_t now_s)
{
    const struct node *parent = node_locked(t, parent_id);
    uint32_t height = parent->height + 1;

    if (c->bits != ptd_headers_next_bits_locked(t, parent_id, c->time))
        return PTD_HEADER_EBITS;
    if (c->time <= ptd_headers_median_time_locked(t, parent_id))
        return PTD_HEADER_EOLD;
    /* BIP 94: the first block of a period must not lie long before the last
     * one of the period before. */
    if (t->params->bip94 && height % t->interval == 0 &&
        (int64_t)c->time < (int64_t)parent->time - BIP94_GRACE_S)
        return PTD_HEADER_EWARP;
    if ((int64_t)c->time > now_s + PTD_HEADERS_MAX_FUTURE_S)
        return PTD_HEADER_ENEW;
    if (is_outdated(t->params, c->version, height))
        return PTD_HEADER_EVERSION;
    return PTD_HEADER_OK;
}
