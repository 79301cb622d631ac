/* notify.h - commands of the user's that run when something happens.
 *
 * One thread starts them with /bin/sh -c, in the order in which they come, and
 * waits for each to end; up to 64 run at once. A command that fails is logged.
 *
 * Owner    the program
 * Threads  any, unless a function says otherwise
 * Locks    none
 * Source   Bitcoin Core's -startupnotify, -blocknotify, -alertnotify,
 *          -shutdownnotify
 */
#ifndef PTD_NODE_NOTIFY_H
#define PTD_NODE_NOTIFY_H

#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_notifier;

/* Start the thread. PTD_OK, PTD_ENOMEM, PTD_ELIMIT (descriptors), PTD_EAGAIN
 * (threads). */
PTD_MUST_USE enum ptd_err ptd_notifier_start(struct ptd_notifier **out)
    PTD_NONNULL(1);

/* Start what waits for its turn, as far as there is room, and join the thread;
 * commands that run then go on without us. Takes NULL. */
void ptd_notifier_stop(struct ptd_notifier *n PTD_TAKES);

/* Run a command, with a value in the place of each "%s". Never waits; for lack
 * of room it is dropped, and that is logged.
 *
 * n        NULL: nothing is run
 * command  NULL or "": nothing is run
 * value    NULL: "%s" stays. It is not quoted: a hash
 */
void ptd_notify(struct ptd_notifier *n, const char *command, const char *value);

/* The same for words that may come from elsewhere: what a shell could take for
 * more than words is left out, and the rest is quoted. */
void ptd_notify_alert(struct ptd_notifier *n, const char *command,
                      const char *message) PTD_NONNULL(3);

/* Run commands, all at once, and wait for them.
 *
 * Thread   one that may wait
 */
void ptd_notify_and_wait(char *const *commands, size_t n_commands);

#endif /* PTD_NODE_NOTIFY_H */
