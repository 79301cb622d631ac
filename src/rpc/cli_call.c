/* A call: where to, with which password, again if need be. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "pentad/chan.h"
#include "pentad/netaddr.h"
#include "rpc/cli_int.h"

enum { HOST_MAX = 256, RETRY_US = 1000000, MAX_COOKIE = 4096 };

void ptd_cli_add_request(struct ptd_text *t, const char *method,
                         const char *params, int id)
{
    json_t *name = ptd_json_text(method, strlen(method));

    ptd_text_puts(t, "{\"method\":");
    if (name != NULL)
        ptd_json_write(t, name, 0);
    else
        t->failed = true;
    json_decref(name);
    ptd_text_printf(t, ",\"params\":%s,\"id\":%d,\"jsonrpc\":\"2.0\"}",
                    params != NULL ? params : "null", id);
}

/* ---- where to -------------------------------------------------------------- */

/* 0: no port. */
static uint16_t parse_port(const char *text)
{
    unsigned long v;
    size_t n = strlen(text);

    if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
        return 0;
    v = strtoul(text, NULL, 10);
    return v <= UINT16_MAX ? (uint16_t)v : 0;
}

/* Host and port of -rpcconnect; *port 0: none was given. */
static bool split(const char *text, char *host, size_t cap, uint16_t *port)
{
    uint16_t other;

    if (ptd_hostport_split(text, host, cap, port, 0) != PTD_OK ||
        ptd_hostport_split(text, host, cap, &other, 1) != PTD_OK)
        return false;
    return *port != 0 || other == 1; /* a port of 0 is none */
}

/* -rpcport, or the one in -rpcconnect, or the network's. */
static bool find_server(struct ptd_cli *c, char *host, size_t cap,
                        uint16_t *port)
{
    const struct ptd_cli_config *cfg = c->cfg;
    uint16_t named;

    if (!split(cfg->connect, host, cap, &named))
        return ptd_cli_fail(c, "Invalid port provided in -rpcconnect: %s",
                            cfg->connect);
    *port = named != 0 ? named : cfg->default_port;
    if (cfg->port == NULL)
        return true;
    if ((*port = parse_port(cfg->port)) == 0)
        return ptd_cli_fail(c, "Invalid port provided in -rpcport: %s",
                            cfg->port);
    if (named != 0)
        fprintf(stderr,
                "Warning: Port specified in both -rpcconnect and -rpcport. "
                "Using -rpcport %u\n",
                (unsigned)*port);
    return true;
}

/* ---- who ------------------------------------------------------------------- */

/* The first line of the cookie's file. */
static bool read_cookie(const char *path, struct ptd_text *out)
{
    char line[MAX_COOKIE];
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return false;
    if (fgets(line, sizeof line, f) == NULL)
        line[0] = '\0';
    ptd_text_add(out, line, strcspn(line, "\n"));
    fclose(f);
    return true;
}

/* False: there is a cookie's file to be read, but it cannot be. */
static bool find_credentials(const struct ptd_cli *c, struct ptd_text *out)
{
    const struct ptd_cli_config *cfg = c->cfg;

    ptd_text_puts(out, "");
    if (c->password[0] != '\0') {
        ptd_text_printf(out, "%s:%s", cfg->user, c->password);
        return true;
    }
    return cfg->cookie_path == NULL || read_cookie(cfg->cookie_path, out);
}

/* ---- one try --------------------------------------------------------------- */

static void put_path(struct ptd_text *t, const char *wallet)
{
    ptd_text_puts(t, "/");
    if (wallet == NULL)
        return;
    ptd_text_puts(t, "wallet/");
    for (const unsigned char *p = (const unsigned char *)wallet; *p != '\0';
         p++) {
        /* RFC 3986 section 2.3 */
        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
            (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p) != NULL)
            ptd_text_add(t, (const char *)p, 1);
        else
            ptd_text_printf(t, "%%%02X", *p);
    }
}

static bool check_status(struct ptd_cli *c, long status,
                         const struct ptd_text *body, bool has_credentials)
{
    const char *text = body->v != NULL ? body->v : "";

    /* With -rpcwait: the node may be about to write the cookie. */
    c->is_transient = status == 401 && !has_credentials && c->cfg->wait;
    if (status == 401 && !has_credentials)
        return ptd_cli_fail(
            c,
            "Could not locate RPC credentials. No authentication cookie could "
            "be found, and RPC password is not set.  See -rpcpassword and "
            "-stdinrpcpass.  Configuration file: (%s)",
            c->cfg->conf_path);
    if (status == 401)
        return ptd_cli_fail(c, "Authorization failed: Incorrect rpcuser or "
                               "rpcpassword");
    if (status == 503)
        return ptd_cli_fail(c, "Server response: %s", text);
    if (status >= 400 && status != 400 && status != 404 && status != 500)
        return ptd_cli_fail(c, "server returned HTTP error %ld", status);
    if (body->n == 0)
        return ptd_cli_fail(c, "no response from server");
    return true;
}

static bool parse_reply(struct ptd_cli *c, const struct ptd_text *body,
                        struct ptd_json_doc *reply)
{
    enum ptd_err e = ptd_json_read(reply, body->v, body->n,
                                   PTD_JSON_KEEP_NUMBERS | PTD_JSON_ANY_SIZE);

    if (e == PTD_ENOMEM)
        return ptd_cli_fail_memory(c);
    if (e != PTD_OK)
        return ptd_cli_fail(c, "couldn't parse reply from server");
    if (json_object_size(reply->root) + json_array_size(reply->root) > 0)
        return true;
    ptd_json_doc_fini(reply);
    return ptd_cli_fail(c, "expected reply to have result, error and id "
                           "properties");
}

static bool call_once(struct ptd_cli *c, const struct ptd_text *body,
                      const char *wallet, struct ptd_json_doc *reply)
{
    struct ptd_text path = { 0 }, credentials = { 0 }, text = { 0 };
    bool has_credentials, good = false;
    char host[HOST_MAX];
    uint16_t port;
    long status = 0;

    c->is_transient = false;
    if (!find_server(c, host, sizeof host, &port))
        return false;
    has_credentials = find_credentials(c, &credentials);
    put_path(&path, wallet);
    if (credentials.failed || path.failed || body->failed)
        (void)ptd_cli_fail_memory(c);
    else
        good = ptd_cli_post(c, host, port, path.v, credentials.v, body, &status,
                            &text) &&
               check_status(c, status, &text, has_credentials) &&
               parse_reply(c, &text, reply);
    ptd_text_fini(&path);
    ptd_text_fini(&credentials);
    ptd_text_fini(&text);
    return good;
}

/* ---- again ----------------------------------------------------------------- */

static bool is_in_warmup(const json_t *reply)
{
    const json_t *one = json_is_array(reply) ? json_array_get(reply, 0) : reply;
    const json_t *error = ptd_cli_error_of(one);

    return error != NULL && ptd_cli_get_int(error, "code") == PTD_RPC_IN_WARMUP;
}

static bool try_once(struct ptd_cli *c, const struct ptd_text *body,
                     const char *wallet, struct ptd_json_doc *reply)
{
    if (!call_once(c, body, wallet, reply))
        return false;
    if (!c->cfg->wait || !is_in_warmup(reply->root))
        return true;
    ptd_json_doc_fini(reply);
    c->is_transient = true;
    return ptd_cli_fail(c, "server in warmup");
}

bool ptd_cli_call(struct ptd_cli *c, const struct ptd_text *body,
                  const char *wallet, struct ptd_json_doc *reply)
{
    int64_t limit_s = PTD_MIN(c->cfg->wait_timeout_s, INT32_MAX);
    int64_t deadline = ptd_clock_now_us(NULL) + limit_s * 1000000;
    struct ptd_text first = { 0 };

    *reply = (struct ptd_json_doc){ 0 };
    while (!try_once(c, body, wallet, reply)) {
        int64_t now = ptd_clock_now_us(NULL);

        if (!c->is_transient)
            return false;
        if (!c->cfg->wait || (limit_s > 0 && now >= deadline)) {
            ptd_text_printf(&first, "timeout on transient error: %s",
                            c->error.v != NULL ? c->error.v : "");
            ptd_text_fini(&c->error);
            c->error = first;
            return false;
        }
        (void)ptd_select(NULL, 0, NULL, now + RETRY_US);
    }
    return true;
}
