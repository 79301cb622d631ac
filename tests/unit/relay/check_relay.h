/* The test cases of the room. */
#ifndef PTD_CHECK_RELAY_H
#define PTD_CHECK_RELAY_H

#include <check.h>

TCase *tcase_bloom(void);
TCase *tcase_peers(void);
TCase *tcase_pool(void);
TCase *tcase_wanted(void);

#endif /* PTD_CHECK_RELAY_H */
