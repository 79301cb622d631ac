/* One dial. Its thread knows its slot alone: it looks a name up, chooses the
 * proxy, claims each address before it is dialled, leaves the result in the
 * slot and is joined by the manager. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "connmgr/connmgr_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(CMGR);

static enum ptd_err give_up(struct slot *s, enum ptd_err e, const char *text)
{
    snprintf(s->why.text, sizeof s->why.text, "%s", text);
    s->why.reply = -1;
    return e;
}

static enum ptd_err call(struct slot *s, const struct ptd_dial_target *to,
                         const struct ptd_proxy *proxy)
{
    const struct ptd_connmgr_config *cfg = &s->cm->cfg;
    char text[PTD_PROXY_TEXT], name[NODE_TEXT_MAX + 1];

    s->via_proxy = proxy != NULL;
    if (proxy != NULL)
        ptd_log_debug("Using proxy: %s to connect to %s",
                      ptd_proxy_format(proxy, text, sizeof text),
                      slot_text(s, name, sizeof name));
    return cfg->dialler.dial(cfg->dialler.arg, &s->fd, to, proxy,
                             proxy != NULL ? cfg->proxy_timeout_ms
                                           : cfg->dial_timeout_ms,
                             &s->cm->stop, &s->why);
}

/* A proxy that was not there says nothing of the address behind it. */
static bool says_something(const struct slot *s, enum ptd_err e)
{
    return e != PTD_ECLOSED && e != PTD_ELIMIT &&
           !(e == PTD_EPROXY && s->why.reply < 0);
}

/* The slot has the address already. */
static enum ptd_err dial_addr(struct slot *s, const struct ptd_netaddr *na)
{
    const struct ptd_connmgr_addrs *addrs = &s->cm->cfg.addrs;
    struct ptd_dial_target to = { .na = *na };
    enum ptd_err e = call(s, &to, ptd_reach_proxy(&s->cm->cfg.reach, na));

    if (says_something(s, e))
        addrs->attempt(addrs->arg, na, s->count_failure);
    return e;
}

/* All addresses of a name in turn; if we are connected to one, to none. */
static enum ptd_err dial_resolved(struct slot *s, const char *host,
                                  uint16_t port)
{
    const struct ptd_connmgr_dialler *d = &s->cm->cfg.dialler;
    struct ptd_netaddr found[MAX_RESOLVED];
    size_t n = 0;
    enum ptd_err e = d->resolve(d->arg, found, MAX_RESOLVED, &n, host, port);

    if (e == PTD_OK && n == 0)
        e = PTD_ERESOLVE;
    if (e != PTD_OK)
        return give_up(s, e, ptd_err_text(e));
    ptd_random_shuffle(found, n, sizeof *found);
    for (size_t i = 0; i < n; i++) {
        if (!slot_claim(s, &found[i]))
            return give_up(s, PTD_EEXIST, "already connected");
        e = dial_addr(s, &found[i]);
        if (e == PTD_OK || e == PTD_ECLOSED)
            break;
    }
    return e;
}

static enum ptd_err dial_name(struct slot *s)
{
    const struct ptd_proxy *proxy = ptd_reach_name_proxy(&s->cm->cfg.reach);
    struct ptd_dial_target to = { .host = NULL };
    char host[256];

    if (ptd_hostport_split(s->name, host, sizeof host, &to.port,
                           s->cm->cfg.params->port) != PTD_OK)
        return give_up(s, PTD_EINVAL, "neither address nor name");
    to.host = host;
    if (proxy != NULL)
        return call(s, &to, proxy);
    if (!s->cm->cfg.look_up)
        return give_up(s, PTD_ERESOLVE, "names are not looked up (-dns=0)");
    return dial_resolved(s, host, to.port);
}

void dial_main(void *slot)
{
    struct slot *s = slot;
    struct ptd_connmgr *cm = s->cm;
    struct ptd_netaddr na;
    enum ptd_err e;

    ptd_mutex_lock(&cm->mu);
    na = s->na;
    ptd_mutex_unlock(&cm->mu);
    s->why.reply = -1;
    e = na.net != PTD_NET_NONE ? dial_addr(s, &na) : dial_name(s);
    ptd_mutex_lock(&cm->mu);
    s->err = e;
    s->state = SLOT_DIALLED;
    ptd_mutex_unlock(&cm->mu);
    connmgr_wake(cm);
}
