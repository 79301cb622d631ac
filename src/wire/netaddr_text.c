/* Text of addresses, both ways. The format functions never fail and never
 * write behind cap; the parser takes what they write and little else. */
#include <config.h>

#include "pentad/netaddr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "crypto/sha3.h"

enum {
    ONION_KEY_BYTES = 32,
    ONION_VERSION = 3,
    ONION_BYTES = ONION_KEY_BYTES + 2 + 1, /* key, checksum, version */
    ONION_CHARS = 56,
    I2P_CHARS = 52,
    HOST_TEXT = 64 /* longest host and NUL */
};

static const char onion_suffix[] = ".onion";
static const char i2p_suffix[] = ".b32.i2p";

/* ---- base32 (RFC 4648, lower case, no padding) -------------------------- */

static size_t base32_encode(char *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned bits = 0;
    uint32_t hold = 0;
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        hold = (hold << 8 | p[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            out[len++] = digits[hold >> (bits - 5) & 31];
    }
    if (bits > 0)
        out[len++] = digits[hold << (5 - bits) & 31];
    out[len] = '\0';
    return len;
}

static int base32_digit(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* True if chars digits are exactly n bytes, with zero bits behind them. */
static bool base32_decode(uint8_t *out, size_t n, const char *text,
                          size_t chars)
{
    unsigned bits = 0;
    uint32_t hold = 0;
    size_t len = 0;

    if (chars != (n * 8 + 4) / 5)
        return false;
    for (size_t i = 0; i < chars; i++) {
        int digit = base32_digit(text[i]);

        if (digit < 0)
            return false;
        hold = (hold << 5 | (uint32_t)digit) & 0xffff;
        bits += 5;
        if (bits >= 8 && len < n) {
            bits -= 8;
            out[len++] = (uint8_t)(hold >> bits);
        }
    }
    return len == n && (hold & ((1u << bits) - 1)) == 0;
}

/* ---- onion addresses ---------------------------------------------------- */

/* Key, checksum, version. Source: Tor rend-spec-v3, "Encoding onion
 * addresses". */
static bool onion_bytes(uint8_t out[ONION_BYTES], const uint8_t *key)
{
    static const char label[] = ".onion checksum"; /* without its NUL */
    uint8_t in[sizeof label - 1 + ONION_KEY_BYTES + 1];
    uint8_t sum[PTD_SHA3_256_BYTES];

    memcpy(in, label, sizeof label - 1);
    memcpy(in + sizeof label - 1, key, ONION_KEY_BYTES);
    in[sizeof in - 1] = ONION_VERSION;
    if (ptd_sha3_256(sum, in, sizeof in) != PTD_OK)
        return false;
    memcpy(out, key, ONION_KEY_BYTES);
    memcpy(out + ONION_KEY_BYTES, sum, 2);
    out[ONION_BYTES - 1] = ONION_VERSION;
    return true;
}

static void format_onion(char host[static HOST_TEXT],
                         const struct ptd_netaddr *na)
{
    uint8_t whole[ONION_BYTES];

    if (na->net == PTD_NET_TORV2) {
        base32_encode(host, na->addr, 10);
    } else if (onion_bytes(whole, na->addr)) {
        base32_encode(host, whole, sizeof whole);
    } else {
        /* No memory for the digest: a text that parses as nothing. */
        strcpy(host, "unknown");
    }
    strcat(host, onion_suffix);
}

static bool parse_onion(struct ptd_netaddr *na, const char *host, size_t chars)
{
    uint8_t got[ONION_BYTES], want[ONION_BYTES];

    return chars == ONION_CHARS &&
           base32_decode(got, sizeof got, host, chars) &&
           onion_bytes(want, got) && memcmp(got, want, sizeof got) == 0 &&
           ptd_netaddr_set(na, PTD_NET_TORV3, got, ONION_KEY_BYTES, 0) ==
               PTD_OK;
}

/* ---- IPv6 --------------------------------------------------------------- */

/* Where the longest run of two or more zero groups starts; its length. */
static size_t longest_zeros(const uint16_t group[8], size_t *start)
{
    size_t best = 0;

    *start = 8;
    for (size_t i = 0; i < 8; i++) {
        size_t n = 0;

        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n > best && n >= 2) {
            best = n;
            *start = i;
        }
        i += n;
    }
    return best;
}

/* RFC 5952: lower case, no leading zeros, the longest run of zeros as "::". */
static void format_ipv6(char host[static HOST_TEXT], const uint8_t ip[16])
{
    uint16_t group[8];
    size_t run, start;
    char *at = host;

    for (size_t i = 0; i < 8; i++)
        group[i] = ptd_get_be16(ip + 2 * i);
    run = longest_zeros(group, &start);
    *at = '\0';
    for (size_t i = 0; i < 8; i++) {
        if (i == start) {
            at = stpcpy(at, "::");
            i += run - 1;
            continue;
        }
        if (i > 0 && i != start + run)
            *at++ = ':';
        at += sprintf(at, "%x", group[i]);
    }
}

static bool parse_ipv4(uint8_t out[4], const char *text)
{
    for (int i = 0; i < 4; i++) {
        unsigned v = 0;
        size_t n = 0;

        for (; isdigit((unsigned char)text[n]) && n < 4; n++)
            v = v * 10 + (unsigned)(text[n] - '0');
        if (n == 0 || v > 255 || (n > 1 && text[0] == '0') ||
            text[n] != (i < 3 ? '.' : '\0'))
            return false;
        out[i] = (uint8_t)v;
        text += n + 1;
    }
    return true;
}

/* One to four hexadecimal digits; gives how many. */
static size_t parse_group(uint16_t *out, const char *text)
{
    size_t n = 0;
    unsigned v = 0;

    for (; isxdigit((unsigned char)text[n]) && n < 5; n++) {
        int c = tolower((unsigned char)text[n]);

        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = (uint16_t)v;
    return n <= 4 ? n : 0;
}

/* RFC 4291, with an IPv4 tail allowed; no zone. */
static bool parse_ipv6(uint8_t out[16], const char *text)
{
    size_t n = 0, gap = 17; /* bytes so far; where "::" stood */

    memset(out, 0, 16);
    if (text[0] == ':' && text[1] != ':')
        return false;
    while (*text != '\0') {
        uint16_t group;
        size_t digits;

        if (text[0] == ':' && text[1] == ':') {
            if (gap <= 16)
                return false;
            gap = n;
            text += 2;
            continue;
        }
        if (*text == ':') {
            text++;
            if (n == 0 || n == gap)
                return false;
        }
        if (n <= 12 && parse_ipv4(out + n, text)) {
            n += 4;
            break;
        }
        digits = parse_group(&group, text);
        text += digits;
        if (digits == 0 || n > 14 || (*text != ':' && *text != '\0'))
            return false;
        ptd_put_be16(out + n, group);
        n += 2;
    }
    if (gap > 16)
        return n == 16;
    if (n > 14) /* "::" stands for one group at least */
        return false;
    memmove(out + 16 - (n - gap), out + gap, n - gap);
    memset(out + gap, 0, 16 - n);
    return true;
}

/* ---- the whole ---------------------------------------------------------- */

const char *ptd_netaddr_format_host(const struct ptd_netaddr *na, char *out,
                                    size_t cap)
{
    char host[HOST_TEXT];

    switch ((enum ptd_net)na->net) {
    case PTD_NET_IPV4:
        sprintf(host, "%u.%u.%u.%u", na->addr[0], na->addr[1], na->addr[2],
                na->addr[3]);
        break;
    case PTD_NET_TORV2:
    case PTD_NET_TORV3: format_onion(host, na); break;
    case PTD_NET_I2P:
        base32_encode(host, na->addr, 32);
        strcat(host, i2p_suffix);
        break;
    case PTD_NET_NONE:
    case PTD_NET_IPV6:
    case PTD_NET_CJDNS:
    case PTD_NET_YGGDRASIL:
    default: /* a net that nobody could set */
        format_ipv6(host, na->addr);
        break;
    }
    if (cap > 0)
        snprintf(out, cap, "%s", host);
    return out;
}

const char *ptd_netaddr_format(const struct ptd_netaddr *na, char *out,
                               size_t cap)
{
    char host[HOST_TEXT];
    bool has_colons;

    ptd_netaddr_format_host(na, host, sizeof host);
    has_colons = strchr(host, ':') != NULL;
    if (cap > 0)
        snprintf(out, cap, has_colons ? "[%s]:%u" : "%s:%u", host, na->port);
    return out;
}

static bool parse_port(uint16_t *out, const char *text)
{
    uint32_t v = 0;
    size_t n = 0;

    for (; isdigit((unsigned char)text[n]) && n < 5; n++)
        v = v * 10 + (uint32_t)(text[n] - '0');
    *out = (uint16_t)v;
    return n > 0 && text[n] == '\0' && v <= UINT16_MAX;
}

enum ptd_err ptd_hostport_split(const char *text, char *host, size_t cap,
                                uint16_t *port, uint16_t default_port)
{
    const char *first = strchr(text, ':');
    const char *start = text;
    const char *colon = NULL; /* before the port */
    size_t n;

    if (*text == '[') {
        const char *close = strchr(text, ']');

        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return PTD_EINVAL;
        start = text + 1;
        n = (size_t)(close - start);
        colon = close[1] == ':' ? close + 1 : NULL;
    } else if (first != NULL && strchr(first + 1, ':') == NULL) {
        n = (size_t)(first - text);
        colon = first;
    } else {
        n = strlen(text);
    }
    *port = default_port;
    if (n == 0 || (colon != NULL && !parse_port(port, colon + 1)))
        return PTD_EINVAL;
    if (n >= cap)
        return PTD_ETOOBIG;
    memcpy(host, start, n);
    host[n] = '\0';
    return PTD_OK;
}

/* If text ends with suffix, of any case: how long it is without; else 0. */
static size_t without_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), tail = strlen(suffix);

    if (n <= tail)
        return 0;
    for (size_t i = 0; i < tail; i++) {
        if (tolower((unsigned char)text[n - tail + i]) != suffix[i])
            return 0;
    }
    return n - tail;
}

static bool parse_ip(struct ptd_netaddr *na, const char *host, bool brackets)
{
    uint8_t ip[16];

    if (!brackets && parse_ipv4(ip, host))
        return ptd_netaddr_set(na, PTD_NET_IPV4, ip, 4, 0) == PTD_OK;
    if (!parse_ipv6(ip, host))
        return false;
    ptd_netaddr_from_ip16(na, ip, 0);
    ptd_netaddr_ipv6_to_cjdns(na);
    if (na->net == PTD_NET_IPV6 && (ip[0] & 0xfe) == 0x02)
        na->net = PTD_NET_YGGDRASIL;
    return na->net != PTD_NET_TORV2;
}

static bool parse_host(struct ptd_netaddr *na, const char *host, bool brackets)
{
    uint8_t hash[32];
    size_t n;

    if (parse_ip(na, host, brackets))
        return true;
    if (brackets)
        return false;
    if ((n = without_suffix(host, onion_suffix)) > 0)
        return parse_onion(na, host, n);
    if ((n = without_suffix(host, i2p_suffix)) > 0)
        return n == I2P_CHARS && base32_decode(hash, 32, host, n) &&
               ptd_netaddr_set(na, PTD_NET_I2P, hash, 32, 0) == PTD_OK;
    return false;
}

enum ptd_err ptd_netaddr_parse(struct ptd_netaddr *na, const char *text,
                               uint16_t default_port)
{
    char host[HOST_TEXT];
    uint16_t port;

    if (ptd_hostport_split(text, host, sizeof host, &port, default_port) !=
            PTD_OK ||
        !parse_host(na, host, *text == '['))
        return PTD_EINVAL;
    na->port = port;
    return PTD_OK;
}
