/* settings.h - what a node is made with: read from options, or filled in by a
 * test.
 *
 * Threads  one; constant once the node runs
 */
#ifndef PTD_NODE_SETTINGS_H
#define PTD_NODE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/args.h"
#include "pentad/attr.h"
#include "pentad/chan.h"
#include "pentad/clock.h"
#include "pentad/log.h"
#include "pentad/msg.h"
#include "pentad/netaddr.h"
#include "pentad/params.h"

enum {
    PTD_NODE_OUTBOUND = 8,      /* peers that the node chooses itself */
    PTD_NODE_RESERVED = 11,     /* of -maxconnections, not for inbound peers */
    PTD_NODE_MAX_TARGETS = 1024 /* of -connect and -addnode */
};

/* A list of texts, each from malloc. */
struct ptd_texts {
    char **v;
    size_t n;
    size_t cap;
};

struct ptd_node_config {
    const struct ptd_params *params;
    struct ptd_params *own_params; /* a signet of one's own, or NULL */

    char *datadir; /* NULL: the node keeps no files */
    char *netdir;  /* of the network, below it, or the same */
    char *log_path;
    struct ptd_log_format log_format;
    bool log_ips;
    bool console;
    bool peer_table;

    bool listen;
    bool bind_default;        /* no -bind was given */
    struct ptd_netaddr *bind; /* where to listen */
    size_t n_bind;
    uint16_t port; /* for addresses without one */
    unsigned max_connections;
    char user_agent[PTD_MAX_USER_AGENT + 1];

    bool connect_only; /* dial connect alone, nobody else */
    struct ptd_texts connect;
    struct ptd_texts addnode;
    bool fixed_seeds;
    bool dns;
    bool has_proxy;
    struct ptd_netaddr proxy;
    bool proxy_randomize;
    int dial_timeout_ms;

    int64_t peer_timeout_us;
    int64_t mock_time_s; /* 0: none */
    bool fetch_blocks;
    size_t block_memory_bytes;

    /* Of embedders and tests. */
    struct ptd_clock *clock; /* NULL: the node makes one */
    struct ptd_chan *events; /* NULL, or told what happens: elements of
                                  struct ptd_node_event; none waits for room */
};

/* Fill in what holds where no option is given. The rest is zero. */
void ptd_node_config_init(struct ptd_node_config *cfg,
                          const struct ptd_params *params) PTD_NONNULL(1, 2);
void ptd_node_config_fini(struct ptd_node_config *cfg) PTD_NONNULL(1);

/* Read all options, the file's too: find the data directory, choose the
 * network, check every value. Nothing is created or opened for writing.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_node_config_read(struct ptd_node_config *cfg, struct ptd_args *args,
                     struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Set the levels of the log as -debug and its kin say. */
PTD_MUST_USE enum ptd_err
ptd_node_config_log(const struct ptd_args *args, struct ptd_complaint *why)
    PTD_NONNULL(1, 2);

/* A copy of a text at the end of a list. PTD_OK, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_texts_add(struct ptd_texts *t, const char *text)
    PTD_NONNULL(1, 2);

/* "/pentad:0.1.0(a; b)/" from the -uacomment list. PTD_OK, PTD_EINVAL.
 * Source: BIP 14 */
PTD_MUST_USE enum ptd_err
ptd_node_user_agent(char *out, size_t cap, const struct ptd_args *args,
                    struct ptd_complaint *why) PTD_NONNULL(1, 3, 4);

#endif /* PTD_NODE_SETTINGS_H */
