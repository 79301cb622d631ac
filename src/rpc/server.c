#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pentad/log.h"
#include "rpc/rpc_int.h"

PTD_LOG_TAG(HTTP);

enum { MAX_QUEUE = 1 << 20, MAX_THREADS = 1000, MAX_TIMEOUT_S = 1 << 24 };

static enum ptd_err cannot_start(struct ptd_rpc_why *why, enum ptd_err e)
{
    snprintf(why->text, sizeof why->text,
             "Unable to start HTTP server. See debug log for details.");
    return e;
}

void ptd_rpc_config_init(struct ptd_rpc_config *cfg)
{
    *cfg = (struct ptd_rpc_config){
        .program = "Pentad",
        .datadir = ".",
        .user = "",
        .threads = PTD_RPC_DEFAULT_THREADS,
        .queue = PTD_RPC_DEFAULT_QUEUE,
        .timeout_s = PTD_RPC_DEFAULT_TIMEOUT_S,
        .log_path = "",
    };
}

/* ---- making ---------------------------------------------------------------- */

static int between(int v, int lowest, int highest)
{
    return v < lowest ? lowest : v > highest ? highest : v;
}

/* Where the cookie lies; PTD_OK with NULL if there is to be none. */
static enum ptd_err cookie_path(char **out, const struct ptd_rpc_config *cfg)
{
    const char *file = cfg->cookie_file != NULL ? cfg->cookie_file : ".cookie";
    size_t n = strlen(cfg->datadir) + strlen(file) + 2;

    *out = NULL;
    if (file[0] == '\0')
        return PTD_OK;
    if ((*out = ptd_alloc(n)) == NULL)
        return PTD_ENOMEM;
    if (file[0] == '/')
        snprintf(*out, n, "%s", file);
    else
        snprintf(*out, n, "%s/%s", cfg->datadir, file);
    return PTD_OK;
}

static enum ptd_err copy_texts(struct ptd_rpc *r,
                               const struct ptd_rpc_config *cfg)
{
    r->program = ptd_strdup(cfg->program);
    r->log_path = ptd_strdup(cfg->log_path);
    if (r->program == NULL || r->log_path == NULL)
        return PTD_ENOMEM;
    if (cfg->cookie_perms != NULL &&
        (r->cookie_perms = ptd_strdup(cfg->cookie_perms)) == NULL)
        return PTD_ENOMEM;
    return PTD_OK;
}

/* A password that was given stands for the cookie. */
static enum ptd_err choose_password(struct ptd_rpc *r,
                                    const struct ptd_rpc_config *cfg)
{
    const char *user = cfg->user != NULL ? cfg->user : "";

    if (cfg->password == NULL || cfg->password[0] == '\0')
        return cookie_path(&r->cookie_path, cfg);
    ptd_log_info("Using rpcuser/rpcpassword authentication.");
    ptd_log_warn("The use of rpcuser/rpcpassword is less secure, because "
                 "credentials are configured in plain text. It is recommended "
                 "that locally-run instances switch to cookie-based auth, or "
                 "otherwise to use hashed rpcauth credentials.");
    return ptd_rpc_auth_add(&r->auth, user, cfg->password);
}

static enum ptd_err configure(struct ptd_rpc *r,
                              const struct ptd_rpc_config *cfg,
                              struct ptd_rpc_why *why)
{
    enum ptd_err e;

    if ((e = copy_texts(r, cfg)) != PTD_OK ||
        (e = ptd_rpc_allow_init(&r->allow, cfg, why)) != PTD_OK ||
        (e = ptd_rpc_choose_binds(r, cfg, why)) != PTD_OK)
        return e;
    if ((e = ptd_rpc_auth_init(&r->auth, cfg)) != PTD_OK ||
        (e = choose_password(r, cfg)) != PTD_OK)
        return e == PTD_ENOMEM ? e : cannot_start(why, e);
    r->port = cfg->port;
    r->n_workers = between(cfg->threads, 1, MAX_THREADS);
    r->timeout_s = between(cfg->timeout_s, 0, MAX_TIMEOUT_S);
    r->doc_check = cfg->doc_check;
    r->stop = cfg->stop;
    r->stop_arg = cfg->arg;
    return PTD_OK;
}

static enum ptd_err make_channels(struct ptd_rpc *r, int queue)
{
    size_t cap = (size_t)between(queue, 1, MAX_QUEUE);

    r->quit = ptd_chan_new(0, 0);
    r->jobs = ptd_chan_new(sizeof(struct ptd_rpc_job *), cap);
    return r->quit != NULL && r->jobs != NULL ? PTD_OK : PTD_ENOMEM;
}

enum ptd_err ptd_rpc_new(struct ptd_rpc **out, const struct ptd_rpc_config *cfg,
                         struct ptd_rpc_why *why)
{
    struct ptd_rpc *r = ptd_calloc(1, sizeof *r);
    enum ptd_err e;

    if (r == NULL)
        return PTD_ENOMEM;
    ptd_mutex_init(&r->mu, PTD_RANK_RPC);
    ptd_list_init(&r->active);
    ptd_list_init(&r->done);
    r->wake.fd = -1;
    ptd_rpc_set_warmup(r, "RPC server started");
    r->start_us = ptd_clock_now_us(NULL);
    if ((e = ptd_latch_init(&r->wake)) != PTD_OK ||
        (e = make_channels(r, cfg->queue)) != PTD_OK ||
        (e = configure(r, cfg, why)) != PTD_OK ||
        (e = ptd_rpc_add_builtins(r)) != PTD_OK) {
        ptd_rpc_free(r);
        return e;
    }
    *out = r;
    return PTD_OK;
}

enum ptd_err ptd_rpc_add(struct ptd_rpc *r,
                         const struct ptd_rpc_method *methods, size_t n,
                         void *arg)
{
    PTD_ASSERT(r->http == NULL);
    return ptd_rpc_table_add(&r->table, methods, n, arg);
}

enum ptd_err
ptd_rpc_add_page(struct ptd_rpc *r, const char *path, unsigned flags,
                 void (*fn)(struct ptd_rpc_page *page, void *arg), void *arg)
{
    struct ptd_rpc_page_entry *v =
        ptd_array_grow(r->pages, &r->cap_pages, r->n_pages + 1, sizeof *v);

    PTD_ASSERT(r->http == NULL);
    if (v == NULL)
        return PTD_ENOMEM;
    r->pages = v;
    v[r->n_pages++] = (struct ptd_rpc_page_entry){ path, flags, fn, arg };
    return PTD_OK;
}

/* ---- running --------------------------------------------------------------- */

static enum ptd_err write_cookie(struct ptd_rpc *r)
{
    enum ptd_err e;

    if (r->cookie_path == NULL)
        return PTD_OK;
    e = ptd_rpc_cookie_write(&r->auth, r->cookie_path, r->cookie_perms);
    r->wrote_cookie = e == PTD_OK;
    return e;
}

static enum ptd_err start_threads(struct ptd_rpc *r)
{
    ptd_log_info("Starting HTTP server with %d worker threads", r->n_workers);
    /* And a spare one. */
    r->workers = ptd_calloc((size_t)r->n_workers + 1, sizeof *r->workers);
    if (r->workers == NULL)
        return PTD_ENOMEM;
    for (int i = 0; i < r->n_workers; i++) {
        enum ptd_err e = ptd_rpc_worker_start(r);

        if (e != PTD_OK)
            return e;
    }
    return ptd_thread_start(&r->http_thread, NULL, "http", ptd_http_main,
                            r->http);
}

static enum ptd_err make_http(struct ptd_rpc *r)
{
    return ptd_http_new(&r->http, r);
}

enum ptd_err ptd_rpc_start(struct ptd_rpc *r, struct ptd_rpc_why *why)
{
    /* Whoever reads the cookie finds us listening. */
    static const struct {
        const char *what;
        enum ptd_err (*fn)(struct ptd_rpc *r);
    } steps[] = {
        { "binding", ptd_rpc_bind },
        { "writing the cookie", write_cookie },
        { "making the HTTP server", make_http },
        { "starting threads", start_threads },
    };

    PTD_ASSERT(r->http == NULL);
    for (size_t i = 0; i < PTD_COUNT(steps); i++) {
        enum ptd_err e = steps[i].fn(r);

        if (e == PTD_OK)
            continue;
        ptd_log_error("RPC server: %s: %s", steps[i].what, ptd_err_text(e));
        return cannot_start(why, e);
    }
    return PTD_OK;
}

void ptd_rpc_set_warmup(struct ptd_rpc *r, const char *status)
{
    ptd_mutex_lock(&r->mu);
    r->in_warmup = status != NULL;
    if (status != NULL)
        snprintf(r->warmup, sizeof r->warmup, "%s", status);
    ptd_mutex_unlock(&r->mu);
}

bool ptd_rpc_bound(const struct ptd_rpc *r, size_t i, struct ptd_netaddr *out)
{
    if (i >= r->n_listeners)
        return false;
    *out = r->bound[i];
    return true;
}

/* ---- ending ---------------------------------------------------------------- */

void ptd_rpc_interrupt(struct ptd_rpc *r)
{
    atomic_store(&r->interrupted, true);
    ptd_chan_close(r->quit);
}

static size_t n_started(struct ptd_rpc *r)
{
    size_t n;

    ptd_mutex_lock(&r->mu);
    n = r->n_started;
    ptd_mutex_unlock(&r->mu);
    return n;
}

/* The workers end first, so that each request has its reply; then the thread
 * that sends them. */
static void join_threads(struct ptd_rpc *r)
{
    if (r->jobs != NULL)
        ptd_chan_close(r->jobs);
    /* One of them may start the spare one still. */
    for (size_t i = 0; i < n_started(r); i++)
        ptd_thread_join(&r->workers[i]);
    ptd_free(r->workers);
    atomic_store(&r->finishing, true);
    if (r->wake.fd >= 0)
        ptd_latch_set(&r->wake);
    ptd_thread_join(&r->http_thread);
    ptd_http_free(r->http);
    while (r->n_listeners > 0)
        close(r->listeners[--r->n_listeners]);
}

void ptd_rpc_free(struct ptd_rpc *r)
{
    if (r == NULL)
        return;
    if (r->quit != NULL)
        ptd_rpc_interrupt(r);
    join_threads(r);
    if (r->wrote_cookie)
        ptd_rpc_cookie_remove(r->cookie_path);
    ptd_rpc_auth_fini(&r->auth);
    ptd_rpc_allow_fini(&r->allow);
    ptd_rpc_table_fini(&r->table);
    ptd_free(r->pages);
    for (size_t i = 0; i < r->n_binds; i++)
        ptd_free(r->binds[i]);
    ptd_free(r->binds);
    ptd_free(r->program);
    ptd_free(r->cookie_path);
    ptd_free(r->cookie_perms);
    ptd_free(r->log_path);
    ptd_chan_free(r->quit);
    ptd_chan_free(r->jobs);
    ptd_latch_fini(&r->wake);
    ptd_mutex_fini(&r->mu);
    ptd_free(r);
}
