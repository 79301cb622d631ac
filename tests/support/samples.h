/* samples.h - messages to begin with: for fuzzing, and for tests that hold for
 * all messages.
 *
 * Threads  one
 */
#ifndef PTD_SUPPORT_SAMPLES_H
#define PTD_SUPPORT_SAMPLES_H

#include "pentad/wire.h"

/* Protocol versions at which some layout changes, and their neighbours. */
extern const uint32_t sample_pvers[];
extern const size_t sample_n_pvers;

/* Variants of each message: nothing in its lists; two of each; more. */
enum { SAMPLE_EMPTY, SAMPLE_FEW, SAMPLE_MANY, SAMPLE_N_VARIANTS };

/* Give a message of ours, all of whose fields are set, and differ; it can be
 * encoded in every version that has it. Aborts for lack of memory. */
struct ptd_msg *sample_new(enum ptd_msg_type type, unsigned variant);

#endif /* PTD_SUPPORT_SAMPLES_H */
