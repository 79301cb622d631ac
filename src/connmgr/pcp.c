#include <config.h>

#include "connmgr/pcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/util.h"
#include "connmgr/pcp_packet.h"
#include "net/addr.h"
#include "net/wait.h"
#include "pentad/log.h"

PTD_LOG_TAG(NETW);

/* One gateway, asked in one protocol. */
struct talk {
    enum ptd_portmap_protocol protocol;
    const char *name; /* of it, in log lines */
    const struct ptd_portmap_request *ask;
    const struct ptd_latch *stop;
    int fd;                      /* connected to the gateway, owned */
    struct ptd_netaddr internal; /* our end, with the port that is mapped */
    unsigned n_strays;           /* datagrams that were no answer */
};

typedef enum ptd_err decode_fn(struct ptd_pcp_answer *out, const uint8_t *p,
                               size_t n, const struct ptd_portmap_request *ask,
                               const char **why);

/* ---- the socket --------------------------------------------------------- */

/* The gateway's address; with its interface, if it is of this link only. */
static enum ptd_err gateway_sockaddr(const struct ptd_gateway *g,
                                     struct sockaddr_storage *out,
                                     socklen_t *len)
{
    struct sockaddr_in6 in6;
    enum ptd_err e = ptd_addr_to_sockaddr(&g->na, out, len);

    if (e != PTD_OK || out->ss_family != AF_INET6 || g->interface[0] == '\0')
        return e;
    memcpy(&in6, out, sizeof in6);
    in6.sin6_scope_id = if_nametoindex(g->interface);
    memcpy(out, &in6, sizeof in6);
    return PTD_OK;
}

static bool connect_to(struct talk *t, const struct sockaddr_storage *from,
                       const struct sockaddr_storage *to, socklen_t len)
{
    /* A gateway maps for the address that the request comes from only. */
    if (bind(t->fd, (const struct sockaddr *)from, len) != 0) {
        ptd_log_warn("%s: Could not bind to address: %s", t->name,
                     strerror(errno));
        return false;
    }
    /* From now on the kernel drops what others send. */
    if (connect(t->fd, (const struct sockaddr *)to, len) != 0) {
        ptd_log_warn("%s: Could not connect to gateway: %s", t->name,
                     strerror(errno));
        return false;
    }
    if (ptd_addr_local(&t->internal, t->fd) != PTD_OK) {
        ptd_log_warn("%s: Could not get sock name: %s", t->name,
                     strerror(errno));
        return false;
    }
    t->internal.port = t->ask->port;
    return true;
}

static enum ptd_err talk_open(struct talk *t)
{
    struct sockaddr_storage to, from;
    socklen_t len, from_len;

    if (gateway_sockaddr(&t->ask->gateway, &to, &len) != PTD_OK ||
        ptd_addr_to_sockaddr(&t->ask->local, &from, &from_len) != PTD_OK ||
        to.ss_family != from.ss_family)
        return PTD_EINVAL;
    t->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0) {
        ptd_log_warn("%s: Could not create UDP socket: %s", t->name,
                     strerror(errno));
        return PTD_EIO;
    }
    if (!connect_to(t, &from, &to, len)) {
        close(t->fd);
        return PTD_EIO;
    }
    return PTD_OK;
}

/* ---- question and answer ------------------------------------------------ */

/* The beginning of it: what a hostile gateway sends is not worth more. */
static void log_received(const struct talk *t, const uint8_t *p, size_t n)
{
    enum { SHOWN_BYTES = 80 };
    char hex[2 * SHOWN_BYTES + 1];

    if (!ptd_log_wants(PTD_LOG_DEBUG))
        return;
    ptd_hex_encode(hex, p, PTD_MIN(n, (size_t)SHOWN_BYTES));
    ptd_log_debug("%s: Received response of %zu bytes: %s%s", t->name, n, hex,
                  n > SHOWN_BYTES ? "..." : "");
}

/* Look at one datagram. PTD_EAGAIN: it was no answer; go on waiting. */
static enum ptd_err recv_one(struct talk *t, struct ptd_pcp_answer *out,
                             decode_fn *decode)
{
    uint8_t in[PTD_PCP_MAX_BYTES];
    ssize_t n = recv(t->fd, in, sizeof in, 0);
    const char *why = NULL;
    enum ptd_err e;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return PTD_EAGAIN;
    if (n < 0) {
        ptd_log_debug("%s: Could not receive response: %s", t->name,
                      strerror(errno));
        return PTD_EIO;
    }
    log_received(t, in, (size_t)n);
    e = decode(out, in, (size_t)n, t->ask, &why);
    if (e != PTD_EPROTO)
        return e;
    if (t->n_strays == 0)
        ptd_log_warn("%s: %s", t->name, why);
    else
        ptd_log_debug("%s: %s", t->name, why);
    if (++t->n_strays < PTD_PCP_MAX_STRAYS)
        return PTD_EAGAIN;
    ptd_log_warn("%s: Giving up on a gateway that sends nothing but useless "
                 "responses",
                 t->name);
    return PTD_EPROTO;
}

/* Send once, wait for the time of one try. */
static enum ptd_err ask_once(struct talk *t, struct ptd_pcp_answer *out,
                             const uint8_t *question, size_t n,
                             decode_fn *decode)
{
    struct ptd_wait w = ptd_wait_until(t->ask->try_ms, t->stop);
    enum ptd_err e;

    if (send(t->fd, question, n, MSG_NOSIGNAL) != (ssize_t)n) {
        ptd_log_debug("%s: Could not send request: %s", t->name,
                      strerror(errno));
        return PTD_EIO;
    }
    do {
        e = ptd_wait_fd(&w, t->fd, POLLIN);
        if (e == PTD_OK)
            e = recv_one(t, out, decode);
    } while (e == PTD_EAGAIN);
    if (e == PTD_ETIMEOUT)
        ptd_log_debug("%s: Timeout", t->name);
    return e;
}

static enum ptd_err ask(struct talk *t, struct ptd_pcp_answer *out,
                        const uint8_t *question, size_t n, decode_fn *decode)
{
    enum ptd_err e = PTD_ETIMEOUT;

    for (unsigned i = 0; i < t->ask->tries && e == PTD_ETIMEOUT; i++) {
        if (i > 0)
            ptd_log_debug("%s: Retrying (%u)", t->name, i);
        e = ask_once(t, out, question, n, decode);
    }
    if (e == PTD_ETIMEOUT)
        ptd_log_debug("%s: Giving up after %u tries", t->name, t->ask->tries);
    return e;
}

/* ---- results ------------------------------------------------------------ */

static enum ptd_err judge(const struct talk *t, unsigned result,
                          const char *what)
{
    unsigned none_left = t->protocol == PTD_PORTMAP_PCP
                             ? PTD_PCP_NO_RESOURCES
                             : PTD_NATPMP_NO_RESOURCES;

    if (result == PTD_PCP_SUCCESS)
        return PTD_OK;
    /* Most routers have this off, and would say so every five minutes. */
    if (result == PTD_PCP_NOT_AUTHORIZED && t->ask->knows_refusal)
        ptd_log_debug("%s: %s failed with result %s (code %u)", t->name, what,
                      ptd_pcp_result_name(t->protocol, result), result);
    else
        ptd_log_warn("%s: %s failed with result %s (code %u)", t->name, what,
                     ptd_pcp_result_name(t->protocol, result), result);
    return result == none_left ? PTD_ELIMIT : PTD_EREJECTED;
}

static void fill(struct ptd_portmap_mapping *out, const struct talk *t,
                 const struct ptd_pcp_answer *a)
{
    out->protocol = t->protocol;
    out->internal = t->internal;
    out->external = a->external;
    out->lifetime_s = a->lifetime_s;
}

/* ---- the two protocols -------------------------------------------------- */

static enum ptd_err pcp_talk(struct talk *t, struct ptd_portmap_mapping *out)
{
    uint8_t question[PTD_PCP_MAP_BYTES];
    char text[PTD_NETADDR_TEXT];
    struct ptd_pcp_answer a;
    enum ptd_err e;

    ptd_log_debug("pcp: Internal address after connect: %s",
                  ptd_netaddr_format_host(&t->internal, text, sizeof text));
    ptd_pcp_map_encode(question, t->ask, &t->internal);
    e = ask(t, &a, question, sizeof question, ptd_pcp_map_decode);
    if (e == PTD_OK && (e = judge(t, a.result, "Mapping")) == PTD_OK)
        fill(out, t, &a);
    return e;
}

enum ptd_err ptd_pcp_map(struct ptd_portmap_mapping *out,
                         const struct ptd_portmap_request *ask_for,
                         const struct ptd_latch *stop)
{
    struct talk t = {
        .protocol = PTD_PORTMAP_PCP, .name = "pcp", .ask = ask_for, .stop = stop
    };
    char local[PTD_NETADDR_TEXT], gateway[PTD_NETADDR_TEXT];
    enum ptd_err e;

    ptd_log_debug(
        "pcp: Requesting port mapping for addr %s port %u from "
        "gateway %s",
        ptd_netaddr_format_host(&ask_for->local, local, sizeof local),
        ask_for->port,
        ptd_netaddr_format_host(&ask_for->gateway.na, gateway, sizeof gateway));
    if ((e = talk_open(&t)) != PTD_OK)
        return e;
    e = pcp_talk(&t, out);
    close(t.fd);
    return e;
}

static enum ptd_err natpmp_talk(struct talk *t, struct ptd_portmap_mapping *out)
{
    uint8_t external[PTD_NATPMP_EXTERNAL_BYTES], map[PTD_NATPMP_MAP_BYTES];
    struct ptd_pcp_answer a;
    enum ptd_err e;

    ptd_natpmp_external_encode(external);
    e = ask(t, &a, external, sizeof external, ptd_natpmp_external_decode);
    if (e != PTD_OK ||
        (e = judge(t, a.result, "Getting external address")) != PTD_OK)
        return e;
    ptd_natpmp_map_encode(map, t->ask);
    e = ask(t, &a, map, sizeof map, ptd_natpmp_map_decode);
    if (e == PTD_OK && (e = judge(t, a.result, "Port mapping")) == PTD_OK)
        fill(out, t, &a);
    return e;
}

enum ptd_err ptd_natpmp_map(struct ptd_portmap_mapping *out,
                            const struct ptd_portmap_request *ask_for,
                            const struct ptd_latch *stop)
{
    struct talk t = { .protocol = PTD_PORTMAP_NATPMP,
                      .name = "natpmp",
                      .ask = ask_for,
                      .stop = stop };
    char gateway[PTD_NETADDR_TEXT];
    enum ptd_err e;

    ptd_log_debug(
        "natpmp: Requesting port mapping port %u from gateway %s",
        ask_for->port,
        ptd_netaddr_format_host(&ask_for->gateway.na, gateway, sizeof gateway));
    if (ask_for->gateway.na.net != PTD_NET_IPV4)
        return PTD_EINVAL; /* RFC 6886: of IPv4 only */
    if ((e = talk_open(&t)) != PTD_OK)
        return e;
    e = natpmp_talk(&t, out);
    close(t.fd);
    return e;
}

const char *ptd_portmap_format(const struct ptd_portmap_mapping *m, char *out,
                               size_t cap)
{
    char external[PTD_NETADDR_TEXT], internal[PTD_NETADDR_TEXT];

    if (cap > 0)
        snprintf(out, cap, "%s:%s -> %s (for %us)",
                 m->protocol == PTD_PORTMAP_PCP ? "pcp" : "natpmp",
                 ptd_netaddr_format(&m->external, external, sizeof external),
                 ptd_netaddr_format(&m->internal, internal, sizeof internal),
                 (unsigned)m->lifetime_s);
    return out;
}
