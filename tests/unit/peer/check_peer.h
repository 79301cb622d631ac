/* check_peer.h - the test cases of this room. */
#ifndef PTD_TESTS_CHECK_PEER_H
#define PTD_TESTS_CHECK_PEER_H

#include <check.h>

TCase *tcase_basic(void);
TCase *tcase_conduct(void);
TCase *tcase_hooks(void);
TCase *tcase_queue(void);
TCase *tcase_requests(void);
TCase *tcase_timeouts(void);

#endif /* PTD_TESTS_CHECK_PEER_H */
