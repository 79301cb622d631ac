/* txs.h - transactions that look real enough to fill a block with. */
#ifndef PTD_BENCH_TXS_H
#define PTD_BENCH_TXS_H

#include <stdbool.h>
#include <stddef.h>

#include "pentad/msg.h"

/* n of them, all different, of about so many bytes each: one input, two
 * outputs; what the input proves stands in its witness or in its script.
 * bench_txs_free() takes them. */
struct ptd_msg **bench_txs_new(size_t n, size_t bytes, bool witness);
void bench_txs_free(struct ptd_msg **txs, size_t n);

#endif /* PTD_BENCH_TXS_H */
