#include <config.h>

#include "chain/presync.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "base/util.h"
#include "chain/pow.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"

enum {
    /* The median time must rise by a second every block; six blocks a second
     * is the fastest that a valid chain can go on growing. */
    MAX_BLOCKS_A_SECOND = 6,
    AT_PREV = 4,
    AT_MERKLE_ROOT = 36,
    AT_TIME = 68,
    AT_BITS = 72
};

/* A header less its parent's hash, which is that of the one before it. */
struct held {
    uint8_t version[4];
    uint8_t rest[44]; /* merkle root, time, bits, nonce */
};

_Static_assert(sizeof(struct held) == 48, "what the header file promises");

/* One walk along the branch. */
struct walk {
    struct ptd_hash last;        /* the header that the next one stands on */
    uint32_t height, time, bits; /* its */
    struct ptd_u256 work;        /* of the branch up to it */
};

struct ptd_presync {
    const struct ptd_params *params;
    struct ptd_u256 wanted;
    struct walk start, first, second;
    enum ptd_presync_state state;
    uint32_t interval; /* headers between retargets */

    /* A bit for each header whose height, modulo the period, is `offset`. */
    uint64_t key[2];
    uint32_t offset;
    uint8_t *bits;
    size_t n_bits, cap_bits; /* cap in bytes */
    size_t n_checked;        /* bits that the second walk has met */
    uint64_t max_bits;

    struct held *held; /* a ring: they wait for those behind them */
    size_t cap_held, first_held, n_held;
    struct ptd_hash before_held; /* what the first of them stands on */
    bool all_proven;             /* the second walk has shown the work, too */

    uint8_t *proven;
    size_t cap_proven; /* headers */
};

struct ptd_presync *ptd_presync_new(const struct ptd_params *params,
                                    const struct ptd_header_info *start,
                                    const struct ptd_u256 *wanted,
                                    int64_t now_s)
{
    struct ptd_presync *s = ptd_calloc(1, sizeof *s);
    int64_t span =
        now_s - (int64_t)start->median_time + PTD_HEADERS_MAX_FUTURE_S;

    if (s == NULL)
        return NULL;
    PTD_ASSERT(params->presync_period > 0);
    s->params = params;
    s->wanted = *wanted;
    s->start = (struct walk){ start->hash, start->height, start->time,
                              start->bits, start->work };
    s->first = s->second = s->start;
    s->state = PTD_PRESYNC_FIRST;
    s->interval = ptd_params_retarget_interval(params);
    ptd_random_bytes(s->key, sizeof s->key);
    s->offset = (uint32_t)ptd_random_below(params->presync_period);
    if (span > 0)
        s->max_bits =
            (uint64_t)span * MAX_BLOCKS_A_SECOND / params->presync_period;
    s->before_held = start->hash;
    return s;
}

void ptd_presync_free(struct ptd_presync *s)
{
    if (s == NULL)
        return;
    ptd_free(s->bits);
    ptd_free(s->held);
    ptd_free(s->proven);
    ptd_free(s);
}

/* ---- one header ----------------------------------------------------- */

/* Could the bits follow the others, whatever the times in between? Work that
 * is packed into few headers is cheaper to be lucky with. */
static bool bits_can_follow(const struct ptd_presync *s, uint32_t height,
                            uint32_t old_bits, uint32_t new_bits)
{
    struct ptd_u256 target, hardest, easiest;

    if (s->params->min_difficulty)
        return true;
    if (height % s->interval != 0)
        return old_bits == new_bits;
    return ptd_u256_from_compact(&target, new_bits) &&
           ptd_u256_from_compact(&hardest,
                                 ptd_pow_retarget(s->params, old_bits, 0, 0)) &&
           ptd_u256_from_compact(&easiest, ptd_pow_retarget(s->params, old_bits,
                                                            0, UINT32_MAX)) &&
           ptd_u256_cmp(&target, &hardest) >= 0 &&
           ptd_u256_cmp(&target, &easiest) <= 0;
}

/* Go one header further; NULL, or what is wrong with it. */
static const char *step(const struct ptd_presync *s, struct walk *w,
                        const uint8_t *raw)
{
    uint32_t bits = ptd_get_le32(raw + AT_BITS);
    struct ptd_u256 target, work;
    struct ptd_hash hash;

    if (memcmp(raw + AT_PREV, w->last.b, PTD_HASH_BYTES) != 0)
        return "non-continuous headers";
    ptd_sha256d(hash.b, raw, PTD_HEADER_BYTES);
    if (!ptd_pow_target(&target, s->params, bits) ||
        !ptd_pow_is_met(&hash, &target))
        return "header with invalid proof of work";
    if (w->height == UINT32_MAX ||
        !bits_can_follow(s, w->height + 1, w->bits, bits))
        return "invalid difficulty transition";
    work = ptd_u256_work(&target);
    ptd_u256_add(&w->work, &work);
    w->last = hash;
    w->height++;
    w->time = ptd_get_le32(raw + AT_TIME);
    w->bits = bits;
    return NULL;
}

static bool has_bit(const struct ptd_presync *s, const struct walk *w)
{
    return w->height % s->params->presync_period == s->offset;
}

static unsigned bit_of(const struct ptd_presync *s, const struct walk *w)
{
    return ptd_siphash24_hash(s->key[0], s->key[1], &w->last) & 1;
}

/* ---- first pass ----------------------------------------------------- */

static const char out_of_memory[] = "out of memory";

static const char *commit(struct ptd_presync *s)
{
    if (s->n_bits >= s->max_bits)
        return "exceeded max commitments";
    if (s->n_bits / 8 >= s->cap_bits) {
        uint8_t *grown =
            ptd_array_grow(s->bits, &s->cap_bits, s->n_bits / 8 + 1, 1);

        if (grown == NULL)
            return out_of_memory;
        s->bits = grown;
    }
    if (s->n_bits % 8 == 0)
        s->bits[s->n_bits / 8] = 0;
    s->bits[s->n_bits / 8] |= (uint8_t)(bit_of(s, &s->first) << s->n_bits % 8);
    s->n_bits++;
    return NULL;
}

static const char *first_pass(struct ptd_presync *s,
                              struct ptd_presync_result *res,
                              const uint8_t *raw, size_t n, bool full)
{
    const char *why;

    for (size_t i = 0; i < n; i++) {
        if ((why = step(s, &s->first, raw + i * PTD_HEADER_BYTES)) != NULL)
            return why;
        if (has_bit(s, &s->first) && (why = commit(s)) != NULL)
            return why;
    }
    if (ptd_u256_cmp(&s->first.work, &s->wanted) >= 0) {
        s->state = PTD_PRESYNC_REDOWNLOAD;
        res->ask_more = true;
    } else if (full) {
        res->ask_more = true;
    } else {
        res->why = "chain ends with too little work";
        s->state = PTD_PRESYNC_DONE;
    }
    return NULL;
}

/* ---- second pass ---------------------------------------------------- */

static bool grow_ring(struct ptd_presync *s)
{
    size_t cap = s->cap_held > 0 ? s->cap_held * 2 : 1024;
    struct held *ring = ptd_alloc_array(cap, sizeof *ring);

    if (ring == NULL)
        return false;
    for (size_t i = 0; i < s->n_held; i++)
        ring[i] = s->held[(s->first_held + i) % s->cap_held];
    ptd_free(s->held);
    s->held = ring;
    s->cap_held = cap;
    s->first_held = 0;
    return true;
}

static const char *hold(struct ptd_presync *s, const uint8_t *raw)
{
    struct held *h;

    if (s->n_held == s->cap_held && !grow_ring(s))
        return out_of_memory;
    h = &s->held[(s->first_held + s->n_held) % s->cap_held];
    memcpy(h->version, raw, sizeof h->version);
    memcpy(h->rest, raw + AT_MERKLE_ROOT, sizeof h->rest);
    s->n_held++;
    return NULL;
}

static const char *check_bit(struct ptd_presync *s)
{
    size_t at = s->n_checked++;

    if (at >= s->n_bits)
        return "commitment overrun";
    return (s->bits[at / 8] >> at % 8 & 1) == bit_of(s, &s->second)
               ? NULL
               : "commitment mismatch";
}

/* Let those go that have enough behind them. */
static const char *release(struct ptd_presync *s,
                           struct ptd_presync_result *res)
{
    size_t keep = s->all_proven ? 0 : s->params->redownload_headers;
    size_t n = s->n_held > keep ? s->n_held - keep : 0;

    if (n > s->cap_proven) {
        uint8_t *grown =
            ptd_array_grow(s->proven, &s->cap_proven, n, PTD_HEADER_BYTES);

        if (grown == NULL)
            return out_of_memory;
        s->proven = grown;
    }
    for (size_t i = 0; i < n; i++) {
        const struct held *h = &s->held[s->first_held];
        uint8_t *out = s->proven + i * PTD_HEADER_BYTES;

        memcpy(out, h->version, sizeof h->version);
        memcpy(out + AT_PREV, s->before_held.b, PTD_HASH_BYTES);
        memcpy(out + AT_MERKLE_ROOT, h->rest, sizeof h->rest);
        ptd_sha256d(s->before_held.b, out, PTD_HEADER_BYTES);
        s->first_held = (s->first_held + 1) % s->cap_held;
        s->n_held--;
    }
    res->n_proven = n;
    return NULL;
}

static const char *second_pass(struct ptd_presync *s,
                               struct ptd_presync_result *res,
                               const uint8_t *raw, size_t n, bool full)
{
    const char *why;

    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = raw + i * PTD_HEADER_BYTES;

        if ((why = step(s, &s->second, at)) != NULL)
            return why;
        if (ptd_u256_cmp(&s->second.work, &s->wanted) >= 0)
            s->all_proven = true;
        /* The branch may have grown since: what lies behind the work was not
         * promised. */
        if (!s->all_proven && has_bit(s, &s->second) &&
            (why = check_bit(s)) != NULL)
            return why;
        if ((why = hold(s, at)) != NULL)
            return why;
    }
    if ((why = release(s, res)) != NULL)
        return why;
    if (s->all_proven) {
        s->state = PTD_PRESYNC_DONE;
    } else if (full) {
        res->ask_more = true;
    } else {
        res->why = "incomplete headers message";
        s->state = PTD_PRESYNC_DONE;
    }
    return NULL;
}

void ptd_presync_add(struct ptd_presync *s, struct ptd_presync_result *res,
                     const uint8_t *raw, size_t n, bool full)
{
    const char *why = NULL;

    *res = (struct ptd_presync_result){ .ok = true };
    switch (s->state) {
    case PTD_PRESYNC_FIRST: why = first_pass(s, res, raw, n, full); break;
    case PTD_PRESYNC_REDOWNLOAD: why = second_pass(s, res, raw, n, full); break;
    case PTD_PRESYNC_DONE: break;
    }
    if (why == NULL)
        return;
    s->state = PTD_PRESYNC_DONE;
    *res =
        (struct ptd_presync_result){ .ok = why == out_of_memory, .why = why };
}

/* ---- looking -------------------------------------------------------- */

const uint8_t *ptd_presync_proven(const struct ptd_presync *s)
{
    return s->proven;
}

void ptd_presync_next(const struct ptd_presync *s, struct ptd_hash *out)
{
    *out = s->state == PTD_PRESYNC_FIRST ? s->first.last : s->second.last;
}

enum ptd_presync_state ptd_presync_state(const struct ptd_presync *s)
{
    return s->state;
}

uint32_t ptd_presync_height(const struct ptd_presync *s)
{
    return s->first.height;
}

uint32_t ptd_presync_time(const struct ptd_presync *s)
{
    return s->first.time;
}

void ptd_presync_work(const struct ptd_presync *s, struct ptd_u256 *out)
{
    *out = s->first.work;
}

size_t ptd_presync_bytes(const struct ptd_presync *s)
{
    return sizeof *s + s->cap_bits + s->cap_held * sizeof *s->held +
           s->cap_proven * PTD_HEADER_BYTES;
}
