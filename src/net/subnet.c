#include <config.h>

#include "net/subnet.h"

#include <stdio.h>
#include <string.h>

#include "crypto/siphash.h"

/* ---- making ------------------------------------------------------------- */

static bool has_mask(const struct ptd_netaddr *na)
{
    return na->net == PTD_NET_IPV4 || na->net == PTD_NET_IPV6;
}

static bool looks_like_ipv6(const struct ptd_netaddr *na)
{
    return na->net == PTD_NET_IPV6 || na->net == PTD_NET_CJDNS ||
           na->net == PTD_NET_YGGDRASIL;
}

static void clear_host_bits(struct ptd_subnet *s)
{
    for (size_t i = 0; i < s->base.len; i++)
        s->base.addr[i] &= s->mask[i];
}

static void mask_of_bits(uint8_t mask[16], unsigned bits)
{
    memset(mask, 0, 16);
    memset(mask, 0xff, bits / 8);
    if (bits % 8 != 0)
        mask[bits / 8] = (uint8_t)(0xff << (8 - bits % 8));
}

enum ptd_err ptd_subnet_of_bits(struct ptd_subnet *out,
                                const struct ptd_netaddr *na, unsigned bits)
{
    if (na->net != PTD_NET_IPV4 && !looks_like_ipv6(na))
        return PTD_EINVAL;
    if (bits > 8u * na->len)
        return PTD_EINVAL;
    out->base = *na;
    out->base.port = 0;
    if (looks_like_ipv6(na))
        out->base.net = PTD_NET_IPV6;
    mask_of_bits(out->mask, bits);
    clear_host_bits(out);
    return PTD_OK;
}

enum ptd_err ptd_subnet_of(struct ptd_subnet *out, const struct ptd_netaddr *na)
{
    switch ((enum ptd_net)na->net) {
    case PTD_NET_IPV4:
    case PTD_NET_IPV6:
    case PTD_NET_YGGDRASIL: return ptd_subnet_of_bits(out, na, 8u * na->len);
    case PTD_NET_TORV3:
    case PTD_NET_I2P:
    case PTD_NET_CJDNS:
        *out = (struct ptd_subnet){ .base = *na };
        out->base.port = 0;
        return PTD_OK;
    case PTD_NET_NONE:
    case PTD_NET_TORV2: break;
    }
    return PTD_EINVAL;
}

/* ---- text --------------------------------------------------------------- */

/* An address without a port: one that is written down shows, because it stays
 * when the default is another. */
static bool parse_host(struct ptd_netaddr *out, const char *text)
{
    struct ptd_netaddr other;

    return ptd_netaddr_parse(out, text, 1) == PTD_OK &&
           ptd_netaddr_parse(&other, text, 2) == PTD_OK &&
           out->port != other.port;
}

/* Digits alone, of a value that could be a number of bits. */
static bool parse_bits(unsigned *out, const char *text)
{
    unsigned v = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (unsigned)(*text - '0');
        if (v > 128)
            return false;
    }
    *out = v;
    return true;
}

/* The bits of a mask in address form; false unless they are ones, then
 * zeros. */
static bool bits_of_mask(unsigned *out, const uint8_t *mask, size_t n)
{
    unsigned bits = 0;

    while (bits < 8 * n && (mask[bits / 8] >> (7 - bits % 8) & 1) != 0)
        bits++;
    *out = bits;
    for (size_t i = bits; i < 8 * n; i++) {
        if ((mask[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    }
    return true;
}

static bool parse_mask(unsigned *bits, const struct ptd_netaddr *base,
                       const char *text)
{
    struct ptd_netaddr mask;

    if (parse_bits(bits, text))
        return true;
    return parse_host(&mask, text) && mask.len == base->len &&
           bits_of_mask(bits, mask.addr, mask.len);
}

enum ptd_err ptd_subnet_parse(struct ptd_subnet *out, const char *text)
{
    const char *slash = strrchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char host[PTD_NETADDR_TEXT + 8];
    struct ptd_netaddr na;
    unsigned bits;

    if (n >= sizeof host)
        return PTD_EINVAL;
    memcpy(host, text, n);
    host[n] = '\0';
    if (!parse_host(&na, host))
        return PTD_EINVAL;
    if (slash == NULL)
        return ptd_subnet_of(out, &na);
    if (!parse_mask(&bits, &na, slash + 1))
        return PTD_EINVAL;
    return ptd_subnet_of_bits(out, &na, bits);
}

const char *ptd_subnet_format(const struct ptd_subnet *s, char *out, size_t cap)
{
    char host[PTD_NETADDR_TEXT];

    ptd_netaddr_format_host(&s->base, host, sizeof host);
    if (cap > 0 && has_mask(&s->base))
        snprintf(out, cap, "%s/%u", host, ptd_subnet_bits(s));
    else if (cap > 0)
        snprintf(out, cap, "%s", host);
    return out;
}

/* ---- looking ------------------------------------------------------------ */

unsigned ptd_subnet_bits(const struct ptd_subnet *s)
{
    unsigned bits;

    bits_of_mask(&bits, s->mask, sizeof s->mask);
    return bits;
}

/* Does the first byte of all its addresses say CJDNS? */
static bool is_in_cjdns(const struct ptd_subnet *s)
{
    return s->mask[0] == 0xff && s->base.addr[0] == 0xfc;
}

static bool is_network_of(const struct ptd_subnet *s,
                          const struct ptd_netaddr *na)
{
    if (s->base.net == na->net)
        return true;
    switch ((enum ptd_net)s->base.net) {
    case PTD_NET_IPV6:
        return na->net == PTD_NET_YGGDRASIL ||
               (na->net == PTD_NET_CJDNS && is_in_cjdns(s));
    case PTD_NET_CJDNS: return na->net == PTD_NET_IPV6;
    case PTD_NET_NONE:
    case PTD_NET_IPV4:
    case PTD_NET_TORV2:
    case PTD_NET_TORV3:
    case PTD_NET_I2P:
    case PTD_NET_YGGDRASIL: break;
    }
    return false;
}

bool ptd_subnet_has(const struct ptd_subnet *s, const struct ptd_netaddr *na)
{
    if (!ptd_netaddr_is_valid(na) || !is_network_of(s, na))
        return false;
    if (!has_mask(&s->base))
        return memcmp(na->addr, s->base.addr, s->base.len) == 0;
    for (size_t i = 0; i < s->base.len; i++) {
        if ((na->addr[i] & s->mask[i]) != s->base.addr[i])
            return false;
    }
    return true;
}

int ptd_subnet_cmp(const struct ptd_subnet *a, const struct ptd_subnet *b)
{
    int c = ptd_netaddr_cmp(&a->base, &b->base);

    return c != 0 ? c : memcmp(a->mask, b->mask, sizeof a->mask);
}

bool ptd_subnet_is_equal(const struct ptd_subnet *a, const struct ptd_subnet *b)
{
    return ptd_subnet_cmp(a, b) == 0;
}

uint64_t ptd_subnet_hash(const struct ptd_subnet *s, uint64_t k0, uint64_t k1)
{
    uint8_t key[2 + PTD_NETADDR_MAX_BYTES];

    key[0] = s->base.net;
    key[1] = (uint8_t)ptd_subnet_bits(s);
    memcpy(key + 2, s->base.addr, s->base.len);
    return ptd_siphash24(k0, k1, key, 2u + s->base.len);
}
