/* load.h - the chain as it was when the process before this one ended. */
#ifndef PTD_CHAIN_LOAD_H
#define PTD_CHAIN_LOAD_H

#include "chain/chain_int.h"

/* Fill an empty chain from its index and look whether the blocks are where it
 * says; begin a new one if there is none. Errors as ptd_blockchain_open(). */
PTD_MUST_USE enum ptd_err ptd_chain_load(struct ptd_blockchain *c, char *why)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu);

#endif /* PTD_CHAIN_LOAD_H */
