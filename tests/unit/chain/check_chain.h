/* check_chain.h - the suites of the chain room. */
#ifndef PTD_CHECK_CHAIN_H
#define PTD_CHECK_CHAIN_H

#include <check.h>

Suite *suite_headers(void);
Suite *suite_pow(void);
Suite *suite_real(void);

#endif /* PTD_CHECK_CHAIN_H */
