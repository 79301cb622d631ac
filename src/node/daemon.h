/* daemon.h - the way to the background.
 *
 * The process forks while it has one thread; the parent stays until the child
 * says how its start went. Meanwhile errors of the child still reach the
 * terminal, if its user waits for them.
 *
 * Thread   main, before any other exists
 * Source   Bitcoin Core's -daemon and -daemonwait
 */
#ifndef PTD_NODE_DAEMON_H
#define PTD_NODE_DAEMON_H

#include <stdbool.h>

#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_daemon {
    int token_fd; /* to the parent; -1: it was told, or there is none */
};

/* In the parent: exit once the child has told. In the child: go on, in a
 * session of its own, with standard input and output closed; standard error
 * too, and the parent told at once, unless it waits.
 *
 * Returns  PTD_OK, in the child alone; PTD_EIO: errno says why, in the parent
 */
PTD_MUST_USE enum ptd_err ptd_daemon_start(struct ptd_daemon *d, bool waits)
    PTD_NONNULL(1);

/* Tell the parent, if it waits; on success let go of the terminal. */
void ptd_daemon_tell(struct ptd_daemon *d, bool success) PTD_NONNULL(1);

#endif /* PTD_NODE_DAEMON_H */
