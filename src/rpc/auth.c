#include <config.h>

#include "rpc/auth.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/rng.h"
#include "crypto/hmac.h"
#include "pentad/log.h"
#include "rpc/base64.h"

PTD_LOG_TAG(RPCS);

enum { HASH_DIGITS = 64, SALT_BYTES = 16 };

/* ---- credentials ----------------------------------------------------------- */

static void credential_fini(struct ptd_rpc_credential *c)
{
    ptd_free(c->user);
    ptd_free(c->salt);
    ptd_free(c->hash);
}

static char *copy(const char *s, size_t n)
{
    char *v = ptd_alloc(n + 1);

    if (v == NULL)
        return NULL;
    memcpy(v, s, n);
    v[n] = '\0';
    return v;
}

/* Takes what is in c, on failure too. */
static enum ptd_err append(struct ptd_rpc_auth *a, struct ptd_rpc_credential *c)
{
    struct ptd_rpc_credential *v =
        ptd_array_grow(a->v, &a->cap, a->n + 1, sizeof *v);

    if (v != NULL)
        a->v = v;
    if (v == NULL || c->user == NULL || c->salt == NULL || c->hash == NULL) {
        credential_fini(c);
        return PTD_ENOMEM;
    }
    v[a->n++] = *c;
    return PTD_OK;
}

static enum ptd_err hash_password(char hex[HASH_DIGITS + 1], const char *salt,
                                  const char *password, size_t n)
{
    uint8_t mac[HASH_DIGITS / 2];
    enum ptd_err e = ptd_hmac_sha256(mac, salt, strlen(salt), password, n);

    if (e == PTD_OK)
        ptd_hex_encode(hex, mac, sizeof mac);
    return e;
}

enum ptd_err ptd_rpc_auth_add(struct ptd_rpc_auth *a, const char *user,
                              const char *password)
{
    char salt[2 * SALT_BYTES + 1], hash[HASH_DIGITS + 1];
    uint8_t raw[SALT_BYTES];
    struct ptd_rpc_credential c;
    enum ptd_err e;

    ptd_random_bytes(raw, sizeof raw);
    ptd_hex_encode(salt, raw, sizeof raw);
    if ((e = hash_password(hash, salt, password, strlen(password))) != PTD_OK)
        return e;
    c.user = ptd_strdup(user);
    c.salt = ptd_strdup(salt);
    c.hash = ptd_strdup(hash);
    return append(a, &c);
}

/* "USER:SALT$HASH", with one colon and one dollar sign behind it. */
static enum ptd_err add_hashed(struct ptd_rpc_auth *a, const char *text)
{
    const char *colon = strchr(text, ':'), *dollar;
    struct ptd_rpc_credential c;

    if (colon == NULL || strchr(colon + 1, ':') != NULL ||
        (dollar = strchr(colon + 1, '$')) == NULL ||
        strchr(dollar + 1, '$') != NULL) {
        ptd_log_warn("Invalid -rpcauth argument.");
        return PTD_EINVAL;
    }
    c.user = copy(text, (size_t)(colon - text));
    c.salt = copy(colon + 1, (size_t)(dollar - colon - 1));
    c.hash = ptd_strdup(dollar + 1);
    return append(a, &c);
}

/* ---- whitelists ------------------------------------------------------------ */

static void whitelist_clear(struct ptd_rpc_whitelist *w)
{
    for (size_t i = 0; i < w->n; i++)
        ptd_free(w->methods[i]);
    ptd_free(w->methods);
    w->methods = NULL;
    w->n = 0;
}

static bool has_method(const struct ptd_rpc_whitelist *w, const char *method)
{
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->methods[i], method) == 0)
            return true;
    return false;
}

static struct ptd_rpc_whitelist *whitelist_of(const struct ptd_rpc_auth *a,
                                              const char *user)
{
    for (size_t i = 0; i < a->n_lists; i++)
        if (strcmp(a->lists[i].user, user) == 0)
            return &a->lists[i];
    return NULL;
}

/* Methods that are separated by commas or spaces. */
static enum ptd_err split_methods(struct ptd_rpc_whitelist *w, const char *text)
{
    size_t cap = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, ", ");
        char **v, *method;

        if (n > 0) {
            v = ptd_array_grow(w->methods, &cap, w->n + 1, sizeof *v);
            if (v == NULL)
                return PTD_ENOMEM;
            w->methods = v;
            if ((method = copy(text, n)) == NULL)
                return PTD_ENOMEM;
            v[w->n++] = method;
        }
        text += n + (text[n] != '\0');
    }
    return PTD_OK;
}

/* Keep what both allow. */
static void intersect(struct ptd_rpc_whitelist *w,
                      const struct ptd_rpc_whitelist *other)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n; i++) {
        if (has_method(other, w->methods[i]))
            w->methods[kept++] = w->methods[i];
        else
            ptd_free(w->methods[i]);
    }
    w->n = kept;
}

static enum ptd_err append_whitelist(struct ptd_rpc_auth *a,
                                     const struct ptd_rpc_whitelist *w)
{
    struct ptd_rpc_whitelist *v =
        ptd_array_grow(a->lists, &a->cap_lists, a->n_lists + 1, sizeof *v);

    if (v == NULL)
        return PTD_ENOMEM;
    a->lists = v;
    v[a->n_lists++] = *w;
    return PTD_OK;
}

/* "USER:METHOD,METHOD"; of two for one user what both allow; "USER" alone
 * allows nothing, but takes nothing from an earlier one. */
static enum ptd_err add_whitelist(struct ptd_rpc_auth *a, const char *text)
{
    const char *colon = strchr(text, ':');
    struct ptd_rpc_whitelist w = { 0 }, *old;
    enum ptd_err e = PTD_OK;

    w.user = copy(text, colon != NULL ? (size_t)(colon - text) : strlen(text));
    if (w.user == NULL)
        return PTD_ENOMEM;
    if (colon != NULL)
        e = split_methods(&w, colon + 1);
    old = whitelist_of(a, w.user);
    if (e == PTD_OK && old == NULL) {
        if ((e = append_whitelist(a, &w)) == PTD_OK)
            return PTD_OK;
    } else if (e == PTD_OK && colon != NULL) {
        intersect(old, &w);
    }
    whitelist_clear(&w);
    ptd_free(w.user);
    return e;
}

bool ptd_rpc_auth_has_whitelist(const struct ptd_rpc_auth *a, const char *user)
{
    return whitelist_of(a, user) != NULL;
}

bool ptd_rpc_auth_is_listed(const struct ptd_rpc_auth *a, const char *user)
{
    return !a->refuse_unlisted || whitelist_of(a, user) != NULL;
}

bool ptd_rpc_auth_forbids(const struct ptd_rpc_auth *a, const char *user,
                          const char *method)
{
    const struct ptd_rpc_whitelist *w = whitelist_of(a, user);

    return w != NULL && !has_method(w, method);
}

/* ---- all of it ------------------------------------------------------------- */

enum ptd_err ptd_rpc_auth_init(struct ptd_rpc_auth *a,
                               const struct ptd_rpc_config *cfg)
{
    enum ptd_err e = PTD_OK;

    *a = (struct ptd_rpc_auth){ 0 };
    for (size_t i = 0; i < cfg->auth.n && e == PTD_OK; i++)
        e = add_hashed(a, cfg->auth.v[i]);
    for (size_t i = 0; i < cfg->whitelist.n && e == PTD_OK; i++)
        e = add_whitelist(a, cfg->whitelist.v[i]);
    a->refuse_unlisted = cfg->whitelist_default == PTD_RPC_UNSET
                             ? cfg->whitelist.n > 0
                             : cfg->whitelist_default == PTD_RPC_ON;
    if (e != PTD_OK)
        ptd_rpc_auth_fini(a);
    return e;
}

void ptd_rpc_auth_fini(struct ptd_rpc_auth *a)
{
    for (size_t i = 0; i < a->n; i++)
        credential_fini(&a->v[i]);
    ptd_free(a->v);
    for (size_t i = 0; i < a->n_lists; i++) {
        whitelist_clear(&a->lists[i]);
        ptd_free(a->lists[i].user);
    }
    ptd_free(a->lists);
    *a = (struct ptd_rpc_auth){ 0 };
}

/* ---- checking -------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    size_t n = strlen(a);

    return n == strlen(b) && ptd_secret_is_equal(a, b, n);
}

/* Every entry is looked at: two may have one name. */
static enum ptd_err check_password(const struct ptd_rpc_auth *a,
                                   const char *user, const char *password,
                                   size_t n)
{
    enum ptd_err result = PTD_EREJECTED;
    char hash[HASH_DIGITS + 1];

    for (size_t i = 0; i < a->n; i++) {
        const struct ptd_rpc_credential *c = &a->v[i];
        enum ptd_err e;

        if (!is_same(c->user, user))
            continue;
        if ((e = hash_password(hash, c->salt, password, n)) != PTD_OK)
            return e;
        if (is_same(c->hash, hash))
            result = PTD_OK;
    }
    return result;
}

enum ptd_err ptd_rpc_auth_check(const struct ptd_rpc_auth *a,
                                const char *header, char **user)
{
    static const char scheme[] = "Basic ";
    char *both, *colon;
    enum ptd_err e;
    size_t n;

    if (strncmp(header, scheme, sizeof scheme - 1) != 0)
        return PTD_EREJECTED;
    if ((e = ptd_base64_decode(&both, &n, header + sizeof scheme - 1)) !=
        PTD_OK)
        return e == PTD_ENOMEM ? e : PTD_EREJECTED;
    /* RFC 7617: the user's name has no colon, the password may have any. */
    if ((colon = memchr(both, ':', n)) == NULL ||
        memchr(both, '\0', (size_t)(colon - both)) != NULL) {
        ptd_free(both);
        return PTD_EREJECTED;
    }
    *colon = '\0';
    e = check_password(a, both, colon + 1, n - (size_t)(colon + 1 - both));
    if (e == PTD_OK)
        *user = both;
    else
        ptd_free(both);
    return e;
}
