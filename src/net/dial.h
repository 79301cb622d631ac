/* dial.h - connections to others: direct over IPv4 and IPv6, or through a
 * SOCKS5 proxy.
 *
 * Threads  any; each call stands alone
 * Blocks   to the deadline at most, or until the latch is set
 */
#ifndef PTD_NET_DIAL_H
#define PTD_NET_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/latch.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

/* Whom to call: an address, or a name. */
struct ptd_dial_target {
    struct ptd_netaddr na; /* net PTD_NET_NONE: by name */
    const char *host;      /* a name of at most 255 characters; else NULL */
    uint16_t port;         /* with host; na has its own */
};

/* A SOCKS5 proxy (RFC 1928, 1929). */
struct ptd_proxy {
    struct sockaddr_storage addr; /* IPv4, IPv6 or a Unix socket */
    socklen_t addr_len;
    const char *user;     /* NULL: none; 1 to 255 characters */
    const char *password; /* with user; 1 to 255 characters */
    bool isolate; /* fresh random user and password for each connection: Tor
                   * then uses a circuit of its own (IsolateSOCKSAuth) */
};

/* A proxy at an IP address, without user. PTD_OK, PTD_EUNREACH. */
PTD_MUST_USE enum ptd_err ptd_proxy_set(struct ptd_proxy *p,
                                        const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* A proxy behind a Unix socket, without user. PTD_OK; PTD_EINVAL: the path is
 * empty, or longer than the system takes. */
PTD_MUST_USE enum ptd_err
ptd_proxy_set_unix(struct ptd_proxy *p, const char *path) PTD_NONNULL(1, 2);

/* "127.0.0.1:9050", "[::1]:9050", "unix:/path"; "" for none. Gives out. */
#define PTD_PROXY_TEXT 128 /* longest, with NUL */
const char *ptd_proxy_format(const struct ptd_proxy *p, char *out, size_t cap)
    PTD_NONNULL(1, 2);

/* What went wrong, for people. */
struct ptd_dial_why {
    char text[128]; /* such as "proxy: host unreachable" */
    int reply;      /* the proxy's reply field (RFC 1928 section 6), -1: none */
};

/* Connect.
 *
 * fd          connected, non-blocking, close-on-exec; the caller's
 * proxy       NULL: direct
 * timeout_ms  for all of it; negative: none
 * cancel      NULL, or ends the call once set
 * why         NULL, or told after a failure
 * Returns     PTD_OK; PTD_EREFUSED; PTD_EUNREACH; PTD_ETIMEOUT; PTD_ERESOLVE;
 *             PTD_EPROXY (not there, or not willing); PTD_ECLOSED (cancelled);
 *             PTD_ELIMIT (no descriptor left); PTD_EINVAL; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_dial(int *fd, const struct ptd_dial_target *to,
                                   const struct ptd_proxy *proxy,
                                   int timeout_ms,
                                   const struct ptd_latch *cancel,
                                   struct ptd_dial_why *why)
    PTD_NONNULL(1, 2);

#endif /* PTD_NET_DIAL_H */
