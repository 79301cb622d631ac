#include <config.h>

#include "connmgr/bantable.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"

enum { FIRST_SLOTS = 64 };

void ptd_bantable_init(struct ptd_bantable *t)
{
    *t = (struct ptd_bantable){ 0 };
    t->k0 = ptd_random_u64();
    t->k1 = ptd_random_u64();
}

void ptd_bantable_fini(struct ptd_bantable *t)
{
    ptd_free(t->e);
    ptd_free(t->slots);
}

void ptd_bantable_clear(struct ptd_bantable *t)
{
    ptd_bantable_fini(t);
    ptd_bantable_init(t);
}

/* ---- slots -------------------------------------------------------------- */

static size_t home_of(const struct ptd_bantable *t, const struct ptd_subnet *s)
{
    return (size_t)ptd_subnet_hash(s, t->k0, t->k1) & (t->n_slots - 1);
}

/* Where a range stands, or the free slot where it would. */
static size_t slot_of(const struct ptd_bantable *t, const struct ptd_subnet *s)
{
    size_t i = home_of(t, s);

    while (t->slots[i] != 0 &&
           !ptd_subnet_is_equal(&t->e[t->slots[i] - 1].subnet, s))
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

/* Close the gap at slot i: what comes later in its run moves up, unless that
 * would put it before its home. */
static void free_slot(struct ptd_bantable *t, size_t i)
{
    size_t mask = t->n_slots - 1;

    for (size_t k = (i + 1) & mask; t->slots[k] != 0; k = (k + 1) & mask) {
        size_t home = home_of(t, &t->e[t->slots[k] - 1].subnet);

        if (((k - home) & mask) >= ((k - i) & mask)) {
            t->slots[i] = t->slots[k];
            i = k;
        }
    }
    t->slots[i] = 0;
}

static enum ptd_err grow_slots(struct ptd_bantable *t)
{
    size_t n = t->n_slots != 0 ? 2 * t->n_slots : FIRST_SLOTS;
    uint32_t *slots;

    if (2 * (t->n + 1) <= t->n_slots)
        return PTD_OK;
    if ((slots = ptd_calloc(n, sizeof *slots)) == NULL)
        return PTD_ENOMEM;
    ptd_free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    for (size_t i = 0; i < t->n; i++)
        t->slots[slot_of(t, &t->e[i].subnet)] = (uint32_t)(i + 1);
    return PTD_OK;
}

/* ---- entries ------------------------------------------------------------ */

static uint32_t *count_of(struct ptd_bantable *t, const struct ptd_subnet *s)
{
    if (s->base.net == PTD_NET_IPV4)
        return &t->n_ipv4[ptd_subnet_bits(s)];
    if (s->base.net == PTD_NET_IPV6)
        return &t->n_ipv6[ptd_subnet_bits(s)];
    return &t->n_single;
}

struct ptd_ban *ptd_bantable_find(const struct ptd_bantable *t,
                                  const struct ptd_subnet *s)
{
    uint32_t at;

    if (t->n_slots == 0)
        return NULL;
    at = t->slots[slot_of(t, s)];
    return at != 0 ? &t->e[at - 1] : NULL;
}

enum ptd_err ptd_bantable_add(struct ptd_bantable *t, const struct ptd_ban *ban)
{
    struct ptd_ban *grown;

    PTD_ASSERT(t->n < PTD_BANLIST_MAX);
    if (grow_slots(t) != PTD_OK)
        return PTD_ENOMEM;
    grown = ptd_array_grow(t->e, &t->cap, t->n + 1, sizeof *t->e);
    if (grown == NULL)
        return PTD_ENOMEM;
    t->e = grown;
    t->e[t->n] = *ban;
    t->slots[slot_of(t, &ban->subnet)] = (uint32_t)++t->n;
    ++*count_of(t, &ban->subnet);
    return PTD_OK;
}

void ptd_bantable_remove(struct ptd_bantable *t, struct ptd_ban *ban)
{
    struct ptd_ban *last = &t->e[t->n - 1];

    --*count_of(t, &ban->subnet);
    free_slot(t, slot_of(t, &ban->subnet));
    if (ban != last) {
        t->slots[slot_of(t, &last->subnet)] = (uint32_t)(ban - t->e) + 1;
        *ban = *last;
    }
    t->n--;
}

/* ---- addresses ---------------------------------------------------------- */

static bool lasts(const struct ptd_bantable *t, const struct ptd_subnet *s,
                  const struct ptd_netaddr *na, int64_t now_s)
{
    const struct ptd_ban *ban = ptd_bantable_find(t, s);

    return ban != NULL && now_s < ban->until_s &&
           ptd_subnet_has(&ban->subnet, na);
}

static bool has_prefix(const struct ptd_bantable *t, const uint32_t *counts,
                       const struct ptd_netaddr *na, int64_t now_s)
{
    struct ptd_subnet s;

    for (unsigned bits = 0; bits <= 8u * na->len; bits++) {
        if (counts[bits] > 0 && ptd_subnet_of_bits(&s, na, bits) == PTD_OK &&
            lasts(t, &s, na, now_s))
            return true;
    }
    return false;
}

/* One address of a network without prefixes; IPv6 may be banned as CJDNS. */
static bool has_single(const struct ptd_bantable *t,
                       const struct ptd_netaddr *na, int64_t now_s)
{
    struct ptd_netaddr as = *na;
    struct ptd_subnet s;

    if (t->n_single == 0)
        return false;
    ptd_netaddr_ipv6_to_cjdns(&as);
    return ptd_subnet_of(&s, &as) == PTD_OK && lasts(t, &s, na, now_s);
}

bool ptd_bantable_has_addr(const struct ptd_bantable *t,
                           const struct ptd_netaddr *na, int64_t now_s)
{
    if (t->n == 0)
        return false;
    switch ((enum ptd_net)na->net) {
    case PTD_NET_IPV4: return has_prefix(t, t->n_ipv4, na, now_s);
    case PTD_NET_IPV6:
    case PTD_NET_CJDNS:
    case PTD_NET_YGGDRASIL:
        return has_prefix(t, t->n_ipv6, na, now_s) || has_single(t, na, now_s);
    case PTD_NET_TORV3:
    case PTD_NET_I2P: return has_single(t, na, now_s);
    case PTD_NET_NONE:
    case PTD_NET_TORV2: break;
    }
    return false;
}
