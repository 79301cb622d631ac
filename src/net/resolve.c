#include <config.h>

#include "net/resolve.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "net/addr.h"

/* Letters, digits and what else occurs in names and addresses. */
static bool is_name(const char *s)
{
    size_t n = strnlen(s, 256);

    if (n == 0 || n > 255)
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

enum ptd_err ptd_resolve(struct ptd_netaddr *out, size_t cap, size_t *n,
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
    return look_up(out, cap, n, host, port);
}
