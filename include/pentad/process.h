/* process.h - settings of the whole process that many threads need.
 *
 * The library never changes process-wide settings by itself; a program that
 * runs thousands of peers calls ptd_process_tune() first thing in main().
 */
#ifndef PTD_PROCESS_H
#define PTD_PROCESS_H

#include "pentad/attr.h"

PTD_BEGIN_DECLS

/* Ask the kernel for a futex table of 16,384 slots for this process (Linux
 * 6.17 and later size it by the number of CPUs, and a wake among 30,000
 * sleepers then costs 100 us), and malloc for at most two arenas.
 * What the system does not know is left as it is.
 *
 * Thread   main, before any other thread exists
 */
PTD_API void ptd_process_tune(void);

PTD_END_DECLS

#endif /* PTD_PROCESS_H */
