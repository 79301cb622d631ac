/* fuzz.h - what a fuzz target does with one input; shared by the libFuzzer
 * programs, by the program that replays the corpus, and by the maker of seeds.
 */
#ifndef PTD_FUZZ_H
#define PTD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/wire.h"

/* An input begins with this many bytes: index of the protocol version in
 * sample_pvers, encoding, strictness. The payload follows. */
enum { FUZZ_HEAD_BYTES = 3 };

/* Decode, encode, decode, compare; abort where a claim does not hold. */
void fuzz_msg(enum ptd_msg_type type, const uint8_t *data, size_t size);

/* A v1 header of 24 bytes. */
void fuzz_header(const uint8_t *data, size_t size);

/* An address as text. */
void fuzz_netaddr(const uint8_t *data, size_t size);

/* libFuzzer's entry, in the programs that are linked with it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* PTD_FUZZ_H */
