#include <config.h>

#include "rpc/allow.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* An address of either family; n_bits: of the family. */
static bool parse_ip(uint8_t ip[16], unsigned *n_bits, const char *text)
{
    size_t n = strlen(text);
    char room[INET6_ADDRSTRLEN + 2];

    if (n >= sizeof room)
        return false;
    memcpy(room, text, n + 1);
    if (n >= 2 && room[0] == '[' && room[n - 1] == ']') {
        room[n - 1] = '\0';
        text = room + 1;
    }
    *n_bits = 32;
    if (inet_pton(AF_INET, text, ip + 12) == 1) {
        memcpy(ip, mapped, sizeof mapped);
        return true;
    }
    if (inet_pton(AF_INET6, text, ip) != 1)
        return false;
    *n_bits = memcmp(ip, mapped, sizeof mapped) == 0 ? 32 : 128;
    return true;
}

/* The first `bits` of the address's n_bits; IPv4 has 96 before it. */
static void mask_of_bits(uint8_t mask[16], unsigned bits, unsigned n_bits)
{
    bits += 128 - n_bits;
    for (unsigned i = 0; i < 16; i++) {
        unsigned here = bits > 8 ? 8 : bits;

        mask[i] = (uint8_t)(0xff00u >> here);
        bits -= here;
    }
}

/* Ones, then zeros. */
static bool is_contiguous(const uint8_t mask[16])
{
    bool ended = false;

    for (unsigned i = 0; i < 128; i++) {
        bool one = mask[i / 8] >> (7 - i % 8) & 1;

        if (one && ended)
            return false;
        ended = !one;
    }
    return true;
}

static bool parse_mask(uint8_t mask[16], unsigned n_bits, const char *text)
{
    size_t n = strlen(text);
    unsigned long bits, mask_bits;
    unsigned family;

    if (n > 0 && n <= 3 && strspn(text, "0123456789") == n) {
        bits = strtoul(text, NULL, 10);
        if (bits > n_bits)
            return false;
        mask_of_bits(mask, (unsigned)bits, n_bits);
        return true;
    }
    mask_bits = n_bits;
    if (!parse_ip(mask, &family, text) || family != mask_bits)
        return false;
    if (n_bits == 32)
        memset(mask, 0xff, 12);
    return is_contiguous(mask);
}

bool ptd_rpc_subnet_parse(struct ptd_rpc_subnet *out, const char *text,
                          bool cjdns)
{
    const char *slash = strrchr(text, '/');
    char host[INET6_ADDRSTRLEN + 2];
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    unsigned n_bits;

    if (n >= sizeof host)
        return false;
    memcpy(host, text, n);
    host[n] = '\0';
    if (!parse_ip(out->ip, &n_bits, host))
        return false;
    if (slash == NULL)
        memset(out->mask, 0xff, sizeof out->mask);
    else if ((cjdns && out->ip[0] == 0xfc) ||
             !parse_mask(out->mask, n_bits, slash + 1))
        return false;
    for (size_t i = 0; i < sizeof out->ip; i++)
        out->ip[i] &= out->mask[i];
    return true;
}

bool ptd_rpc_subnet_has(const struct ptd_rpc_subnet *s, const uint8_t ip[16])
{
    for (size_t i = 0; i < sizeof s->ip; i++)
        if ((ip[i] & s->mask[i]) != s->ip[i])
            return false;
    /* ::/0 is every IPv6 address, no IPv4 one. */
    return memcmp(s->mask, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                  sizeof mapped) == 0 ||
           memcmp(ip, mapped, sizeof mapped) != 0;
}

static enum ptd_err add(struct ptd_rpc_allow *a, const char *text, bool cjdns,
                        struct ptd_rpc_why *why)
{
    struct ptd_rpc_subnet s, *v;

    if (!ptd_rpc_subnet_parse(&s, text, cjdns)) {
        snprintf(why->text, sizeof why->text,
                 "Invalid -rpcallowip subnet specification: %.60s. Valid "
                 "values are a single IP (e.g. 1.2.3.4), a network/netmask "
                 "(e.g. 1.2.3.4/255.255.255.0), a network/CIDR (e.g. "
                 "1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0). "
                 "RFC4193 is allowed only if -cjdnsreachable=0.",
                 text);
        return PTD_EINVAL;
    }
    v = ptd_array_grow(a->v, &a->cap, a->n + 1, sizeof *v);
    if (v == NULL)
        return PTD_ENOMEM;
    a->v = v;
    v[a->n++] = s;
    return PTD_OK;
}

enum ptd_err ptd_rpc_allow_init(struct ptd_rpc_allow *a,
                                const struct ptd_rpc_config *cfg,
                                struct ptd_rpc_why *why)
{
    enum ptd_err e;

    *a = (struct ptd_rpc_allow){ 0 };
    e = add(a, "127.0.0.0/8", false, why);
    if (e == PTD_OK)
        e = add(a, "::1", false, why);
    for (size_t i = 0; i < cfg->allow_ip.n && e == PTD_OK; i++)
        e = add(a, cfg->allow_ip.v[i], cfg->cjdns, why);
    if (e != PTD_OK)
        ptd_rpc_allow_fini(a);
    return e;
}

void ptd_rpc_allow_fini(struct ptd_rpc_allow *a)
{
    ptd_free(a->v);
    *a = (struct ptd_rpc_allow){ 0 };
}

bool ptd_rpc_allow_has(const struct ptd_rpc_allow *a,
                       const struct ptd_netaddr *peer)
{
    uint8_t ip[16];

    if (!ptd_netaddr_to_ip16(peer, ip))
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (ptd_rpc_subnet_has(&a->v[i], ip))
            return true;
    return false;
}
