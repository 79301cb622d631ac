/* Which block was asked of whom. One list for all, found by hash, and one for
 * each peer: what a peer answers, or does not, changes nothing but what was
 * asked of that peer. */
#include <config.h>

#include "base/alloc.h"
#include "crypto/siphash.h"
#include "netsync/netsync_int.h"

static struct flight **
place_locked(struct ptd_netsync *ns, const struct ptd_hash *hash)
    PTD_REQUIRES(ns->mu);
static struct flight **place_locked(struct ptd_netsync *ns,
                                    const struct ptd_hash *hash)
{
    uint64_t h = ptd_siphash24_hash(ns->k0, ns->k1, hash);

    return &ns->bucket[h & (SYNC_BUCKETS - 1)];
}

struct flight *flight_add_locked(struct ptd_sync_peer *sp,
                                 const struct ptd_hash *hash, uint32_t height)
{
    struct ptd_netsync *ns = sp->ns;
    struct flight *f = ptd_calloc(1, sizeof *f), **at;

    if (f == NULL)
        return NULL;
    f->sp = sp;
    f->hash = *hash;
    f->height = height;
    for (at = place_locked(sp->ns, hash); *at != NULL; at = &(*at)->next)
        PTD_ASSERT((*at)->sp != sp || !ptd_hash_eq(&(*at)->hash, hash));
    *at = f;
    ns->n_flights++;
    ptd_list_append(&sp->flights, &f->of_peer);
    if (sp->n_flights++ == 0) {
        sp->downloading_us = ptd_clock_now_us(ns->clk);
        ns->n_downloading++;
    }
    return f;
}

struct flight *flight_first_locked(struct ptd_netsync *ns,
                                   const struct ptd_hash *hash)
{
    struct flight *f = *place_locked(ns, hash);

    while (f != NULL && !ptd_hash_eq(&f->hash, hash))
        f = f->next;
    return f;
}

struct flight *flight_of_locked(struct ptd_sync_peer *sp,
                                const struct ptd_hash *hash)
{
    struct flight *f = *place_locked(sp->ns, hash);

    while (f != NULL && (f->sp != sp || !ptd_hash_eq(&f->hash, hash)))
        f = f->next;
    return f;
}

size_t flight_count_locked(struct ptd_netsync *ns, const struct ptd_hash *hash,
                           bool *outbound)
{
    size_t n = 0;

    *outbound = false;
    for (struct flight *f = *place_locked(ns, hash); f != NULL; f = f->next) {
        if (!ptd_hash_eq(&f->hash, hash))
            continue;
        n++;
        *outbound |= f->sp->cfg.outbound;
    }
    return n;
}

void flight_end_locked(struct ptd_netsync *ns, struct flight *f)
{
    struct ptd_sync_peer *sp = f->sp;
    struct flight **at = place_locked(ns, &f->hash);

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    ns->n_flights--;
    /* The next one in its list is awaited from now on. */
    if (sp->flights.next == &f->of_peer)
        sp->downloading_us = ptd_clock_now_us(ns->clk);
    ptd_list_remove(&f->of_peer);
    sp->stalling_us = 0;
    if (--sp->n_flights == 0)
        ns->n_downloading--;
    partial_free(f->partial);
    ptd_free(f);
}

size_t flight_end_all_locked(struct ptd_netsync *ns,
                             const struct ptd_hash *hash)
{
    struct flight *f;
    size_t n = 0;

    while ((f = flight_first_locked(ns, hash)) != NULL) {
        flight_end_locked(ns, f);
        n++;
    }
    return n;
}

size_t flight_end_peer_locked(struct ptd_sync_peer *sp)
{
    size_t n = 0;

    PTD_LIST_EACH_SAFE(f, next, &sp->flights, struct flight, of_peer)
    {
        flight_end_locked(sp->ns, f);
        n++;
    }
    return n;
}
