#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* Close without touching what errno says of an earlier failure. */
static bool close_keeping(int fd, bool ok)
{
    int error = errno;
    bool closed = close(fd) == 0;

    if (!ok)
        errno = error;
    return ok && closed;
}

/* ---- reading ------------------------------------------------------------ */

/* At most *n bytes: the file may have changed its size meanwhile. */
static bool read_all(int fd, uint8_t *p, size_t *n)
{
    size_t have = 0;

    while (have < *n) {
        ssize_t got = read(fd, p + have, *n - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *n = have;
    return true;
}

static enum ptd_err read_fd(int fd, uint8_t **out, size_t *n, size_t max)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return PTD_EIO;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return PTD_EIO;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max || max == SIZE_MAX)
        return PTD_ETOOBIG;
    *n = (size_t)st.st_size;
    if ((*out = ptd_alloc(*n + 1)) == NULL)
        return PTD_ENOMEM;
    if (!read_all(fd, *out, n)) {
        ptd_free(*out);
        return PTD_EIO;
    }
    (*out)[*n] = '\0';
    return PTD_OK;
}

enum ptd_err ptd_file_read(uint8_t **out, size_t *n, const char *path,
                           size_t max)
{
    /* A FIFO in the file's place must not make the open wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum ptd_err e;

    if (fd < 0)
        return errno == ENOENT ? PTD_ENOTFOUND : PTD_EIO;
    e = read_fd(fd, out, n, max);
    close_keeping(fd, e == PTD_OK);
    return e;
}

/* ---- writing ------------------------------------------------------------ */

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* A new file with these bytes, on the disk when this returns. */
static bool write_synced(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    return close_keeping(fd, write_all(fd, p, n) && fsync(fd) == 0);
}

/* Make the names in a file's directory last. Cuts path. */
static bool sync_dir_of(char *path)
{
    char *slash = strrchr(path, '/');
    const char *dir = slash == NULL ? "." : slash == path ? "/" : path;
    int fd;

    if (slash != NULL && slash != path)
        *slash = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* Some file systems cannot sync a directory, and say EINVAL. */
    return close_keeping(fd, fsync(fd) == 0 || errno == EINVAL);
}

static char *with_suffix(const char *path, const char *suffix)
{
    size_t cap = strlen(path) + strlen(suffix) + 1;
    char *name = ptd_alloc(cap);

    if (name != NULL)
        snprintf(name, cap, "%s%s", path, suffix);
    return name;
}

enum ptd_err ptd_file_replace(const char *path, const void *p, size_t n)
{
    char *fresh = with_suffix(path, ".new");
    enum ptd_err e = PTD_OK;
    int error;

    if (fresh == NULL)
        return PTD_ENOMEM;
    if (!write_synced(fresh, p, n) || rename(fresh, path) != 0) {
        error = errno;
        unlink(fresh);
        errno = error;
        e = PTD_EIO;
    } else if (!sync_dir_of(fresh)) {
        e = PTD_EIO;
    }
    ptd_free(fresh);
    return e;
}

enum ptd_err ptd_file_set_aside(const char *path)
{
    char *aside = with_suffix(path, ".bak");
    enum ptd_err e = PTD_OK;

    if (aside == NULL)
        return PTD_ENOMEM;
    if (rename(path, aside) != 0 || !sync_dir_of(aside))
        e = PTD_EIO;
    ptd_free(aside);
    return e;
}
