#include <config.h>

#include "connmgr/gateway.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "base/hex.h"
#include "net/addr.h"

enum {
    MAX_LINES = 100000, /* of a table: a router may hold all routes there are */
    LINE_BYTES = 512
};

/* Flags of a route, Linux's RTF_UP and RTF_GATEWAY. */
enum { FLAG_UP = 1, FLAG_GATEWAY = 2 };

struct route {
    struct ptd_gateway to;
    uint32_t metric;
};

/* ---- one line ----------------------------------------------------------- */

static bool is_usable(unsigned flags)
{
    return (flags & (FLAG_UP | FLAG_GATEWAY)) == (FLAG_UP | FLAG_GATEWAY);
}

/* "eth0 00000000 010200C0 0003 0 0 100 00000000 …": interface, destination,
 * gateway, flags, references, uses, metric, mask. Addresses are the words that
 * the machine has in memory. */
static bool read_ipv4(struct route *out, const char *line)
{
    char interface[IF_NAMESIZE];
    uint32_t to, gateway, mask, metric;
    unsigned flags;
    uint8_t ip[4];

    if (sscanf(line,
               "%15s %8" SCNx32 " %8" SCNx32 " %8x %*s %*s %10" SCNu32
               " %8" SCNx32,
               interface, &to, &gateway, &flags, &metric, &mask) != 6 ||
        to != 0 || mask != 0 || gateway == 0 || !is_usable(flags))
        return false;
    memcpy(ip, &gateway, sizeof ip);
    out->metric = metric;
    strcpy(out->to.interface, interface);
    return ptd_netaddr_set(&out->to.na, PTD_NET_IPV4, ip, sizeof ip, 0) ==
           PTD_OK;
}

static bool read_ip16(uint8_t out[16], const char *hex)
{
    size_t n;

    return ptd_hex_decode(out, 16, &n, hex) && n == 16;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* Destination, its prefix, source, its prefix, gateway, metric, references,
 * uses, flags, interface; all but the last in hexadecimal. */
static bool read_ipv6(struct route *out, const char *line)
{
    char interface[IF_NAMESIZE], to_hex[33], gateway_hex[33];
    uint8_t to[16], gateway[16];
    unsigned bits, flags;
    uint32_t metric;

    if (sscanf(line, "%32s %2x %*32s %*2s %32s %8" SCNx32 " %*8s %*8s %8x %15s",
               to_hex, &bits, gateway_hex, &metric, &flags, interface) != 6 ||
        bits != 0 || !is_usable(flags) || !read_ip16(to, to_hex) ||
        !is_zero(to, sizeof to) || !read_ip16(gateway, gateway_hex) ||
        is_zero(gateway, sizeof gateway))
        return false;
    out->metric = metric;
    strcpy(out->to.interface, interface);
    return ptd_netaddr_set(&out->to.na, PTD_NET_IPV6, gateway, sizeof gateway,
                           0) == PTD_OK;
}

/* ---- a table ------------------------------------------------------------ */

enum ptd_err ptd_gateway_read(struct ptd_gateway *out, FILE *table,
                              enum ptd_net net)
{
    struct route r, best = { .metric = UINT32_MAX };
    char line[LINE_BYTES];
    bool found = false;

    for (size_t i = 0; i < MAX_LINES; i++) {
        if (fgets(line, sizeof line, table) == NULL)
            break;
        if (net == PTD_NET_IPV4 ? !read_ipv4(&r, line) : !read_ipv6(&r, line))
            continue;
        if (!found || r.metric < best.metric)
            best = r;
        found = true;
    }
    *out = best.to;
    return found ? PTD_OK : PTD_ENOTFOUND;
}

enum ptd_err ptd_gateway_find(struct ptd_gateway *out, enum ptd_net net)
{
    FILE *f = fopen(
        net == PTD_NET_IPV4 ? "/proc/net/route" : "/proc/net/ipv6_route", "re");
    enum ptd_err e;

    if (f == NULL)
        /* A kernel without IPv6 has no table of it. */
        return errno == ENOENT ? PTD_ENOTFOUND : PTD_EIO;
    e = ptd_gateway_read(out, f, net);
    fclose(f);
    return e;
}

/* ---- our own addresses -------------------------------------------------- */

static bool is_worldly(struct ptd_netaddr *out, const struct ifaddrs *i)
{
    return i->ifa_addr != NULL && (i->ifa_flags & IFF_UP) != 0 &&
           (i->ifa_flags & IFF_LOOPBACK) == 0 &&
           i->ifa_addr->sa_family == AF_INET6 &&
           ptd_addr_from_sockaddr(out, i->ifa_addr,
                                  sizeof(struct sockaddr_in6)) == PTD_OK &&
           out->net == PTD_NET_IPV6 && ptd_netaddr_is_routable(out);
}

size_t ptd_gateway_local_ipv6(struct ptd_netaddr *out, size_t cap)
{
    struct ifaddrs *all;
    struct ptd_netaddr na;
    size_t n = 0;

    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *i = all; i != NULL && n < cap; i = i->ifa_next) {
        if (is_worldly(&na, i))
            out[n++] = na;
    }
    freeifaddrs(all);
    return n;
}
