/* discourage.h - addresses that misbehaved lately.
 *
 * Who is discouraged may still connect while there is room, is the first to be
 * evicted, and is not dialled. Remembered in a rolling Bloom filter, in 384
 * KiB whatever remotes do: the last PTD_DISCOURAGE_ENTRIES that came in are
 * all in it, up to half as many older ones too; an address that never came in
 * is taken for one with a probability below one in a million. Nothing is saved:
 * a restart forgives.
 *
 * What counts as one address: of IPv6 the /64, of others all of it, ports
 * aside. Bitcoin Core takes all 128 bits of IPv6. But whoever is assigned a
 * /64, as every line and most servers are, has 2^64 addresses, so that a ban
 * of one of them bans nobody, and could push out 50,000 earlier entries with
 * addresses of his own. The price is that neighbours in a shared /64 are
 * discouraged together; they can still connect while there is room. CJDNS
 * addresses are hashes of keys: there a prefix says nothing about the owner.
 *
 * Owner    ptd_discourage_new() gives one
 * Threads  any
 * Locks    one (PTD_RANK_GUARD)
 * Source   Bitcoin Core's BanMan::Discourage for numbers and use
 */
#ifndef PTD_CONNMGR_DISCOURAGE_H
#define PTD_CONNMGR_DISCOURAGE_H

#include <stdbool.h>

#include "pentad/attr.h"
#include "pentad/netaddr.h"

struct ptd_discourage;

enum { PTD_DISCOURAGE_ENTRIES = 50000 };

/* Empty, with a random key; NULL for lack of memory. */
PTD_MUST_USE struct ptd_discourage *ptd_discourage_new(void);
void ptd_discourage_free(struct ptd_discourage *d PTD_TAKES);

void ptd_discourage_add(struct ptd_discourage *d, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);
bool ptd_discourage_has(struct ptd_discourage *d, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* Forget all, take a new key. */
void ptd_discourage_reset(struct ptd_discourage *d) PTD_NONNULL(1);

#endif /* PTD_CONNMGR_DISCOURAGE_H */
