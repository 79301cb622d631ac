#include <config.h>

#include "addrmgr/datafile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

/* ---- reading --------------------------------------------------------- */

/* All of the file, which may have changed its size meanwhile; at most n
 * bytes. */
static enum ptd_err read_all(int fd, uint8_t *p, size_t *n)
{
    size_t have = 0;

    while (have < *n) {
        ssize_t got = read(fd, p + have, *n - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return PTD_EIO;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *n = have;
    return PTD_OK;
}

static enum ptd_err read_fd(int fd, uint8_t **out, size_t *n, size_t max)
{
    struct stat st;
    enum ptd_err e;

    if (fstat(fd, &st) != 0)
        return PTD_EIO;
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return PTD_EIO;
    }
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return PTD_ETOOBIG;
    *n = (size_t)st.st_size;
    if ((*out = ptd_alloc(*n)) == NULL)
        return PTD_ENOMEM;
    if ((e = read_all(fd, *out, n)) != PTD_OK)
        ptd_free(*out);
    return e;
}

enum ptd_err ptd_datafile_read(uint8_t **out, size_t *n, const char *path,
                               size_t max)
{
    /* A FIFO in the file's place must not make the open wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum ptd_err e;

    if (fd < 0)
        return errno == ENOENT ? PTD_ENOTFOUND : PTD_EIO;
    e = read_fd(fd, out, n, max);
    close(fd);
    return e;
}

/* ---- writing --------------------------------------------------------- */

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
static bool write_synced(const char *path, const uint8_t *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0)
        return false;
    ok = write_all(fd, p, n) && fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/* Make the names in a file's directory last. */
static bool sync_dir_of(char *path)
{
    char *slash = strrchr(path, '/');
    const char *dir = slash == NULL ? "." : slash == path ? "/" : path;
    bool ok;
    int fd;

    if (slash != NULL && slash != path)
        *slash = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* Some file systems cannot sync a directory, and say EINVAL. */
    ok = fsync(fd) == 0 || errno == EINVAL;
    return close(fd) == 0 && ok;
}

enum ptd_err ptd_datafile_replace(const char *path, const uint8_t *p, size_t n)
{
    size_t cap = strlen(path) + sizeof ".new";
    char *fresh = ptd_alloc(cap);
    enum ptd_err e = PTD_OK;

    if (fresh == NULL)
        return PTD_ENOMEM;
    snprintf(fresh, cap, "%s.new", path);
    if (!write_synced(fresh, p, n) || rename(fresh, path) != 0) {
        ptd_log_error("Cannot write %s: %s", path, strerror(errno));
        unlink(fresh);
        e = PTD_EIO;
    } else if (!sync_dir_of(fresh)) {
        ptd_log_error("Cannot sync the directory of %s: %s", path,
                      strerror(errno));
        e = PTD_EIO;
    }
    ptd_free(fresh);
    return e;
}
