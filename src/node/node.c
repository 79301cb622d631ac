/* Start and stop, in one place. */
#include <config.h>

#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/node_int.h"

PTD_LOG_TAG(NODE);

struct starter {
    struct node *n;
    char *error;
    size_t cap;
};

#define FAIL(s, ...) (snprintf((s)->error, (s)->cap, __VA_ARGS__), PTD_EINVAL)

/* ---- the data directory ------------------------------------------------------ */

static bool make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static enum ptd_err open_datadir(struct starter *s)
{
    const struct node_options *o = &s->n->o;
    const char *home = getenv("HOME");
    char root[3072], dir[3200], path[3300];
    struct ptd_log_format format = { .threads = true };

    if (o->datadir != NULL)
        snprintf(root, sizeof root, "%s", o->datadir);
    else
        snprintf(root, sizeof root, "%s/.pentad", home != NULL ? home : "");
    if (o->datadir != NULL && access(root, F_OK) != 0)
        return FAIL(s, "Specified data directory \"%s\" does not exist.", root);
    snprintf(dir, sizeof dir, "%s/%s", root, o->params->datadir);
    if (!make_dir(root) || !make_dir(dir))
        return FAIL(s, "Cannot create data directory %s: %s", dir,
                    strerror(errno));
    snprintf(path, sizeof path, "%s/.lock", dir);
    s->n->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->n->lock_fd < 0 || flock(s->n->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return FAIL(s,
                    "Cannot obtain a lock on directory %s. Pentad is probably "
                    "already running.",
                    dir);
    snprintf(path, sizeof path, "%s/debug.log", dir);
    if (ptd_log_file_open(&s->n->log, path,
                          o->print_to_console && !o->peer_table ? stdout : NULL,
                          &format) != PTD_OK)
        return FAIL(s, "Could not open debug log file %s", path);
    return PTD_OK;
}

static enum ptd_err set_up_log(struct starter *s)
{
    const struct option_list *d = &s->n->o.debug;

    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->v[i], "0") != 0 &&
            ptd_log_set_category(d->v[i], PTD_LOG_DEBUG) != PTD_OK)
            return FAIL(s, "Unsupported logging category -debug=%s.", d->v[i]);
    return PTD_OK;
}

/* ---- who we say we are ---------------------------------------------------------- */

static enum ptd_err make_agent(struct starter *s)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                               "VWXYZ0123456789 .,;-_?@";
    const struct option_list *l = &s->n->o.uacomment;
    char comments[300] = "";

    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i][strspn(l->v[i], safe)] != '\0')
            return FAIL(s,
                        "User Agent comment (%s) contains unsafe characters.",
                        l->v[i]);
        if (strlen(comments) + strlen(l->v[i]) + 8 > sizeof comments)
            return FAIL(s, "Total length of network version string exceeds "
                           "maximum length (256).");
        strcat(comments, i == 0 ? "(" : "; ");
        strcat(comments, l->v[i]);
    }
    if (l->n > 0)
        strcat(comments, ")");
    if (snprintf(s->n->agent, sizeof s->n->agent, "/pentad:%s%s/",
                 PACKAGE_VERSION, comments) > PTD_MAX_USER_AGENT)
        return FAIL(s, "Total length of network version string exceeds "
                       "maximum length (256).");
    return PTD_OK;
}

/* ---- listening -------------------------------------------------------------------- */

static enum ptd_err listen_at(struct starter *s, const char *text)
{
    uint16_t port = s->n->o.port != 0 ? s->n->o.port : s->n->o.params->port;
    struct ptd_netaddr at, bound;
    char name[PTD_NETADDR_TEXT];
    enum ptd_err e;
    int fd;

    if (ptd_netaddr_parse(&at, text, port) != PTD_OK)
        return FAIL(s, "Cannot resolve -bind address: '%s'", text);
    e = ptd_listen(&fd, &at, &bound);
    if (e != PTD_OK)
        return FAIL(s, "Unable to bind to %s on this computer (%s)",
                    ptd_netaddr_format(&at, name, sizeof name),
                    ptd_err_text(e));
    if (ptd_acceptor_add(&s->n->acceptor, fd) != PTD_OK) {
        close(fd);
        return FAIL(s, "Too many -bind addresses.");
    }
    ptd_log_info("Bound to %s", ptd_netaddr_format(&bound, name, sizeof name));
    return PTD_OK;
}

static bool is_listening(const struct node_options *o)
{
    /* As Bitcoin Core: -connect turns listening off, unless it is asked for. */
    if (o->listen >= 0)
        return o->listen != 0;
    return (o->connect.n == 0 && !o->no_connect) || o->bind.n > 0;
}

static enum ptd_err start_listening(struct starter *s)
{
    const struct option_list *b = &s->n->o.bind;
    enum ptd_err e = PTD_OK;

    if (!is_listening(&s->n->o))
        return PTD_OK;
    for (size_t i = 0; i < b->n && e == PTD_OK; i++)
        e = listen_at(s, b->v[i]);
    if (b->n == 0)
        e = listen_at(s, "0.0.0.0");
    if (e == PTD_OK && ptd_thread_start(&s->n->accept, s->n->threads, "accept",
                                        node_accept_main, s->n) != PTD_OK)
        return FAIL(s, "Cannot start a thread.");
    return e;
}

/* ---- dialling ---------------------------------------------------------------------- */

static enum ptd_err start_dials(struct starter *s, const struct option_list *l)
{
    struct node *n = s->n;

    for (size_t i = 0; i < l->n; i++) {
        struct dial *d = &n->dials[n->n_dials];
        char name[24];

        d->node = n;
        d->target = l->v[i];
        d->gone = ptd_chan_new(0, 1);
        if (d->gone == NULL)
            return FAIL(s, "Out of memory.");
        snprintf(name, sizeof name, "dial-%zu", n->n_dials++);
        if (ptd_thread_start(&d->thread, n->threads, name, node_dial_main, d) !=
            PTD_OK)
            return FAIL(s, "Cannot start a thread.");
    }
    return PTD_OK;
}

static enum ptd_err set_proxy(struct starter *s)
{
    struct ptd_netaddr na;

    if (s->n->o.proxy == NULL)
        return PTD_OK;
    if (ptd_netaddr_parse(&na, s->n->o.proxy, 9050) != PTD_OK ||
        ptd_proxy_set(&s->n->proxy, &na) != PTD_OK)
        return FAIL(s, "Invalid -proxy address or hostname: '%s'",
                    s->n->o.proxy);
    s->n->proxy.isolate = true; /* -proxyrandomize is on by default */
    return PTD_OK;
}

/* ---- all of it ------------------------------------------------------------------------ */

static enum ptd_err make_parts(struct starter *s)
{
    struct ptd_env_config cfg;
    struct node *n = s->n;

    ptd_env_config_init(&cfg);
    n->env = ptd_env_new(&cfg);
    n->headers = ptd_headers_new(n->o.params, 0);
    n->quit = ptd_chan_new(0, 0);
    n->events = ptd_chan_new(sizeof(struct node_peer *), 64);
    n->threads = ptd_threads_new();
    n->addrs = ptd_calloc(ADDRS_MAX, sizeof *n->addrs);
    if (n->env == NULL || n->headers == NULL || n->quit == NULL ||
        n->events == NULL || n->threads == NULL || n->addrs == NULL)
        return FAIL(s, "Out of memory.");
    if (ptd_thread_start(&n->server, n->threads, "server", node_server_main,
                         n) != PTD_OK)
        return FAIL(s, "Cannot start a thread.");
    return PTD_OK;
}

static void raise_descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

static enum ptd_err start_all(struct starter *s)
{
    struct node *n = s->n;
    enum ptd_err e;

    if ((e = make_agent(s)) != PTD_OK || (e = set_up_log(s)) != PTD_OK ||
        (e = set_proxy(s)) != PTD_OK || (e = open_datadir(s)) != PTD_OK)
        return e;
    ptd_log_info("pentad %s, chain %s", PACKAGE_VERSION, n->o.params->name);
    if ((e = make_parts(s)) != PTD_OK || (e = start_listening(s)) != PTD_OK ||
        (e = start_dials(s, &n->o.connect)) != PTD_OK ||
        (e = start_dials(s, &n->o.addnode)) != PTD_OK)
        return e;
    if (n->o.peer_table && ptd_thread_start(&n->table, n->threads, "table",
                                            node_table_main, n) != PTD_OK)
        return FAIL(s, "Cannot start a thread.");
    return PTD_OK;
}

enum ptd_err node_start(struct node **out, const struct node_options *o,
                        char *error, size_t cap)
{
    struct starter s = { ptd_calloc(1, sizeof *s.n), error, cap };
    enum ptd_err e;

    if (s.n == NULL)
        return FAIL(&s, "Out of memory.");
    raise_descriptors();
    s.n->o = *o;
    s.n->lock_fd = -1;
    ptd_mutex_init(&s.n->mu, PTD_RANK_NODE);
    ptd_list_init(&s.n->peers);
    if (ptd_latch_init(&s.n->stop) != PTD_OK ||
        ptd_acceptor_init(&s.n->acceptor) != PTD_OK) {
        ptd_free(s.n);
        return FAIL(&s, "No descriptor left.");
    }
    e = start_all(&s);
    if (e != PTD_OK)
        node_stop(s.n);
    else
        *out = s.n;
    return e;
}

/* Server is still there to join them. */
static void end_peers(struct node *n)
{
    struct node_peer *none = NULL;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        ptd_peer_disconnect(np->peer, PTD_ECLOSED, "shutdown");
    }
    ptd_mutex_unlock(&n->mu);
    if (n->server.started)
        (void)!ptd_chan_send(n->events, &none);
}

void node_stop(struct node *n)
{
    if (n == NULL)
        return;
    if (n->log != NULL)
        ptd_log_info("Shutdown: In progress...");
    ptd_latch_set(&n->stop);
    if (n->quit != NULL)
        ptd_chan_close(n->quit);
    ptd_thread_join(&n->table);
    ptd_thread_join(&n->accept);
    end_peers(n); /* dials wait for theirs to be gone */
    for (size_t i = 0; i < n->n_dials; i++)
        ptd_thread_join(&n->dials[i].thread);
    ptd_thread_join(&n->server);
    for (size_t i = 0; i < n->n_dials; i++)
        ptd_chan_free(n->dials[i].gone);
    ptd_acceptor_fini(&n->acceptor);
    ptd_env_free(n->env);
    ptd_headers_free(n->headers);
    ptd_chan_free(n->events);
    ptd_chan_free(n->quit);
    ptd_threads_free(n->threads);
    ptd_free(n->addrs);
    ptd_latch_fini(&n->stop);
    if (n->log != NULL)
        ptd_log_info("Shutdown: done");
    ptd_log_file_close(n->log);
    if (n->lock_fd >= 0)
        close(n->lock_fd);
    ptd_mutex_fini(&n->mu);
    ptd_free(n);
}
