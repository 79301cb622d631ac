/* settings_int.h - what the readers of values share; for settings.c and the
 * files set_*.c alone. */
#ifndef PTD_NODE_SETTINGS_INT_H
#define PTD_NODE_SETTINGS_INT_H

#include "node/settings.h"

#define SECOND_US INT64_C(1000000)

/* What is read into, and from where. */
struct setter {
    struct ptd_node_config *cfg;
    struct ptd_args *args;
    struct ptd_texts *warnings;
    struct ptd_complaint *why;
};

/* All give PTD_OK; PTD_EINVAL: why; PTD_ENOMEM. */

/* A warning for the user. */
PTD_MUST_USE enum ptd_err set_warn(struct setter *s, const char *format, ...)
    PTD_PRINTF(2, 3);

/* A copy of an option's value; *out stays NULL where it is not set. */
PTD_MUST_USE enum ptd_err set_text(struct setter *s, char **out,
                                   const char *option);

/* … of all its values. */
PTD_MUST_USE enum ptd_err set_texts(struct setter *s, struct ptd_texts *out,
                                    const char *option);

/* A path below a directory; NULL if the option is negated. */
PTD_MUST_USE enum ptd_err set_path(struct setter *s, char **out,
                                   const char *option, const char *dir,
                                   const char *otherwise);

PTD_MUST_USE enum ptd_err addr_list_add(struct ptd_addr_list *list,
                                        const struct ptd_netaddr *na);

/* Read an address, or look a name up if names are allowed. */
bool set_look_up(const struct setter *s, struct ptd_netaddr *na,
                 const char *text, uint16_t default_port, bool names);

/* interact.c: options that bring others about. */
PTD_MUST_USE enum ptd_err set_interactions(struct setter *s);

/* set_program.c: files, log, commands. */
PTD_MUST_USE enum ptd_err set_program(struct setter *s);
/* set_net.c: peers, and where we listen. */
PTD_MUST_USE enum ptd_err set_net(struct setter *s);
/* set_dial.c: whom we dial, and through what. */
PTD_MUST_USE enum ptd_err set_dial(struct setter *s);
/* set_chain.c */
PTD_MUST_USE enum ptd_err set_network_rules(struct setter *s);
PTD_MUST_USE enum ptd_err set_chain(struct setter *s);
/* set_missing.c: what does nothing here. */
PTD_MUST_USE enum ptd_err set_missing(struct setter *s);
/* set_rpc.c */
PTD_MUST_USE enum ptd_err set_rpc(struct setter *s);

#endif /* PTD_NODE_SETTINGS_INT_H */
