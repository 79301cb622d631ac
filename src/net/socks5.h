/* socks5.h - ask a proxy for a connection.
 *
 * What the proxy sends is read byte for byte as far as the protocol has it and
 * no further: what follows belongs to the connection it made.
 *
 * Source   RFC 1928, RFC 1929; Tor socks-extensions (replies 0xF0 to 0xF7)
 */
#ifndef PTD_NET_SOCKS5_H
#define PTD_NET_SOCKS5_H

#include "net/dial.h"
#include "net/wait.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* Speak SOCKS5 on a connected socket; afterwards the socket leads to the
 * target. Names are left to the proxy to resolve; addresses are sent
 * as text.
 *
 * Returns  PTD_OK; PTD_EREFUSED, PTD_EUNREACH, PTD_ETIMEOUT as the proxy says
 *          of the target; PTD_EPROXY: the proxy itself; PTD_EINVAL: a name,
 *          user or password that is too long or empty; PTD_ECLOSED
 */
PTD_MUST_USE enum ptd_err ptd_socks5_connect(int fd,
                                             const struct ptd_dial_target *to,
                                             const struct ptd_proxy *proxy,
                                             const struct ptd_wait *w,
                                             struct ptd_dial_why *why)
    PTD_NONNULL(2, 3, 4, 5);

/* What a reply other than 0 means. Never NULL. */
const char *ptd_socks5_reply_text(unsigned reply);

#endif /* PTD_NET_SOCKS5_H */
