#ifndef PTD_CHECK_NETSYNC_H
#define PTD_CHECK_NETSYNC_H

#include <check.h>

TCase *tcase_fetch(void);
TCase *tcase_conduct(void);
TCase *tcase_compact(void);
TCase *tcase_announce(void);
TCase *tcase_serve(void);
TCase *tcase_surplus(void);

#endif /* PTD_CHECK_NETSYNC_H */
