/* rng.h - randomness from the system, good enough for keys and nonces.
 *
 * Cannot fail: a system that has none aborts the program.
 *
 * Threads  any; no state of ours
 */
#ifndef PTD_BASE_RNG_H
#define PTD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"

void ptd_random_bytes(void *out, size_t n);
uint32_t ptd_random_u32(void);
uint64_t ptd_random_u64(void);

/* One of 0 … bound - 1, each as likely as the others; bound > 0. */
uint64_t ptd_random_below(uint64_t bound);

/* A waiting time of that mean >= 0, distributed exponentially: what has passed of
 * it says nothing of what is left.
 *
 * Source  J. von Neumann, Various techniques used in connection with random
 *         digits (1951): lengths of falling runs of uniform numbers
 */
int64_t ptd_random_exponential(int64_t mean);

/* Put n elements of elem_size bytes (at most 256) into random order. */
void ptd_random_shuffle(void *array, size_t n, size_t elem_size);

#endif /* PTD_BASE_RNG_H */
