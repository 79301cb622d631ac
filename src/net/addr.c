#include <config.h>

#include "net/addr.h"

#include <netinet/in.h>
#include <string.h>

static enum ptd_err from_in6(struct ptd_netaddr *na,
                             const struct sockaddr_in6 *in6)
{
    const uint8_t *ip = in6->sin6_addr.s6_addr;
    uint16_t port = ntohs(in6->sin6_port);

    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return ptd_netaddr_set(na, PTD_NET_IPV4, ip + 12, 4, port);
    return ptd_netaddr_set(na, PTD_NET_IPV6, ip, 16, port);
}

enum ptd_err ptd_addr_from_sockaddr(struct ptd_netaddr *na,
                                    const struct sockaddr *sa, socklen_t len)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    uint8_t ip[4];

    /* Copied: the caller's may lie anywhere. */
    if (len >= sizeof in && sa->sa_family == AF_INET) {
        memcpy(&in, sa, sizeof in);
        memcpy(ip, &in.sin_addr, sizeof ip);
        return ptd_netaddr_set(na, PTD_NET_IPV4, ip, sizeof ip,
                               ntohs(in.sin_port));
    }
    if (len >= sizeof in6 && sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof in6);
        return from_in6(na, &in6);
    }
    return PTD_ENOTFOUND;
}

enum ptd_err ptd_addr_to_sockaddr(const struct ptd_netaddr *na,
                                  struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

    memset(out, 0, sizeof *out);
    switch (na->net) {
    case PTD_NET_IPV4:
        memcpy(&in.sin_addr, na->addr, sizeof in.sin_addr);
        in.sin_port = htons(na->port);
        memcpy(out, &in, sizeof in);
        *len = sizeof in;
        return PTD_OK;
    case PTD_NET_IPV6:
    case PTD_NET_CJDNS:
    case PTD_NET_YGGDRASIL:
        memcpy(&in6.sin6_addr, na->addr, sizeof in6.sin6_addr);
        in6.sin6_port = htons(na->port);
        memcpy(out, &in6, sizeof in6);
        *len = sizeof in6;
        return PTD_OK;
    default: /* na->net is a plain byte, of what a remote told */
        return PTD_EUNREACH;
    }
}

static enum ptd_err end_of(struct ptd_netaddr *na, int fd,
                           int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;

    if (get(fd, (struct sockaddr *)&ss, &len) != 0)
        return PTD_EIO;
    return ptd_addr_from_sockaddr(na, (struct sockaddr *)&ss, len);
}

static int local_end(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getsockname(fd, sa, len);
}

static int remote_end(int fd, struct sockaddr *sa, socklen_t *len)
{
    return getpeername(fd, sa, len);
}

enum ptd_err ptd_addr_local(struct ptd_netaddr *na, int fd)
{
    return end_of(na, fd, local_end);
}

enum ptd_err ptd_addr_remote(struct ptd_netaddr *na, int fd)
{
    return end_of(na, fd, remote_end);
}
