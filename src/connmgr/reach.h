/* reach.h - which networks we call, and through whom.
 *
 * A value: copied as one, changed before the threads start.
 *
 * Threads  any may read
 * Source   Bitcoin Core 31.1: -proxy, -onion, -proxyrandomize, -onlynet,
 *          -cjdnsreachable
 */
#ifndef PTD_CONNMGR_REACH_H
#define PTD_CONNMGR_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dial.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

enum { PTD_REACH_NETS = PTD_NET_YGGDRASIL + 1 };

struct ptd_reach {
    uint32_t nets; /* PTD_NET_BIT()s: networks of automatic connections */
    struct ptd_proxy proxy[PTD_REACH_NETS]; /* addr_len 0: none, direct */
    struct ptd_proxy name_proxy; /* for names, which are then not looked up */
};

/* IPv4 and IPv6, directly. */
void ptd_reach_init(struct ptd_reach *r) PTD_NONNULL(1);

/* The options as the user gave them. */
struct ptd_reach_options {
    const char *const *proxy; /* -proxy, in order: ADDR, ADDR=NET, "0" */
    size_t n_proxy;
    const char *onion;          /* -onion; NULL or "": as -proxy; "0": none */
    const char *const *onlynet; /* -onlynet: names of networks */
    size_t n_onlynet;
    bool cjdns;        /* -cjdnsreachable */
    bool listen_onion; /* -listenonion: a proxy for Tor may yet come */
    bool randomize;    /* -proxyrandomize */
    bool look_up;      /* -dns: proxies may be given by name */
};

/* What is wrong with an option, worded as Bitcoin Core does. */
struct ptd_reach_why {
    char text[320];
};

/* Read the options.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong
 * Blocks   while a proxy's name is looked up: ptd_resolve()
 */
PTD_MUST_USE enum ptd_err
ptd_reach_read(struct ptd_reach *r, const struct ptd_reach_options *o,
               struct ptd_reach_why *why) PTD_NONNULL(1, 2, 3);

/* May we make automatic connections to it? */
bool ptd_reach_has(const struct ptd_reach *r, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* Whom to dial it through; NULL: directly. An address that is not routable
 * (this machine, the local network) is always dialled directly. */
const struct ptd_proxy *
ptd_reach_proxy(const struct ptd_reach *r, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* Whom to dial names through; NULL: they are looked up here. */
const struct ptd_proxy *ptd_reach_name_proxy(const struct ptd_reach *r)
    PTD_NONNULL(1);

/* The network of a name, PTD_NET_NONE if there is none of that name: "ipv4"
 * "ipv6" "onion" "i2p" "cjdns", in any case. */
enum ptd_net ptd_reach_net_of(const char *name) PTD_NONNULL(1);

#endif /* PTD_CONNMGR_REACH_H */
