/* auth.h - who may call, and what; this room only.
 *
 * Passwords are kept as salted HMACs alone, and compared in constant time.
 *
 * Threads  one until the server starts; constant from then on, any reads
 * Source   Bitcoin Core's httprpc.cpp; RFC 7617
 */
#ifndef PTD_RPC_AUTH_H
#define PTD_RPC_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "rpc/rpc.h"

struct ptd_rpc_credential {
    char *user;
    char *salt; /* the key of the HMAC, as it is written */
    char *hash; /* 64 lower-case digits */
};

struct ptd_rpc_whitelist {
    char *user;
    char **methods;
    size_t n;
};

struct ptd_rpc_auth {
    struct ptd_rpc_credential *v;
    size_t n;
    size_t cap;
    struct ptd_rpc_whitelist *lists;
    size_t n_lists;
    size_t cap_lists;
    bool refuse_unlisted; /* who has no whitelist may call nothing */
};

/* Take -rpcauth and the whitelists.
 *
 * Returns  PTD_OK; PTD_EINVAL: the log says why; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_auth_init(struct ptd_rpc_auth *a, const struct ptd_rpc_config *cfg)
    PTD_NONNULL(1, 2);
void ptd_rpc_auth_fini(struct ptd_rpc_auth *a) PTD_NONNULL(1);

/* Allow a user with a password. PTD_OK; PTD_ENOMEM; PTD_ECRYPTO */
PTD_MUST_USE enum ptd_err
ptd_rpc_auth_add(struct ptd_rpc_auth *a, const char *user, const char *password)
    PTD_NONNULL(1, 2, 3);

/* Look at the value of an Authorization header.
 *
 * user     the name, of malloc
 * Returns  PTD_OK; PTD_EREJECTED; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_rpc_auth_check(const struct ptd_rpc_auth *a,
                                             const char *header, char **user)
    PTD_NONNULL(1, 2, 3);

/* May a user call anything at all? */
bool ptd_rpc_auth_is_listed(const struct ptd_rpc_auth *a, const char *user)
    PTD_NONNULL(1, 2);

/* Has the user a whitelist that lacks the method? */
bool ptd_rpc_auth_forbids(const struct ptd_rpc_auth *a, const char *user,
                          const char *method) PTD_NONNULL(1, 2, 3);
bool ptd_rpc_auth_has_whitelist(const struct ptd_rpc_auth *a, const char *user)
    PTD_NONNULL(1, 2);

/* ---- the cookie ------------------------------------------------------------ */

#define PTD_RPC_COOKIE_USER "__cookie__"

/* Make a password, write "__cookie__:PASSWORD" to a new file that takes the
 * path at once, allow it.
 *
 * perms    NULL, "owner", "group", "all"
 * Returns  PTD_OK; PTD_EINVAL, PTD_EIO: the log says why; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_cookie_write(struct ptd_rpc_auth *a, const char *path,
                     const char *perms) PTD_NONNULL(1, 2);
void ptd_rpc_cookie_remove(const char *path) PTD_NONNULL(1);

#endif /* PTD_RPC_AUTH_H */
