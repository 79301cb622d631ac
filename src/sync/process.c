#include <config.h>

#include "pentad/process.h"

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

/* From <linux/prctl.h> of Linux 6.17. */
#define FUTEX_HASH 78
#define FUTEX_HASH_SET_SLOTS 1
#define FUTEX_SLOTS 16384

void ptd_process_tune(void)
{
#ifdef HAVE_SYS_PRCTL_H
    /* Older kernels answer EINVAL: they have one large table for all. */
    (void)prctl(FUTEX_HASH, FUTEX_HASH_SET_SLOTS, FUTEX_SLOTS, 0, 0);
#endif
#if defined(HAVE_MALLOPT) && defined(M_ARENA_MAX)
    (void)mallopt(M_ARENA_MAX, 2);
#endif
}
