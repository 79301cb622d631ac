#ifndef PTD_CHECK_ZMQ_H
#define PTD_CHECK_ZMQ_H

#include <check.h>

TCase *tcase_tips(void);
TCase *tcase_queue(void);
TCase *tcase_socket(void);

#endif /* PTD_CHECK_ZMQ_H */
