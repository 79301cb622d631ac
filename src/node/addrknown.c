#include <config.h>

#include "node/addrknown.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { FIRST_CAP = 32 }; /* slots; a power of two, as all later ones */

/* Never 0: that is a free slot. */
static uint32_t digest_of(const struct addr_known *k,
                          const struct ptd_netaddr *na)
{
    uint32_t d = (uint32_t)ptd_netaddr_hash(na, k->k0, k->k1);

    return d != 0 ? d : 1;
}

/* Where it is, or where it would go; cap is above n. */
static uint32_t find(const struct addr_digests *s, uint32_t digest)
{
    uint32_t at = digest & (s->cap - 1);

    while (s->v[at] != 0 && s->v[at] != digest)
        at = (at + 1) & (s->cap - 1);
    return at;
}

static bool has(const struct addr_digests *s, uint32_t digest)
{
    return s->cap != 0 && s->v[find(s, digest)] == digest;
}

/* Room for one more at half full. False: no memory. */
static bool grow(struct addr_digests *s)
{
    struct addr_digests to = { .n = s->n,
                               .cap = s->cap != 0 ? 2 * s->cap : FIRST_CAP };

    if (2 * (s->n + 1) <= s->cap)
        return true;
    to.v = ptd_calloc(to.cap, sizeof *to.v);
    if (to.v == NULL)
        return false;
    for (uint32_t i = 0; i < s->cap; i++)
        if (s->v[i] != 0)
            to.v[find(&to, s->v[i])] = s->v[i];
    ptd_free(s->v);
    *s = to;
    return true;
}

void addr_known_add(struct addr_known *k, const struct ptd_netaddr *na)
{
    uint32_t digest;

    if (!k->has_key) {
        k->k0 = ptd_random_u64();
        k->k1 = ptd_random_u64();
        k->has_key = true;
    }
    digest = digest_of(k, na);
    if (has(&k->young, digest))
        return;
    if (k->young.n == PTD_ADDR_KNOWN) {
        ptd_free(k->old.v);
        k->old = k->young;
        k->young = (struct addr_digests){ 0 };
    }
    if (!grow(&k->young))
        return;
    k->young.v[find(&k->young, digest)] = digest;
    k->young.n++;
}

bool addr_known_has(const struct addr_known *k, const struct ptd_netaddr *na)
{
    uint32_t digest;

    if (!k->has_key)
        return false;
    digest = digest_of(k, na);
    return has(&k->young, digest) || has(&k->old, digest);
}

void addr_known_reset(struct addr_known *k)
{
    ptd_free(k->young.v);
    ptd_free(k->old.v);
    memset(k, 0, sizeof *k);
}
