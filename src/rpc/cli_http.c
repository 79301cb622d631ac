/* One request of the client, by libcurl. */
#include <config.h>

#include <curl/curl.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/base64.h"
#include "rpc/cli_int.h"

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct ptd_text *reply = arg;

    ptd_text_add(reply, data, size * n);
    return reply->failed ? 0 : size * n;
}

/* As bitcoin-cli calls what can happen to a connection. */
static const char *reason_of(CURLcode e)
{
    switch ((int)e) {
    case CURLE_OPERATION_TIMEDOUT:
        return " (error code 0 - \"timeout reached\")";
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return " (error code 1 - \"EOF reached\")";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return " (error code 2 - \"error while reading header, or invalid "
               "header\")";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return " (error code 3 - \"error encountered while reading or "
               "writing\")";
    default: return "";
    }
}

static bool fail(struct ptd_cli *c, const char *host, uint16_t port, CURLcode e)
{
    if (e == CURLE_OUT_OF_MEMORY || e == CURLE_WRITE_ERROR)
        return ptd_cli_fail_memory(c);
    (void)ptd_cli_fail(
        c,
        "Could not connect to the server %s:%u%s\n\n"
        "Make sure the pentad server is running and that you are connecting to "
        "the correct RPC port.\n"
        "Use \"pentad-cli -help\" for more info.",
        host, (unsigned)port, reason_of(e));
    c->is_transient = true;
    return false;
}

/* Nothing but a name or an address goes into the URL. */
static bool is_host(const char *host)
{
    return host[0] != '\0' &&
           strspn(host, "0123456789abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:%") == strlen(host);
}

static bool make_url(struct ptd_text *t, const char *host, uint16_t port,
                     const char *path)
{
    bool is_ipv6 = strchr(host, ':') != NULL;

    if (!is_host(host))
        return false;
    ptd_text_printf(t, "http://%s%s%s:%u%s", is_ipv6 ? "[" : "", host,
                    is_ipv6 ? "]" : "", (unsigned)port, path);
    return true;
}

/* NULL for lack of memory. */
static struct curl_slist *make_headers(const char *credentials)
{
    static const char before[] = "Authorization: Basic ";
    static const char *const fixed[] = { "Connection: close",
                                         "Content-Type: application/json",
                                         "Accept:", "Expect:" };
    size_t n = strlen(credentials);
    char *line = ptd_alloc(sizeof before + (n + 2) / 3 * 4 + 1);
    struct curl_slist *list = NULL, *longer;

    if (line == NULL)
        return NULL;
    memcpy(line, before, sizeof before);
    ptd_base64_encode(line + sizeof before - 1, credentials, n);
    list = curl_slist_append(NULL, line);
    ptd_free(line);
    for (size_t i = 0; i < PTD_COUNT(fixed) && list != NULL; i++) {
        if ((longer = curl_slist_append(list, fixed[i])) == NULL) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static CURLcode perform(const struct ptd_cli *c, CURL *curl, const char *url,
                        struct curl_slist *headers, const struct ptd_text *body,
                        struct ptd_text *reply)
{
    long timeout = (long)PTD_MIN(c->cfg->timeout_s, 1000000000);
    CURLcode e;

    /* What was not compiled in (proxies) cannot be switched off either. */
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if ((e = curl_easy_setopt(curl, CURLOPT_URL, url)) != CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers)) != CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                              (curl_off_t)body->n)) != CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->v)) != CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data)) !=
            CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply)) != CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_TIMEOUT, PTD_MAX(timeout, 0))) !=
            CURLE_OK ||
        (e = curl_easy_setopt(curl, CURLOPT_USERAGENT, NULL)) != CURLE_OK)
        return e;
    return curl_easy_perform(curl);
}

bool ptd_cli_post(struct ptd_cli *c, const char *host, uint16_t port,
                  const char *path, const char *credentials,
                  const struct ptd_text *body, long *status,
                  struct ptd_text *reply)
{
    struct curl_slist *headers = make_headers(credentials);
    CURLcode e = CURLE_OUT_OF_MEMORY;
    CURL *curl = curl_easy_init();
    struct ptd_text url = { 0 };

    *reply = (struct ptd_text){ 0 };
    if (!make_url(&url, host, port, path))
        e = CURLE_URL_MALFORMAT;
    else if (curl != NULL && headers != NULL && !url.failed && !body->failed)
        e = perform(c, curl, url.v, headers, body, reply);
    if (e == CURLE_OK)
        e = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    ptd_text_fini(&url);
    if (e == CURLE_OK)
        return true;
    ptd_text_fini(reply);
    return fail(c, host, port, e);
}
