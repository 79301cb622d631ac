/* Options that bring others about, and say so. Source: Bitcoin Core 31.1 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

/* Set an option to 0 or 1 unless it is set. */
static enum ptd_err soft_set(struct setter *s, const char *cause,
                             const char *option, const char *value)
{
    bool done;
    enum ptd_err e = ptd_args_soft_set(s->args, option, value, &done);

    if (e == PTD_OK && done)
        ptd_log_info("parameter interaction: %s -> setting -%s=%s", cause,
                     option, value);
    return e;
}

static enum ptd_err soft_set_all(struct setter *s, const char *cause,
                                 const char *const *options, const char *value)
{
    enum ptd_err e = PTD_OK;

    for (; *options != NULL && e == PTD_OK; options++)
        e = soft_set(s, cause, *options, value);
    return e;
}

static bool dials_no_strangers(const struct ptd_args *a)
{
    return ptd_args_has_any(a, "connect") ||
           ptd_args_is_negated(a, "connect") ||
           ptd_args_int(a, "maxconnections", 125) <= 0;
}

static bool has_proxy(const struct ptd_args *a)
{
    const char *proxy = ptd_args_text(a, "proxy", "");

    return *proxy != '\0' && strcmp(proxy, "0") != 0;
}

/* Only networks without DNS are to be dialled. */
static bool shuns_ip(const struct ptd_args *a)
{
    struct ptd_args_walk w = ptd_args_each(a, "onlynet");
    const char *net;
    bool any = false;

    while ((net = ptd_args_next(&w)) != NULL) {
        any = true;
        if (strcasecmp(net, "ipv4") == 0 || strcasecmp(net, "ipv6") == 0)
            return false;
    }
    return any;
}

/* Who says where to listen wants to; who knows whom to dial, or hides, does
 * not, nor wants to be found. */
static enum ptd_err set_listen(struct setter *s)
{
    static const char *const seeds[] = { "dnsseed", "listen", NULL };
    static const char *const hidden[] = { "listen", "natpmp", "discover",
                                          NULL };
    static const char *const deaf[] = { "natpmp", "discover", "listenonion",
                                        "i2pacceptincoming", NULL };
    const struct ptd_args *a = s->args;
    enum ptd_err e = PTD_OK;

    if (ptd_args_has_any(a, "bind"))
        e = soft_set(s, "-bind set", "listen", "1");
    if (e == PTD_OK && ptd_args_has_any(a, "whitebind"))
        e = soft_set(s, "-whitebind set", "listen", "1");
    if (e == PTD_OK && dials_no_strangers(a))
        e = soft_set_all(s, "-connect or -maxconnections=0 set", seeds, "0");
    if (e == PTD_OK && has_proxy(a))
        e = soft_set_all(s, "-proxy set", hidden, "0");
    if (e == PTD_OK && !ptd_args_bool(a, "listen", true))
        e = soft_set_all(s, "-listen=0", deaf, "0");
    if (e == PTD_OK && ptd_args_has_any(a, "externalip"))
        e = soft_set(s, "-externalip set", "discover", "0");
    return e;
}

enum ptd_err set_interactions(struct setter *s)
{
    const struct ptd_args *a = s->args;
    enum ptd_err e = set_listen(s);

    if (e == PTD_OK && ptd_args_bool(a, "blocksonly", false) &&
        (e = soft_set(s, "-blocksonly=1", "whitelistrelay", "0")) == PTD_OK)
        e = soft_set(s, "-blocksonly=1", "maxmempool", "5");
    if (e == PTD_OK && ptd_args_bool(a, "whitelistforcerelay", false))
        e = soft_set(s, "-whitelistforcerelay=1", "whitelistrelay", "1");
    if (e == PTD_OK && shuns_ip(a))
        e = soft_set(s, "-onlynet excludes IPv4 and IPv6", "dnsseed", "0");
    return e;
}
