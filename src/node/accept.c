/* The accept thread: takes connections and hands them to the server. */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "node/datadir.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

static enum ptd_err refuse(enum ptd_err e, const struct ptd_netaddr *at,
                           struct ptd_complaint *why)
{
    char text[PTD_NETADDR_TEXT];
    int error = errno;

    ptd_netaddr_format(at, text, sizeof text);
    if (e == PTD_EEXIST)
        return ptd_complain(why,
                            "Unable to bind to %s on this computer. %s is "
                            "probably already running.",
                            text, PTD_CLIENT_NAME);
    return ptd_complain(why,
                        "Unable to bind to %s on this computer (bind returned "
                        "error %s)",
                        text, strerror(error));
}

static enum ptd_err listen_at(struct ptd_node *n, const struct node_listener *l,
                              struct ptd_complaint *why)
{
    char text[PTD_NETADDR_TEXT];
    struct ptd_netaddr bound;
    int fd;
    enum ptd_err e = ptd_listen(&fd, &l->at, &bound);

    if (e != PTD_OK)
        return refuse(e, &l->at, why);
    if ((e = ptd_acceptor_add(&n->acceptor, fd)) != PTD_OK) {
        close(fd);
        return ptd_complain(why, "More than %d addresses to listen at",
                            PTD_ACCEPTOR_MAX);
    }
    n->bound[n->n_bound] = *l;
    n->bound[n->n_bound++].at = bound;
    ptd_log_info("Bound to %s", ptd_netaddr_format(&bound, text, sizeof text));
    return PTD_OK;
}

/* Addresses that were chosen for who calls there: each is needed. */
static enum ptd_err listen_for_some(struct ptd_node *n,
                                    struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    enum ptd_err e = PTD_OK;

    for (size_t i = 0; i < cfg->n_whitebind && e == PTD_OK; i++) {
        const struct ptd_whitebind *w = &cfg->whitebind[i];
        /* Where friends call is not told to everybody. */
        const struct node_listener l = {
            .at = w->addr,
            .permissions = w->permissions,
            .announce = (w->permissions & PTD_MAY_NOBAN) != PTD_MAY_NOBAN,
        };

        e = listen_at(n, &l, why);
    }
    for (size_t i = 0; i < cfg->onion_bind.n && e == PTD_OK; i++)
        e = listen_at(n,
                      &(struct node_listener){ .at = cfg->onion_bind.v[i],
                                               .for_onion = true },
                      why);
    return e;
}

enum ptd_err node_listen(struct ptd_node *n, struct ptd_complaint *why)
{
    enum ptd_err e = PTD_OK;

    if (!n->cfg->listen)
        return PTD_OK;
    if ((e = ptd_acceptor_init(&n->acceptor)) != PTD_OK)
        return ptd_complain(why, "Not enough file descriptors available.");
    n->has_acceptor = true;
    for (size_t i = 0; i < n->cfg->n_bind; i++) {
        e = listen_at(
            n,
            &(struct node_listener){ .at = n->cfg->bind[i], .announce = true },
            why);
        /* All interfaces: one family is enough. */
        if (e != PTD_OK && !n->cfg->bind_default)
            return e;
    }
    if (n->n_bound == 0 && e != PTD_OK)
        return e;
    if ((e = listen_for_some(n, why)) != PTD_OK || n->n_bound > 0)
        return e;
    return ptd_complain(why, "Failed to listen on any port. Use -listen=0 if "
                             "you want this.");
}

static void accept_main(void *node)
{
    struct ptd_node *n = node;

    for (;;) {
        struct server_event ev = { .what = SERVER_ACCEPTED };
        enum ptd_err e =
            ptd_accept(&n->acceptor, &ev.fd, &ev.addr, &ev.listener, &n->stop);

        if (e == PTD_ECLOSED)
            return;
        if (e == PTD_ELIMIT) {
            ptd_log_warn_every(60, "A connection was turned away: out of "
                                   "descriptors or memory");
            continue;
        }
        if (e != PTD_OK) {
            ptd_log_error("Accepting ends: %s", ptd_err_text(e));
            return;
        }
        if (ptd_chan_send(n->server_q, &ev) != PTD_OK)
            close(ev.fd);
    }
}

enum ptd_err node_accept_start(struct ptd_node *n)
{
    if (!n->has_acceptor)
        return PTD_OK;
    return ptd_thread_start(&n->accept_thread, NULL, "accept", accept_main, n);
}

void node_accept_fini(struct ptd_node *n)
{
    if (n->has_acceptor)
        ptd_acceptor_fini(&n->acceptor);
}
