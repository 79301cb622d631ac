#ifndef PTD_CHECK_LOG_H
#define PTD_CHECK_LOG_H

#include <check.h>

TCase *tcase_file(void);

#endif /* PTD_CHECK_LOG_H */
