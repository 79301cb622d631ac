#include <config.h>

#include "node/permit.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* ---- permissions ------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned flags;
    bool listed; /* a name of its own, by which it is shown */
} permissions[] = {
    { "bloomfilter", PTD_MAY_BLOOM, true },
    { "bloom", PTD_MAY_BLOOM, false },
    { "noban", PTD_MAY_NOBAN, true },
    { "forcerelay", PTD_MAY_FORCE_RELAY, true },
    { "relay", PTD_MAY_RELAY, true },
    { "mempool", PTD_MAY_MEMPOOL, true },
    { "download", PTD_MAY_DOWNLOAD, true },
    { "addr", PTD_MAY_ADDR, true },
    { "all", PTD_MAY_ALL, false },
};

const char *ptd_permission_name(unsigned set, size_t i)
{
    for (size_t k = 0; k < PTD_COUNT(permissions); k++)
        if (permissions[k].listed &&
            (set & permissions[k].flags) == permissions[k].flags && i-- == 0)
            return permissions[k].name;
    return NULL;
}

/* What stands before an @. */
struct grant {
    unsigned flags;
    bool in, out;
};

static enum ptd_err grant_one(struct grant *g, const char *name, size_t n,
                              bool of_bind, struct ptd_complaint *why)
{
    if (n == 0)
        return PTD_OK;
    for (size_t i = 0; i < PTD_COUNT(permissions); i++)
        if (strlen(permissions[i].name) == n &&
            memcmp(permissions[i].name, name, n) == 0) {
            g->flags |= permissions[i].flags;
            return PTD_OK;
        }
    if (n == 2 && memcmp(name, "in", 2) == 0) {
        g->in = true;
        return PTD_OK;
    }
    if (n == 3 && memcmp(name, "out", 3) == 0 && !of_bind) {
        g->out = true;
        return PTD_OK;
    }
    if (n == 3 && memcmp(name, "out", 3) == 0)
        return ptd_complain(why, "whitebind may only be used for incoming "
                                 "connections (\"out\" was passed)");
    return ptd_complain(why, "Invalid P2P permission: '%.*s'",
                        (int)PTD_MIN(n, (size_t)1000), name);
}

/* Gives where the address begins. */
static enum ptd_err read_grant(struct grant *g, const char **rest,
                               const char *text, bool of_bind,
                               struct ptd_complaint *why)
{
    const char *at = strchr(text, '@');

    *g = (struct grant){ 0 };
    *rest = at != NULL ? at + 1 : text;
    if (at == NULL)
        g->flags = PTD_MAY_IMPLICIT;
    for (const char *name = text; at != NULL && name < at;) {
        size_t n = strcspn(name, ",@");
        enum ptd_err e = grant_one(g, name, n, of_bind, why);

        if (e != PTD_OK)
            return e;
        name += n + 1;
    }
    if ((g->in || g->out) && g->flags == 0)
        return ptd_complain(
            why, "Only direction was set, no permissions: '%.1000s'", text);
    if (!g->in && !g->out)
        g->in = true;
    return PTD_OK;
}

enum ptd_err ptd_whitelist_parse(struct ptd_whitelist *out, const char *text,
                                 struct ptd_complaint *why)
{
    const char *rest;
    struct grant g;
    enum ptd_err e = read_grant(&g, &rest, text, false, why);

    if (e != PTD_OK)
        return e;
    if (ptd_subnet_parse(&out->subnet, rest) != PTD_OK)
        return ptd_complain(why,
                            "Invalid netmask specified in -whitelist: "
                            "'%.1000s'",
                            rest);
    out->permissions = g.flags;
    out->in = g.in;
    out->out = g.out;
    return PTD_OK;
}

enum ptd_err ptd_whitebind_parse(struct ptd_whitebind *out, const char *text,
                                 struct ptd_complaint *why)
{
    const char *rest;
    struct grant g;
    enum ptd_err e = read_grant(&g, &rest, text, true, why);

    if (e != PTD_OK)
        return e;
    if (ptd_netaddr_parse(&out->addr, rest, 0) != PTD_OK)
        return ptd_complain(why, "Cannot resolve -whitebind address: '%.1000s'",
                            rest);
    if (out->addr.port == 0)
        return ptd_complain(
            why, "Need to specify a port with -whitebind: '%.1000s'", rest);
    out->permissions = g.flags;
    return PTD_OK;
}
