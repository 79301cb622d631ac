/* addrknown.h - the addresses that a peer is known to have heard.
 *
 * Remembers the last PTD_ADDR_KNOWN addresses that were put in, and up to as
 * many older ones, by keyed 32-bit digests: two generations, of which the older
 * is dropped when the younger is full. An address that was never put in is
 * taken for one with a probability of two in a million: it is not
 * told then. Memory grows with use, up to 64 KiB; for lack of memory less is
 * remembered.
 *
 * Owner    whoever holds the struct; all zeros is empty and needs no freeing
 * Threads  one at a time
 * Source   Bitcoin Core's m_addr_known (a rolling Bloom filter)
 */
#ifndef PTD_NODE_ADDRKNOWN_H
#define PTD_NODE_ADDRKNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/netaddr.h"

enum { PTD_ADDR_KNOWN = 4096 };

struct addr_known {
    uint64_t k0, k1;
    struct addr_digests {
        uint32_t *v; /* cap slots, open addressing; 0: free */
        uint32_t n, cap;
    } young, old;
    bool has_key;
};

void addr_known_add(struct addr_known *k, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);
bool addr_known_has(const struct addr_known *k, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* Forget all, and give the memory back. */
void addr_known_reset(struct addr_known *k) PTD_NONNULL(1);

#endif /* PTD_NODE_ADDRKNOWN_H */
