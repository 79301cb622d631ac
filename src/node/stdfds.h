/* stdfds.h - standard input, output and error, whatever the parent did. */
#ifndef PTD_NODE_STDFDS_H
#define PTD_NODE_STDFDS_H

#include <stdbool.h>

#include "pentad/attr.h"

/* Open /dev/null for each of standard input, output and error that is closed.
 * Otherwise the next file that is opened takes its number, and what is printed
 * goes there.
 *
 * Returns  false if /dev/null cannot be opened
 * Thread   main, before any file is opened
 */
PTD_MUST_USE bool ptd_stdfds_fill(void);

/* Write out what was printed to standard output; if that fails, now or before,
 * say so on standard error.
 *
 * Returns  false if something of it is lost
 */
PTD_MUST_USE bool ptd_stdout_is_written(void);

#endif /* PTD_NODE_STDFDS_H */
