#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/rng.h"
#include "pentad/log.h"
#include "rpc/auth.h"

PTD_LOG_TAG(RPCS);

enum { SECRET_BYTES = 32 };

/* 0: there is no such word. */
static mode_t mode_of(const char *perms)
{
    if (perms == NULL || strcmp(perms, "owner") == 0)
        return 0600;
    if (strcmp(perms, "group") == 0)
        return 0640;
    return strcmp(perms, "all") == 0 ? 0644 : 0;
}

/* Write a new file of which nobody sees a part. */
static bool write_file(const char *path, const char *text, mode_t mode)
{
    size_t n = strlen(text);
    int fd, flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
    bool good;

    if ((fd = open(path, flags, 0600)) < 0)
        return false;
    /* First: one that was left here may be open to others. */
    good = fchmod(fd, mode) == 0 && write(fd, text, n) == (ssize_t)n;
    if (close(fd) != 0 || !good) {
        unlink(path);
        return false;
    }
    return true;
}

static enum ptd_err replace_file(const char *path, const char *text,
                                 mode_t mode)
{
    size_t n = strlen(path) + sizeof ".tmp";
    char *tmp = ptd_alloc(n);
    enum ptd_err e = PTD_EIO;

    if (tmp == NULL)
        return PTD_ENOMEM;
    snprintf(tmp, n, "%s.tmp", path);
    if (!write_file(tmp, text, mode)) {
        ptd_log_warn("Unable to open cookie authentication file %s for "
                     "writing: %s",
                     tmp, strerror(errno));
    } else if (rename(tmp, path) != 0) {
        ptd_log_warn("Unable to rename cookie authentication file %s to %s: %s",
                     tmp, path, strerror(errno));
        unlink(tmp);
    } else {
        e = PTD_OK;
    }
    ptd_free(tmp);
    return e;
}

enum ptd_err ptd_rpc_cookie_write(struct ptd_rpc_auth *a, const char *path,
                                  const char *perms)
{
    char secret[2 * SECRET_BYTES + 1];
    char text[sizeof secret + sizeof PTD_RPC_COOKIE_USER];
    uint8_t raw[SECRET_BYTES];
    mode_t mode = mode_of(perms);
    enum ptd_err e;

    if (mode == 0) {
        ptd_log_error("Invalid -rpccookieperms=%s; must be one of 'owner', "
                      "'group', or 'all'.",
                      perms);
        return PTD_EINVAL;
    }
    ptd_random_bytes(raw, sizeof raw);
    ptd_hex_encode(secret, raw, sizeof raw);
    snprintf(text, sizeof text, PTD_RPC_COOKIE_USER ":%s", secret);
    if ((e = ptd_rpc_auth_add(a, PTD_RPC_COOKIE_USER, secret)) != PTD_OK ||
        (e = replace_file(path, text, mode)) != PTD_OK)
        return e;
    ptd_log_info("Generated RPC authentication cookie %s", path);
    return PTD_OK;
}

void ptd_rpc_cookie_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        ptd_log_warn("Unable to remove random auth cookie file %s: %s", path,
                     strerror(errno));
}
