/* ref.h - reference counts.
 *
 * Whoever adds a reference already holds one, so adding is relaxed; dropping
 * is acquire-release, so that the one who destroys sees what all others did.
 */
#ifndef PTD_BASE_REF_H
#define PTD_BASE_REF_H

#include <stdatomic.h>
#include <stdbool.h>

struct ptd_ref {
    atomic_uint n;
};

static inline void ptd_ref_init(struct ptd_ref *r)
{
    atomic_init(&r->n, 1);
}

static inline void ptd_ref_get(struct ptd_ref *r)
{
    atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);
}

/* True for the caller that dropped the last reference and must destroy the
 * object. */
static inline bool ptd_ref_put(struct ptd_ref *r)
{
    return atomic_fetch_sub_explicit(&r->n, 1, memory_order_acq_rel) == 1;
}

/* True if the caller's reference is the only one: nobody else can add one. */
static inline bool ptd_ref_is_last(struct ptd_ref *r)
{
    return atomic_load_explicit(&r->n, memory_order_acquire) == 1;
}

#endif /* PTD_BASE_REF_H */
