#include <config.h>

#include "chain/blockkey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "chain/io.h"
#include "pentad/log.h"

PTD_LOG_TAG(CHAN);

/* ---- the file ------------------------------------------------------- */

static enum ptd_err read_key(struct ptd_blockkey *out, int dir_fd)
{
    int fd = openat(dir_fd, "xor.dat", O_RDONLY | O_CLOEXEC);
    uint8_t one_more;
    enum ptd_err e;

    *out = (struct ptd_blockkey){ 0 };
    if (fd < 0)
        return errno == ENOENT ? PTD_ENOTFOUND : PTD_EIO;
    e = ptd_read_at(fd, out->b, sizeof out->b, 0);
    if (e == PTD_OK && ptd_read_at(fd, &one_more, 1, sizeof out->b) == PTD_OK)
        e = PTD_ESHORT;
    close(fd);
    for (size_t i = 0; i < sizeof out->b; i++)
        out->is |= out->b[i] != 0;
    return e == PTD_ESHORT ? PTD_EBADVALUE : e;
}

/* It is there whole or not at all, before the first block is written by it. */
static enum ptd_err write_key(const struct ptd_blockkey *key, int dir_fd)
{
    int fd = openat(dir_fd, "xor.dat.new",
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum ptd_err e;

    if (fd < 0)
        return ptd_io_error();
    e = ptd_write_at(fd, key->b, sizeof key->b, 0);
    if (e == PTD_OK && fsync(fd) != 0)
        e = ptd_io_error();
    close(fd);
    if (e == PTD_OK && renameat(dir_fd, "xor.dat.new", dir_fd, "xor.dat") != 0)
        e = ptd_io_error();
    if (e == PTD_OK && fsync(dir_fd) != 0 && errno != EINVAL)
        e = ptd_io_error();
    return e;
}

/* Blocks that lie there without a key are plain. */
static enum ptd_err has_blocks(bool *out, const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *d;

    *out = false;
    if (dir == NULL)
        return ptd_io_error();
    while (!*out && (d = readdir(dir)) != NULL)
        *out = strncmp(d->d_name, "blk", 3) == 0;
    closedir(dir);
    return PTD_OK;
}

static enum ptd_err make_key(struct ptd_blockkey *out, const char *dir,
                             int dir_fd, bool mask)
{
    bool is_old;
    enum ptd_err e = has_blocks(&is_old, dir);

    if (e != PTD_OK)
        return e;
    if (mask && !is_old) {
        ptd_random_bytes(out->b, sizeof out->b);
        out->is = true; /* eight zeros would do no harm */
    }
    return write_key(out, dir_fd);
}

/* ---- both ----------------------------------------------------------- */

enum ptd_err ptd_blockkey_read(struct ptd_blockkey *out, const char *dir)
{
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ptd_err e;

    if (dir_fd < 0)
        return PTD_EIO;
    e = read_key(out, dir_fd);
    close(dir_fd);
    return e == PTD_ENOTFOUND ? PTD_OK : e;
}

static void hex_of(const struct ptd_blockkey *key,
                   char hex[2 * PTD_BLOCKKEY_BYTES + 1])
{
    for (size_t i = 0; i < PTD_BLOCKKEY_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", key->b[i]);
}

enum ptd_err ptd_blockkey_open(struct ptd_blockkey *out, const char *dir,
                               bool mask, char *why, size_t why_cap)
{
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char hex[2 * PTD_BLOCKKEY_BYTES + 1];
    enum ptd_err e = dir_fd < 0 ? PTD_EIO : read_key(out, dir_fd);

    if (e == PTD_ENOTFOUND)
        e = make_key(out, dir, dir_fd, mask);
    if (dir_fd >= 0)
        close(dir_fd);
    if (e != PTD_OK) {
        snprintf(why, why_cap, "%s/xor.dat: %s", dir,
                 e == PTD_EIO         ? strerror(errno)
                 : e == PTD_EBADVALUE ? "this is no key of 8 bytes"
                                      : ptd_err_text(e));
        return e;
    }
    hex_of(out, hex);
    if (out->is && !mask) {
        snprintf(why, why_cap,
                 "The blocksdir XOR-key can not be disabled when a random key "
                 "was already stored! Stored key: '%s', stored path: "
                 "'%s/xor.dat'.",
                 hex, dir);
        return PTD_EINVAL;
    }
    ptd_log_info("Using obfuscation key for blocksdir *.dat files (%s): '%s'",
                 dir, hex);
    return PTD_OK;
}

void ptd_blockkey_apply(const struct ptd_blockkey *key, void *data, size_t n,
                        uint64_t at)
{
    uint8_t turned[PTD_BLOCKKEY_BYTES], *p = data;
    uint64_t word, some;
    size_t i = 0;

    if (!key->is)
        return;
    for (; i < sizeof turned; i++)
        turned[i] = key->b[(at + i) % sizeof turned];
    memcpy(&word, turned, sizeof word);
    for (i = 0; n - i >= sizeof some; i += sizeof some) {
        memcpy(&some, p + i, sizeof some);
        some ^= word;
        memcpy(p + i, &some, sizeof some);
    }
    for (; i < n; i++)
        p[i] ^= turned[i % sizeof turned];
}
