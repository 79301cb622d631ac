/* check_base.h - the suites of the base room. */
#ifndef PTD_CHECK_BASE_H
#define PTD_CHECK_BASE_H

#include <check.h>

Suite *suite_alloc(void);
Suite *suite_text(void);
Suite *suite_file(void);
Suite *suite_list(void);
Suite *suite_rng(void);
Suite *suite_u256(void);

#endif /* PTD_CHECK_BASE_H */
