#include <config.h>

#include "peer/known.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "crypto/siphash.h"

enum { FIRST_CAP = 32, NONE = UINT16_MAX };

void ptd_known_init(struct known_inv *k, uint32_t limit)
{
    memset(k, 0, sizeof *k);
    k->k0 = ptd_random_u64();
    k->k1 = ptd_random_u64();
    k->limit = limit < NONE / 2 ? limit : NONE / 2;
    k->newest = k->oldest = NONE;
}

void ptd_known_fini(struct known_inv *k)
{
    ptd_free(k->e);
    ptd_free(k->slot);
}

static uint64_t digest(const struct known_inv *k, const struct ptd_inv *inv)
{
    /* The witness flag says how to send an object, not which it is. */
    uint32_t type = inv->type & ~(uint32_t)PTD_INV_WITNESS_FLAG;

    return ptd_siphash24_hash(k->k0 ^ type, k->k1, &inv->hash);
}

static uint32_t find_slot(const struct known_inv *k, uint64_t d)
{
    uint32_t s = (uint32_t)d & k->mask;

    while (k->slot[s] != 0 && k->e[k->slot[s] - 1].digest != d)
        s = (s + 1) & k->mask;
    return s;
}

static void unlink_entry(struct known_inv *k, uint16_t i)
{
    struct known_entry *e = &k->e[i];

    if (e->newer != NONE)
        k->e[e->newer].older = e->older;
    else
        k->newest = e->older;
    if (e->older != NONE)
        k->e[e->older].newer = e->newer;
    else
        k->oldest = e->newer;
}

static void link_newest(struct known_inv *k, uint16_t i)
{
    struct known_entry *e = &k->e[i];

    e->newer = NONE;
    e->older = k->newest;
    if (k->newest != NONE)
        k->e[k->newest].newer = i;
    else
        k->oldest = i;
    k->newest = i;
}

/* Linear probing without tombstones: move up what the hole cuts off. */
static void free_slot(struct known_inv *k, uint32_t hole)
{
    for (uint32_t s = (hole + 1) & k->mask; k->slot[s] != 0;
         s = (s + 1) & k->mask) {
        uint32_t home = (uint32_t)k->e[k->slot[s] - 1].digest & k->mask;

        if (((s - home) & k->mask) >= ((s - hole) & k->mask)) {
            k->slot[hole] = k->slot[s];
            hole = s;
        }
    }
    k->slot[hole] = 0;
}

static bool grow(struct known_inv *k)
{
    uint32_t cap = k->cap == 0 ? FIRST_CAP : k->cap * 2;
    struct known_entry *e = ptd_realloc(k->e, cap * sizeof *e);
    uint16_t *slot;

    if (e == NULL)
        return false;
    k->e = e;
    slot = ptd_calloc((size_t)cap * 2, sizeof *slot);
    if (slot == NULL)
        return false;
    ptd_free(k->slot);
    k->slot = slot;
    k->cap = cap;
    k->mask = cap * 2 - 1;
    for (uint32_t i = 0; i < k->n; i++)
        k->slot[find_slot(k, k->e[i].digest)] = (uint16_t)(i + 1);
    return true;
}

void ptd_known_add(struct known_inv *k, const struct ptd_inv *inv)
{
    uint64_t d = digest(k, inv);
    uint32_t s;
    uint16_t i;

    if (k->limit == 0)
        return;
    if (k->cap != 0 && k->slot[s = find_slot(k, d)] != 0) {
        i = (uint16_t)(k->slot[s] - 1);
        unlink_entry(k, i);
    } else if (k->n == k->limit) {
        i = k->oldest;
        unlink_entry(k, i);
        free_slot(k, find_slot(k, k->e[i].digest));
        k->e[i].digest = d;
        k->slot[find_slot(k, d)] = (uint16_t)(i + 1);
    } else {
        if (k->n == k->cap && !grow(k))
            return;
        i = (uint16_t)k->n++;
        k->e[i].digest = d;
        k->slot[find_slot(k, d)] = (uint16_t)(i + 1);
    }
    link_newest(k, i);
}

bool ptd_known_has(const struct known_inv *k, const struct ptd_inv *inv)
{
    return k->n != 0 && k->slot[find_slot(k, digest(k, inv))] != 0;
}
