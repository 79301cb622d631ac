/* known.h - the inventory that a peer is known to have: the last so many, by
 * value.
 *
 * An entry is a keyed 64-bit digest of type and hash: 12 bytes instead of 48,
 * and no one who lacks the key can make two collide. Memory grows with use.
 *
 * Owner    the peer; guarded by its stats_mu
 */
#ifndef PTD_PEER_KNOWN_H
#define PTD_PEER_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "pentad/msg.h"

struct known_entry {
    uint64_t digest;
    uint16_t newer, older; /* order of use; indexes of entries */
};

struct known_inv {
    uint64_t k0, k1;      /* key of the digests */
    uint32_t limit;       /* entries at most, up to 32,767 */
    uint32_t n;           /* entries in use */
    uint32_t cap;         /* entries allocated */
    uint32_t mask;        /* slots - 1; slots is 2 * cap */
    struct known_entry *e;
    uint16_t *slot;       /* index of an entry + 1, 0: free */
    uint16_t newest, oldest;
};

void ptd_known_init(struct known_inv *k, uint32_t limit);
void ptd_known_fini(struct known_inv *k);

/* Remember; the least recently used makes room. For lack of memory nothing is
 * remembered, which costs an announcement at worst. */
void ptd_known_add(struct known_inv *k, const struct ptd_inv *inv);
bool ptd_known_has(const struct known_inv *k, const struct ptd_inv *inv);

#endif /* PTD_PEER_KNOWN_H */
