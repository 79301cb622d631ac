/* seeds.h - inputs to begin fuzzing with, made by our own encoder. */
#ifndef PTD_FUZZ_SEEDS_H
#define PTD_FUZZ_SEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/wire.h"

/* Call fn for every seed of a message: each variant in every version and
 * encoding that lays it out differently.
 *
 * data     an input of a fuzz target, freed when fn returns
 */
void seeds_of_msg(enum ptd_msg_type type,
                  void (*fn)(void *arg, const uint8_t *data, size_t size),
                  void *arg);

/* Headers and addresses. */
void seeds_of_header(void (*fn)(void *arg, const uint8_t *data, size_t size),
                     void *arg);
void seeds_of_netaddr(void (*fn)(void *arg, const uint8_t *data, size_t size),
                      void *arg);

#endif /* PTD_FUZZ_SEEDS_H */
