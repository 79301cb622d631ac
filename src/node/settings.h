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
#include "node/permit.h"
#include "pentad/attr.h"
#include "pentad/chan.h"
#include "pentad/clock.h"
#include "pentad/log.h"
#include "pentad/msg.h"
#include "pentad/netaddr.h"
#include "pentad/params.h"
#include "zmq/publisher.h"

struct ptd_capture;
struct ptd_notifier;

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

struct ptd_addr_list {
    struct ptd_netaddr *v;
    size_t n;
    size_t cap;
};

/* A SOCKS5 proxy. */
struct ptd_node_proxy {
    bool is_set;
    struct ptd_netaddr addr; /* net PTD_NET_NONE: see path */
    char *path;              /* of a Unix socket; NULL: none */
};

struct ptd_node_config {
    const struct ptd_params *params;
    struct ptd_params *own_params; /* a signet of one's own, or NULL */

    /* Files. Paths are absolute. */
    char *datadir;        /* NULL: the node keeps no files */
    char *netdir;         /* of the network, below it, or the same */
    char *blocksdir;      /* where block files go */
    char *conf_path;      /* NULL: -noconf */
    char *conf_read_from; /* the data directory then */
    bool conf_is_read;    /* there was such a file */
    char *settings_path;  /* NULL: -nosettings */
    char *pid_path;       /* NULL: -nopid */

    /* The log. */
    char *log_path; /* NULL: no file */
    struct ptd_log_format log_format;
    bool log_ips;
    bool log_limit;  /* -logratelimit */
    bool log_shrink; /* -shrinkdebugfile */
    bool console;
    bool peer_table;

    /* The program. */
    bool daemon;
    bool daemon_wait;
    char *alert_notify; /* commands; NULL: none */
    char *block_notify;
    char *startup_notify;
    struct ptd_texts shutdown_notify;
    int64_t mock_time_s; /* 0: none */

    /* Who calls us. */
    bool listen;
    bool bind_default;        /* neither -bind nor -whitebind was given */
    struct ptd_netaddr *bind; /* where to listen */
    size_t n_bind;
    struct ptd_addr_list onion_bind; /* … for Tor */
    struct ptd_whitebind *whitebind;
    size_t n_whitebind;
    struct ptd_whitelist *whitelist;
    size_t n_whitelist;
    bool whitelist_relay;
    bool whitelist_force_relay;
    uint16_t port; /* for addresses without one */
    unsigned max_connections;
    struct ptd_addr_list external_ip;
    bool discover;
    bool natpmp;
    bool listen_onion;
    char *tor_control;  /* host and port of its control */
    char *tor_password; /* NULL: none */
    bool i2p_accept;

    /* Whom we call. */
    bool connect_only; /* dial connect alone, nobody else */
    struct ptd_texts connect;
    struct ptd_texts addnode;
    struct ptd_texts seednode;
    struct ptd_texts signet_seednode;
    bool dns;
    bool dns_seed;
    bool force_dns_seed;
    bool fixed_seeds;
    unsigned reachable; /* 1 << enum ptd_net: of automatic connections */
    bool only_net;      /* reachable was limited by -onlynet */
    bool cjdns_reachable;
    bool has_proxy; /* of names: what the four below are for most users */
    struct ptd_netaddr proxy;
    struct ptd_node_proxy name_proxy;
    struct ptd_node_proxy ipv4_proxy;
    struct ptd_node_proxy ipv6_proxy;
    struct ptd_node_proxy onion_proxy;
    struct ptd_node_proxy cjdns_proxy;
    struct ptd_node_proxy i2p_sam;
    bool proxy_randomize;
    int dial_timeout_ms;
    bool network_active;
    bool private_broadcast;

    /* Peers. */
    char user_agent[PTD_MAX_USER_AGENT + 1];
    int64_t peer_timeout_us;
    unsigned max_handshakes;   /* unfinished, of one group; 0: no limit */
    size_t max_send_bytes;     /* -maxsendbuffer */
    size_t max_recv_bytes;     /* -maxreceivebuffer */
    uint64_t max_upload_bytes; /* in 24 hours; 0: no limit */
    int64_t ban_time_s;
    bool v2_transport;
    bool blocks_only;
    bool peer_bloom_filters;
    uint64_t max_pool_bytes; /* -maxmempool */
    int64_t pool_expiry_s;   /* -mempoolexpiry */
    int64_t min_relay_fee;   /* satoshi for 1000 virtual bytes */
    bool persist_pool;       /* keep the pool over a restart */
    bool peer_block_filters;
    bool capture_messages;
    char *asmap_path; /* NULL: none */
    int64_t check_addrman;

    /* The chain. */
    bool has_min_chain_work; /* given: instead of the network's */
    struct ptd_hash min_chain_work;
    bool has_assume_valid;
    struct ptd_hash assume_valid;
    int64_t max_tip_age_s;
    uint64_t prune_bytes; /* 0: keep all; UINT64_MAX: by hand alone */
    bool fast_prune;
    bool blocks_xor;
    bool block_filter_index;
    bool reindex;
    bool reindex_chainstate;
    struct ptd_texts load_block; /* paths */
    bool stop_after_import;
    int64_t stop_at_height; /* 0: never */
    int64_t check_blocks;
    int64_t check_level;
    int64_t check_block_index;
    int64_t par;
    struct ptd_texts activation_height; /* "name@height", checked */
    struct ptd_texts vb_params;         /* checked */
    struct ptd_texts test_options;      /* -test */

    /* RPC. */
    bool server;
    bool rest;
    uint16_t rpc_port;
    struct ptd_texts rpc_bind;
    struct ptd_texts rpc_allow_ip; /* for ptd_subnet_parse(), checked */
    struct ptd_texts rpc_auth;
    char *rpc_user;        /* NULL: none was given */
    char *rpc_password;    /* "" and no user: the cookie */
    char *rpc_cookie_path; /* NULL: -norpccookiefile */
    unsigned rpc_cookie_mode;
    struct ptd_texts rpc_whitelist;
    int rpc_whitelist_default; /* -1: not given */
    int64_t rpc_server_timeout_s;
    int64_t rpc_threads;
    int64_t rpc_work_queue;
    bool rpc_doc_check;
    struct ptd_texts deprecated_rpc;
    struct ptd_zmq_pub *zmq;
    size_t n_zmq;

    /* Of embedders and tests. */
    struct ptd_clock *clock;       /* NULL: the node makes one */
    struct ptd_chan *events;       /* NULL, or told what happens: elements of
                                  struct ptd_node_event; none waits for room */
    struct ptd_notifier *notifier; /* NULL: commands are not run; borrowed */
    struct ptd_capture *capture;   /* NULL: nothing is captured; borrowed */
};

/* Fill in what holds where no option is given. The rest is zero. */
void ptd_node_config_init(struct ptd_node_config *cfg,
                          const struct ptd_params *params) PTD_NONNULL(1, 2);
void ptd_node_config_fini(struct ptd_node_config *cfg) PTD_NONNULL(1);

/* Read options in two steps, so that the program can make the directory in
 * between. First the files: find the data directory, read bitcoin.conf and
 * what it includes, choose the network, name all paths.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_node_config_find(struct ptd_node_config *cfg, struct ptd_args *args,
                     struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Then every value: let options change others, check each. What a human should
 * see and that stops nothing goes to `warnings`. */
PTD_MUST_USE enum ptd_err
ptd_node_config_read(struct ptd_node_config *cfg, struct ptd_args *args,
                     struct ptd_texts *warnings, struct ptd_complaint *why)
    PTD_NONNULL(1, 2, 3, 4);

/* Set the levels of the log as -debug and its kin say. */
PTD_MUST_USE enum ptd_err
ptd_node_config_log(const struct ptd_args *args, struct ptd_complaint *why)
    PTD_NONNULL(1, 2);

/* A copy of a text at the end of a list. PTD_OK, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_texts_add(struct ptd_texts *t, const char *text)
    PTD_NONNULL(1, 2);
void ptd_texts_fini(struct ptd_texts *t) PTD_NONNULL(1);

/* "/pentad:0.1.0(a; b)/" from the -uacomment list. PTD_OK, PTD_EINVAL.
 * Source: BIP 14 */
PTD_MUST_USE enum ptd_err
ptd_node_user_agent(char *out, size_t cap, const struct ptd_args *args,
                    struct ptd_complaint *why) PTD_NONNULL(1, 3, 4);

#endif /* PTD_NODE_SETTINGS_H */
