#include <config.h>

#include "net/socks5.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/rng.h"
#include "base/util.h"

enum {
    SOCKS_VERSION = 5,
    AUTH_VERSION = 1, /* RFC 1929 */
    METHOD_NONE = 0,
    METHOD_USER = 2,
    METHOD_NO_MATCH = 0xff,
    COMMAND_CONNECT = 1,
    ADDR_IPV4 = 1,
    ADDR_NAME = 3,
    ADDR_IPV6 = 4,
    MAX_STRING = 255, /* what one length byte can say */
    RANDOM_BYTES = 16
};

/* User and password of one connection. */
struct credentials {
    const char *user; /* NULL: none */
    const char *password;
    char random[2][2 * RANDOM_BYTES + 1];
};

/* Replies and what they mean for whoever dialled. 1 to 8: RFC 1928; from 0xf0:
 * Tor. Sorted. */
static const struct {
    uint8_t reply;
    enum ptd_err err;
    const char *text;
} replies[] = {
    { 0x01, PTD_EPROXY, "general failure" },
    { 0x02, PTD_EPROXY, "connection not allowed" },
    { 0x03, PTD_EUNREACH, "network unreachable" },
    { 0x04, PTD_EUNREACH, "host unreachable" },
    { 0x05, PTD_EREFUSED, "connection refused" },
    { 0x06, PTD_ETIMEOUT, "time to live expired" },
    { 0x07, PTD_EPROXY, "command not supported" },
    { 0x08, PTD_EPROXY, "address type not supported" },
    { 0xf0, PTD_EUNREACH, "onion service descriptor cannot be found" },
    { 0xf1, PTD_EUNREACH, "onion service descriptor is invalid" },
    { 0xf2, PTD_EUNREACH, "onion service introduction failed" },
    { 0xf3, PTD_EUNREACH, "onion service rendezvous failed" },
    { 0xf4, PTD_EUNREACH, "onion service wants client authorization" },
    { 0xf5, PTD_EUNREACH, "onion service refuses our authorization" },
    { 0xf6, PTD_EUNREACH, "onion service address is invalid" },
    { 0xf7, PTD_ETIMEOUT, "onion service introduction timed out" },
};

const char *ptd_socks5_reply_text(unsigned reply)
{
    for (size_t i = 0; i < PTD_COUNT(replies); i++)
        if (replies[i].reply == reply)
            return replies[i].text;
    return "unknown reply";
}

static enum ptd_err reply_err(unsigned reply)
{
    for (size_t i = 0; i < PTD_COUNT(replies); i++)
        if (replies[i].reply == reply)
            return replies[i].err;
    return PTD_EPROXY;
}

/* The proxy does not keep to the protocol, or has nothing for us. */
static enum ptd_err broken(struct ptd_dial_why *why, const char *what)
{
    snprintf(why->text, sizeof why->text, "proxy: %s", what);
    return PTD_EPROXY;
}

/* Speaking or listening failed: time and the latch are no fault of the
 * proxy's. */
static enum ptd_err io_failed(struct ptd_dial_why *why, enum ptd_err e)
{
    snprintf(why->text, sizeof why->text, "proxy: %s", ptd_err_text(e));
    return e == PTD_EEOF || e == PTD_EIO ? PTD_EPROXY : e;
}

static bool is_string(const char *s)
{
    size_t n = s != NULL ? strnlen(s, MAX_STRING + 1) : 0;

    return n >= 1 && n <= MAX_STRING;
}

/* Append one length byte and the string, of at most MAX_STRING bytes. */
static size_t put_string(uint8_t *out, const char *s)
{
    size_t n = strlen(s);

    out[0] = (uint8_t)n;
    memcpy(out + 1, s, n);
    return n + 1;
}

static enum ptd_err choose_credentials(struct credentials *c,
                                       const struct ptd_proxy *proxy)
{
    c->user = proxy->user;
    c->password = proxy->password;
    if (proxy->isolate) {
        uint8_t bytes[RANDOM_BYTES];

        for (size_t i = 0; i < 2; i++) {
            ptd_random_bytes(bytes, sizeof bytes);
            ptd_hex_encode(c->random[i], bytes, sizeof bytes);
        }
        c->user = c->random[0];
        c->password = c->random[1];
    }
    if (c->user == NULL || (is_string(c->user) && is_string(c->password)))
        return PTD_OK;
    return PTD_EINVAL;
}

/* Agree on a method. RFC 1928 section 3. */
static enum ptd_err greet(int fd, const struct credentials *c,
                          const struct ptd_wait *w, uint8_t *method,
                          struct ptd_dial_why *why)
{
    const uint8_t offer[] = { SOCKS_VERSION, 2, METHOD_NONE, METHOD_USER };
    const uint8_t offer_none[] = { SOCKS_VERSION, 1, METHOD_NONE };
    uint8_t answer[2];
    enum ptd_err e = c->user != NULL
                         ? ptd_wait_send(w, fd, offer, sizeof offer)
                         : ptd_wait_send(w, fd, offer_none, sizeof offer_none);

    if (e == PTD_OK)
        e = ptd_wait_recv(w, fd, answer, sizeof answer);
    if (e != PTD_OK)
        return io_failed(why, e);
    *method = answer[1];
    if (answer[0] != SOCKS_VERSION)
        return broken(why, "does not speak SOCKS5");
    if (*method == METHOD_NO_MATCH)
        return broken(why, "wants another authentication");
    if (*method != METHOD_NONE && (*method != METHOD_USER || c->user == NULL))
        return broken(why, "chose a method that was not offered");
    return PTD_OK;
}

/* RFC 1929 section 2. */
static enum ptd_err authenticate(int fd, const struct credentials *c,
                                 const struct ptd_wait *w,
                                 struct ptd_dial_why *why)
{
    uint8_t out[1 + 2 * (1 + MAX_STRING)];
    uint8_t answer[2];
    size_t n = 0;
    enum ptd_err e;

    out[n++] = AUTH_VERSION;
    n += put_string(out + n, c->user);
    n += put_string(out + n, c->password);
    e = ptd_wait_send(w, fd, out, n);
    if (e == PTD_OK)
        e = ptd_wait_recv(w, fd, answer, sizeof answer);
    if (e != PTD_OK)
        return io_failed(why, e);
    if (answer[0] != AUTH_VERSION)
        return broken(why, "answers with another version of authentication");
    if (answer[1] != 0)
        return broken(why, "refuses user and password");
    return PTD_OK;
}

/* The name to ask for. Addresses go by their text too, as Bitcoin Core sends
 * them: whoever stands between a node and the network knows one form only, and
 * a proxy tells an address from a name by itself. */
static const char *target_name(const struct ptd_dial_target *to,
                               char text[PTD_NETADDR_TEXT])
{
    if (to->na.net == PTD_NET_NONE)
        return to->host;
    return ptd_netaddr_format_host(&to->na, text, PTD_NETADDR_TEXT);
}

/* Read the address that the proxy says it uses, for which we have no use. */
static enum ptd_err skip_bound_address(int fd, unsigned type,
                                       const struct ptd_wait *w,
                                       struct ptd_dial_why *why)
{
    uint8_t rest[MAX_STRING + 2];
    uint8_t n_name = 0;
    size_t n;
    enum ptd_err e = PTD_OK;

    switch (type) {
    case ADDR_IPV4:
        n = 4;
        break;
    case ADDR_IPV6:
        n = 16;
        break;
    case ADDR_NAME:
        e = ptd_wait_recv(w, fd, &n_name, 1);
        n = n_name;
        break;
    default:
        return broken(why, "answers with an unknown type of address");
    }
    if (e == PTD_OK)
        e = ptd_wait_recv(w, fd, rest, n + 2);
    return e == PTD_OK ? PTD_OK : io_failed(why, e);
}

/* RFC 1928 sections 4 to 6. */
static enum ptd_err request(int fd, const struct ptd_dial_target *to,
                            const char *name, const struct ptd_wait *w,
                            struct ptd_dial_why *why)
{
    uint8_t out[3 + 1 + 1 + MAX_STRING + 2] = { SOCKS_VERSION,
                                                COMMAND_CONNECT, 0 };
    uint8_t answer[4]; /* version, reply, reserved, address type */
    size_t n = 3;
    enum ptd_err e;

    out[n++] = ADDR_NAME;
    n += put_string(out + n, name);
    ptd_put_be16(out + n, to->na.net != PTD_NET_NONE ? to->na.port : to->port);
    e = ptd_wait_send(w, fd, out, n + 2);
    if (e == PTD_OK)
        e = ptd_wait_recv(w, fd, answer, sizeof answer);
    if (e != PTD_OK)
        return io_failed(why, e);
    if (answer[0] != SOCKS_VERSION)
        return broken(why, "answers in another version of SOCKS");
    if (answer[1] != 0) {
        why->reply = answer[1];
        snprintf(why->text, sizeof why->text, "proxy: %s (0x%02x)",
                 ptd_socks5_reply_text(answer[1]), (unsigned)answer[1]);
        return reply_err(answer[1]);
    }
    if (answer[2] != 0)
        return broken(why, "answers with a reserved field that is not zero");
    return skip_bound_address(fd, answer[3], w, why);
}

enum ptd_err ptd_socks5_connect(int fd, const struct ptd_dial_target *to,
                                const struct ptd_proxy *proxy,
                                const struct ptd_wait *w,
                                struct ptd_dial_why *why)
{
    char text[PTD_NETADDR_TEXT];
    const char *name = target_name(to, text);
    struct credentials c;
    uint8_t method = METHOD_NONE;
    enum ptd_err e = choose_credentials(&c, proxy);

    if (e == PTD_OK && !is_string(name))
        e = PTD_EINVAL;
    if (e != PTD_OK) {
        snprintf(why->text, sizeof why->text,
                 "proxy: a name, user or password is empty or too long");
        return e;
    }
    e = greet(fd, &c, w, &method, why);
    if (e == PTD_OK && method == METHOD_USER)
        e = authenticate(fd, &c, w, why);
    return e == PTD_OK ? request(fd, to, name, w, why) : e;
}
