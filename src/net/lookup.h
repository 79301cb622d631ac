/* lookup.h - a name looked up by a child process, for resolve.c alone.
 *
 * Threads  any
 * Blocks   to the deadline at most, or until the latch is set
 */
#ifndef PTD_NET_LOOKUP_H
#define PTD_NET_LOOKUP_H

#include <stddef.h>

#include "net/wait.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* Have getent(1) print the addresses of a host.
 *
 * text     n of at most cap bytes: lines that begin with an address; none if
 *          the name is not known
 * host     of at most 255 characters; no option: does not begin with '-'
 * Returns  PTD_OK; PTD_ETIMEOUT; PTD_ECLOSED; PTD_ENOTFOUND: there is no
 *          getent here; PTD_ELIMIT: no descriptor or process left; PTD_EIO
 */
PTD_MUST_USE enum ptd_err ptd_lookup(char *text, size_t cap, size_t *n,
                                     const char *host, const struct ptd_wait *w)
    PTD_NONNULL(1, 3, 4, 5);

#endif /* PTD_NET_LOOKUP_H */
