/* check_node.h - the tests of the node room, and what they share. */
#ifndef PTD_CHECK_NODE_H
#define PTD_CHECK_NODE_H

#include <check.h>

TCase *tcase_alerts(void);
TCase *tcase_args(void);
TCase *tcase_settings(void);
TCase *tcase_gossip(void);
TCase *tcase_rpc_chain(void);
TCase *tcase_rpc_pool(void);
TCase *tcase_rpc_net(void);
TCase *tcase_server(void);
TCase *tcase_run(void);
TCase *tcase_blocks(void);
TCase *tcase_permit(void);
TCase *tcase_notify(void);
TCase *tcase_capture(void);
TCase *tcase_program(void);
TCase *tcase_cgroup(void);
TCase *tcase_listen(void);
TCase *tcase_publish(void);

/* A directory of its own for a test; removed with all that is in it by
 * temp_remove(), which frees the name. */
char *temp_make(void);
void temp_remove(char *dir);

/* Write a file in a directory. */
void temp_write(const char *dir, const char *name, const char *text);

#endif /* PTD_CHECK_NODE_H */
