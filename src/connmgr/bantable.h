/* bantable.h - bans in a hash table, found by range or by address.
 *
 * Entries lie side by side in one array, the last one filling the gap that a
 * removed one leaves; a table of slots says where. How many entries there are
 * of each prefix length tells which lengths an address has to be looked up
 * under.
 *
 * Threads  one at a time: the owner has a lock
 */
#ifndef PTD_CONNMGR_BANTABLE_H
#define PTD_CONNMGR_BANTABLE_H

#include "connmgr/banlist.h"

struct ptd_bantable {
    struct ptd_ban *e; /* n of cap */
    size_t n, cap;
    uint32_t *slots;         /* index into e and 1; 0: free. n_slots, of them at
                               most half used */
    size_t n_slots;          /* 0 or a power of two */
    uint64_t k0, k1;         /* of the hash */
    uint32_t n_ipv4[32 + 1]; /* entries of each prefix length */
    uint32_t n_ipv6[128 + 1];
    uint32_t n_single; /* entries of other networks */
};

void ptd_bantable_init(struct ptd_bantable *t) PTD_NONNULL(1);
void ptd_bantable_fini(struct ptd_bantable *t) PTD_NONNULL(1);

/* Forget all, give the memory back. */
void ptd_bantable_clear(struct ptd_bantable *t) PTD_NONNULL(1);

/* The ban of exactly this range, or NULL; valid until the table changes. */
struct ptd_ban *ptd_bantable_find(const struct ptd_bantable *t,
                                  const struct ptd_subnet *s) PTD_NONNULL(1, 2);

/* Put in a ban whose range is not in it. PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_bantable_add(struct ptd_bantable *t, const struct ptd_ban *ban)
    PTD_NONNULL(1, 2);

/* Take out an entry of the table. */
void ptd_bantable_remove(struct ptd_bantable *t, struct ptd_ban *ban)
    PTD_NONNULL(1, 2);

/* True if an entry that lasts beyond now_s takes the address in. */
bool ptd_bantable_has_addr(const struct ptd_bantable *t,
                           const struct ptd_netaddr *na, int64_t now_s)
    PTD_NONNULL(1, 2);

#endif /* PTD_CONNMGR_BANTABLE_H */
