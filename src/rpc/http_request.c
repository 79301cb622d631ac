/* One request: who asks for what, its body, its reply.
 *
 * Everything that can be refused is refused before a byte of the body is kept:
 * it is read and thrown away, so that the client reads the answer and may go
 * on with the same connection. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "pentad/log.h"
#include "rpc/http.h"

PTD_LOG_TAG(HTTP);

enum {
    WRONG_PASSWORD_DELAY_US = 250000,
    TOO_LARGE = 413 /* its name differs between versions of the library */
};

void *ptd_http_on_uri(void *cls, const char *uri,
                      struct MHD_Connection *connection)
{
    struct ptd_http_request *q = ptd_calloc(1, sizeof *q);

    if (q == NULL)
        return NULL;
    q->http = cls;
    q->connection = connection;
    if ((q->job.uri = ptd_strdup(uri)) == NULL) {
        ptd_free(q);
        return NULL;
    }
    return q;
}

/* ---- replying -------------------------------------------------------------- */

static void refuse(struct ptd_http_request *q, int status, const char *body)
{
    q->phase = PTD_HTTP_REFUSED;
    q->job.reply.status = status;
    if (body != NULL && (q->job.reply.body = ptd_strdup(body)) != NULL)
        q->job.reply.n = strlen(body);
}

static bool add_headers(struct ptd_http_request *q, struct MHD_Response *m)
{
    const char *type = q->job.reply.type;

    if (type != NULL && !MHD_add_response_header(m, "Content-Type", type))
        return false;
    if (q->ask_password && !MHD_add_response_header(m, "WWW-Authenticate",
                                                    "Basic realm=\"jsonrpc\""))
        return false;
    return !atomic_load(&q->http->rpc->interrupted) ||
           MHD_add_response_header(m, "Connection", "close");
}

/* A connection whose reply cannot be made is closed. */
static enum MHD_Result reply(struct ptd_http_request *q)
{
    struct ptd_rpc_reply *out = &q->job.reply;
    struct MHD_Response *m;
    enum MHD_Result done = MHD_NO;

    if (!q->counted) {
        q->counted = true;
        q->http->n_busy++;
    }
    m = MHD_create_response_from_buffer(
        out->n, out->body != NULL ? out->body : (void *)(uintptr_t) "",
        out->body != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (m == NULL)
        return MHD_NO;
    out->body = NULL;
    if (add_headers(q, m))
        done = MHD_queue_response(q->connection, (unsigned)out->status, m);
    MHD_destroy_response(m);
    return done;
}

/* ---- whose request is it? -------------------------------------------------- */

static const struct ptd_rpc_page_entry *page_of(const struct ptd_rpc *r,
                                                const char *uri)
{
    size_t n = strcspn(uri, "?");

    for (size_t i = 0; i < r->n_pages; i++) {
        const struct ptd_rpc_page_entry *p = &r->pages[i];
        size_t len = strlen(p->path);

        if (strncmp(uri, p->path, len) == 0 &&
            (n == len || ((p->flags & PTD_RPC_PAGE_PREFIX) && n > len)))
            return p;
    }
    return NULL;
}

/* More than a body may have was announced: nothing of it is read. */
static bool is_too_long(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(
        connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    return text != NULL && strtoull(text, NULL, 10) > PTD_RPC_MAX_BODY;
}

/* What is too long is answered at once, so it must not tell whether the
 * password was right: who guesses is to wait. */
static void check_password(struct ptd_http_request *q)
{
    const char *header = MHD_lookup_connection_value(
        q->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    enum ptd_err e = PTD_EREJECTED;

    if (header != NULL && is_too_long(q->connection)) {
        refuse(q, TOO_LARGE, NULL);
        return;
    }
    if (header != NULL && (e = ptd_rpc_auth_check(&q->http->rpc->auth, header,
                                                  &q->job.user)) == PTD_OK)
        return;
    if (e == PTD_EREJECTED) {
        q->ask_password = true;
        refuse(q, MHD_HTTP_UNAUTHORIZED, NULL);
    } else {
        refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, NULL);
    }
    if (header == NULL || e != PTD_EREJECTED)
        return;
    q->wrong_password = true;
    ptd_log_warn("ThreadRPCServer incorrect password attempt from %s",
                 q->job.peer);
}

static bool is_one_of(const char *method, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(method, *words) == 0)
            return true;
    return false;
}

/* Methods of JSON-RPC. */
static void judge_rpc(struct ptd_http_request *q, const char *method)
{
    if (strcmp(method, "POST") != 0)
        refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED,
               "JSONRPC server handles only POST requests");
    else
        check_password(q);
}

static void judge_page(struct ptd_http_request *q, const char *method)
{
    static const char *const reading[] = { "GET", "HEAD", NULL };

    if (!is_one_of(method, reading))
        refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, NULL);
    else if (q->job.page->flags & PTD_RPC_PAGE_PASSWORD)
        check_password(q);
}

static size_t header_bytes(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL ? info->header_size : 0;
}

static void judge(struct ptd_http_request *q, const char *method)
{
    static const char *const known[] = { "GET", "POST", "HEAD", "PUT", NULL };
    struct ptd_rpc *r = q->http->rpc;
    char room[128];

    if (header_bytes(q->connection) > PTD_RPC_MAX_HEADER) {
        refuse(q, MHD_HTTP_BAD_REQUEST, NULL);
        return;
    }
    if (!ptd_rpc_allow_has(&r->allow, &q->conn->peer)) {
        ptd_log_debug("HTTP request from %s rejected: Client network is not "
                      "allowed RPC access",
                      q->job.peer);
        refuse(q, MHD_HTTP_FORBIDDEN, NULL);
        return;
    }
    if (!is_one_of(method, known)) {
        refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, NULL);
        return;
    }
    ptd_log_debug("Received a %s request for %s from %s", method,
                  ptd_escape(room, sizeof room, q->job.uri, strlen(q->job.uri)),
                  q->job.peer);
    q->job.page = page_of(r, q->job.uri);
    if (q->job.page != NULL)
        judge_page(q, method);
    else if (strcmp(q->job.uri, "/") == 0)
        judge_rpc(q, method);
    else
        refuse(q, MHD_HTTP_NOT_FOUND, NULL);
}

static struct ptd_http_conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* The headers are there. */
static enum MHD_Result begin(struct ptd_http_request *q, const char *method)
{
    if ((q->conn = conn_of(q->connection)) == NULL)
        return MHD_NO;
    ptd_netaddr_format(&q->conn->peer, q->job.peer, sizeof q->job.peer);
    q->phase = PTD_HTTP_TAKING;
    judge(q, method);
    if (q->phase == PTD_HTTP_TAKING && q->job.user != NULL)
        ptd_http_set_known(q->conn);
    if (!is_too_long(q->connection))
        return MHD_YES;
    if (q->phase == PTD_HTTP_TAKING)
        refuse(q, TOO_LARGE, NULL);
    return reply(q);
}

/* ---- the body -------------------------------------------------------------- */

static enum MHD_Result take_body(struct ptd_http_request *q, const char *data,
                                 size_t n)
{
    if (q->phase != PTD_HTTP_TAKING || q->job.page != NULL)
        return MHD_YES;
    /* Of chunks nobody said how many there would be. */
    if (n > PTD_RPC_MAX_BODY - q->job.body.n)
        return MHD_NO;
    ptd_text_add(&q->job.body, data, n);
    return q->job.body.failed ? MHD_NO : MHD_YES;
}

/* ---- passing on ------------------------------------------------------------ */

static enum MHD_Result submit(struct ptd_http_request *q)
{
    struct ptd_rpc *r = q->http->rpc;
    struct ptd_rpc_job *job = &q->job;
    enum ptd_err e;

    if (atomic_load(&r->interrupted)) {
        refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE,
               "Request rejected during server shutdown");
        return reply(q);
    }
    q->phase = PTD_HTTP_BUSY;
    if ((e = ptd_chan_try_send(r->jobs, &job)) == PTD_OK) {
        /* Only this thread resumes it: it is not done too soon. */
        q->counted = true;
        q->http->n_busy++;
        ptd_http_set_known(q->conn); /* a page may take its time */
        MHD_suspend_connection(q->connection);
        return MHD_YES;
    }
    if (e == PTD_EFULL)
        ptd_log_warn_every(
            60, "Request rejected because http work queue depth exceeded, it "
                "can be increased with the -rpcworkqueue= setting");
    refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE,
           e == PTD_EFULL ? "Work queue depth exceeded"
                          : "Request rejected during server shutdown");
    return reply(q);
}

/* Against guessing; no worker is held up. */
static enum MHD_Result delay(struct ptd_http_request *q)
{
    q->phase = PTD_HTTP_DELAYED;
    q->due_us = ptd_clock_now_us(NULL) + WRONG_PASSWORD_DELAY_US;
    ptd_list_append(&q->http->delayed, &q->link);
    MHD_suspend_connection(q->connection);
    return MHD_YES;
}

void ptd_http_resume(struct ptd_http_request *q)
{
    q->phase = PTD_HTTP_REPLY;
    MHD_resume_connection(q->connection);
}

/* The request is complete, or was resumed. */
static enum MHD_Result end(struct ptd_http_request *q)
{
    switch (q->phase) {
    case PTD_HTTP_TAKING: return submit(q);
    case PTD_HTTP_REFUSED:
        if (q->wrong_password && !atomic_load(&q->http->rpc->finishing))
            return delay(q);
        return reply(q);
    case PTD_HTTP_REPLY: return reply(q);
    case PTD_HTTP_NEW:
    case PTD_HTTP_BUSY:
    case PTD_HTTP_DELAYED: break;
    }
    return MHD_NO;
}

enum MHD_Result
ptd_http_on_request(void *cls, struct MHD_Connection *connection,
                    const char *url, const char *method, const char *version,
                    const char *upload_data, size_t *upload_data_size,
                    void **req_cls)
{
    struct ptd_http_request *q = *req_cls;
    enum MHD_Result done;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (q == NULL)
        return MHD_NO; /* there was no memory for it */
    if (q->phase == PTD_HTTP_NEW)
        return begin(q, method);
    if (*upload_data_size == 0)
        return end(q);
    done = take_body(q, upload_data, *upload_data_size);
    *upload_data_size = 0;
    return done;
}

void ptd_http_on_completed(void *cls, struct MHD_Connection *connection,
                           void **req_cls, enum MHD_RequestTerminationCode why)
{
    struct ptd_http_request *q = *req_cls;
    struct ptd_http *h = cls;

    (void)connection;
    (void)why;
    if (q == NULL)
        return;
    *req_cls = NULL;
    ptd_list_remove(&q->link);
    if (q->counted)
        h->n_busy--;
    if (q->conn != NULL)
        ptd_http_set_unknown(h, q->conn);
    ptd_free(q->job.uri);
    ptd_free(q->job.user);
    ptd_free(q->job.reply.body);
    ptd_text_fini(&q->job.body);
    ptd_free(q);
}
