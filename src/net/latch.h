/* latch.h - wakes a thread that sleeps in poll(2).
 *
 * Once set it stays set until it is cleared, and its descriptor is readable
 * all the while: several sleepers may watch one latch.
 *
 * Threads  any; set is safe in a signal handler too
 */
#ifndef PTD_NET_LATCH_H
#define PTD_NET_LATCH_H

#include <stdbool.h>

#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_latch {
    int fd; /* an eventfd: poll it for POLLIN */
};

/* Returns  PTD_OK; PTD_ELIMIT when no descriptor is left */
PTD_MUST_USE enum ptd_err ptd_latch_init(struct ptd_latch *l) PTD_NONNULL(1);
void ptd_latch_fini(struct ptd_latch *l) PTD_NONNULL(1);

void ptd_latch_set(struct ptd_latch *l) PTD_NONNULL(1);
void ptd_latch_clear(struct ptd_latch *l) PTD_NONNULL(1);
bool ptd_latch_is_set(const struct ptd_latch *l) PTD_NONNULL(1);

#endif /* PTD_NET_LATCH_H */
