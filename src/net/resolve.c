#include <config.h>

#include "net/resolve.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "net/addr.h"
#include "net/lookup.h"

/* Letters, digits and what else occurs in names and addresses. */
static bool is_name(const char *s)
{
    size_t n = strnlen(s, 256);

    if (n == 0 || n > 255 || s[0] == '-') /* nor is it an option */
        return false;
    for (size_t i = 0; i < n; i++) {
        bool is_alnum = (s[i] >= '0' && s[i] <= '9') ||
                        (s[i] >= 'a' && s[i] <= 'z') ||
                        (s[i] >= 'A' && s[i] <= 'Z');

        if (!is_alnum && strchr("-._:%", s[i]) == NULL)
            return false;
    }
    return true;
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    if (n > 0 && s[n - 1] == '.') /* the root may be spelled out */
        n--;
    return n >= m && strncasecmp(s + n - m, suffix, m) == 0;
}

/* "1.2.3.4:5" has one colon, an IPv6 address two at least. */
static bool has_port(const char *host)
{
    const char *colon = strchr(host, ':');

    return colon != NULL && strchr(colon + 1, ':') == NULL;
}

static bool is_known(const struct ptd_netaddr *list, size_t n,
                     const struct ptd_netaddr *na)
{
    for (size_t i = 0; i < n; i++)
        if (ptd_netaddr_is_equal(&list[i], na))
            return true;
    return false;
}

static enum ptd_err look_up(struct ptd_netaddr *out, size_t cap, size_t *n,
                            const char *host, uint16_t port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host, NULL, &hints, &found);

    if (error == EAI_MEMORY)
        return PTD_ENOMEM;
    if (error != 0)
        return PTD_ERESOLVE;
    *n = 0;
    for (struct addrinfo *a = found; a != NULL && *n < cap; a = a->ai_next) {
        struct ptd_netaddr na;

        if (ptd_addr_from_sockaddr(&na, a->ai_addr, a->ai_addrlen) != PTD_OK)
            continue;
        na.port = port;
        if (!is_known(out, *n, &na))
            out[(*n)++] = na;
    }
    freeaddrinfo(found);
    return *n > 0 ? PTD_OK : PTD_ERESOLVE;
}

/* The addresses at the beginning of lines, each once. */
static size_t read_lines(struct ptd_netaddr *out, size_t cap, char *text,
                         uint16_t port)
{
    size_t n = 0;
    char *rest;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < cap;
         line = strtok_r(NULL, "\n", &rest)) {
        struct ptd_netaddr na;

        line[strcspn(line, " \t")] = '\0';
        if (ptd_netaddr_parse(&na, line, port) == PTD_OK &&
            !is_known(out, n, &na))
            out[n++] = na;
    }
    return n;
}

static enum ptd_err look_up_until(struct ptd_netaddr *out, size_t cap,
                                  size_t *n, const char *host, uint16_t port,
                                  const struct ptd_wait *w)
{
    char text[16384];
    size_t n_text;
    enum ptd_err e = ptd_lookup(text, sizeof text - 1, &n_text, host, w);

    if (e == PTD_ENOTFOUND)
        return look_up(out, cap, n, host, port);
    if (e != PTD_OK)
        return e;
    text[n_text] = '\0';
    *n = read_lines(out, cap, text, port);
    return *n > 0 ? PTD_OK : PTD_ERESOLVE;
}

/* What needs no look-up. PTD_EAGAIN: this one does. */
static enum ptd_err resolve_here(struct ptd_netaddr *out, size_t cap, size_t *n,
                                 const char *host, uint16_t port)
{
    struct ptd_netaddr na;

    if (cap == 0 || !is_name(host) || has_port(host))
        return PTD_EINVAL;
    if (ptd_netaddr_parse(&na, host, port) == PTD_OK) {
        out[0] = na;
        *n = 1;
        return PTD_OK;
    }
    if (has_suffix(host, ".onion") || has_suffix(host, ".i2p"))
        return PTD_EUNREACH;
    return PTD_EAGAIN;
}

enum ptd_err ptd_resolve(struct ptd_netaddr *out, size_t cap, size_t *n,
                         const char *host, uint16_t port)
{
    enum ptd_err e = resolve_here(out, cap, n, host, port);

    return e == PTD_EAGAIN ? look_up(out, cap, n, host, port) : e;
}

enum ptd_err ptd_resolve_until(struct ptd_netaddr *out, size_t cap, size_t *n,
                               const char *host, uint16_t port,
                               const struct ptd_wait *w)
{
    enum ptd_err e = resolve_here(out, cap, n, host, port);

    return e == PTD_EAGAIN ? look_up_until(out, cap, n, host, port, w) : e;
}
