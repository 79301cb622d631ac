/* txs.h - transactions that look real enough to fill a block with. */
#ifndef PTD_BENCH_TXS_H
#define PTD_BENCH_TXS_H

#include <stddef.h>

#include "pentad/msg.h"

/* n of them, all different, of about so many bytes each: one input, two
 * outputs. bench_txs_free() takes them. */
struct ptd_msg **bench_txs_new(size_t n, size_t bytes);
void bench_txs_free(struct ptd_msg **txs, size_t n);

#endif /* PTD_BENCH_TXS_H */
