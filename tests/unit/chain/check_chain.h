/* check_chain.h - the suites of the chain room, and what they share. */
#ifndef PTD_CHECK_CHAIN_H
#define PTD_CHECK_CHAIN_H

#include <check.h>
#include <stdint.h>

#include "pentad/hash.h"

Suite *suite_block_rules(void);
Suite *suite_blockkey(void);
Suite *suite_blockchain(void);
Suite *suite_disk(void);
Suite *suite_files(void);
Suite *suite_headers(void);
Suite *suite_import(void);
Suite *suite_mining(void);
Suite *suite_pow(void);
Suite *suite_presync(void);
Suite *suite_real(void);
Suite *suite_retarget(void);
Suite *suite_scan(void);
Suite *suite_script_addr(void);
Suite *suite_threads(void);

/* The hash of a header of 80 bytes. */
struct ptd_hash hash_of(const uint8_t *raw);

/* Make a header on a parent: its nonce is searched for (two tries, on average,
 * at the lowest difficulty of regtest). Other salt, other header. */
void mine_header(uint8_t raw[80], const struct ptd_hash *prev, uint32_t time,
                 uint32_t bits, uint32_t salt);

#endif /* PTD_CHECK_CHAIN_H */
