#include <config.h>

#include "chain/index_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "chain/io.h"
#include "crypto/sha256.h"

enum { PIECE_BYTES = 256 << 10, SEAL_BYTES = 32 };

static enum ptd_err hash_open(uint8_t out[SEAL_BYTES], int fd, uint8_t *piece)
{
    struct ptd_sha256d sum;
    enum ptd_err e = ptd_sha256d_init(&sum);
    ssize_t n = 0;

    if (e != PTD_OK)
        return e;
    for (uint64_t at = 0; e == PTD_OK; at += (uint64_t)n) {
        n = pread(fd, piece, PIECE_BYTES, (off_t)at);
        if (n == 0)
            break;
        if (n > 0)
            ptd_sha256d_update(&sum, piece, (size_t)n);
        else if (errno == EINTR)
            n = 0;
        else
            e = PTD_EIO;
    }
    ptd_sha256d_final(&sum, out);
    ptd_sha256d_fini(&sum);
    return e;
}

static enum ptd_err hash_file(uint8_t out[SEAL_BYTES], int dir_fd)
{
    uint8_t *piece = ptd_alloc(PIECE_BYTES);
    int fd = openat(dir_fd, "data.mdb", O_RDONLY | O_CLOEXEC);
    enum ptd_err e = PTD_ENOMEM;

    if (fd < 0)
        e = errno == ENOENT ? PTD_EBADVALUE : PTD_EIO;
    else if (piece != NULL)
        e = hash_open(out, fd, piece);
    if (fd >= 0)
        close(fd);
    ptd_free(piece);
    return e;
}

static enum ptd_err write_seal(int dir_fd, const uint8_t seal[SEAL_BYTES])
{
    int fd = openat(dir_fd, "seal.new",
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum ptd_err e;

    if (fd < 0)
        return ptd_io_error();
    e = ptd_write_at(fd, seal, SEAL_BYTES, 0);
    if (e == PTD_OK && fsync(fd) != 0)
        e = ptd_io_error();
    close(fd);
    if (e == PTD_OK && renameat(dir_fd, "seal.new", dir_fd, "seal") != 0)
        e = ptd_io_error();
    return e;
}

enum ptd_err ptd_index_seal(const char *dir)
{
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint8_t seal[SEAL_BYTES];
    enum ptd_err e;

    if (dir_fd < 0)
        return ptd_io_error();
    e = hash_file(seal, dir_fd);
    if (e == PTD_OK)
        e = write_seal(dir_fd, seal);
    close(dir_fd);
    return e;
}

/* PTD_ENOTFOUND: there is none. */
static enum ptd_err read_seal(int dir_fd, uint8_t seal[SEAL_BYTES])
{
    int fd = openat(dir_fd, "seal", O_RDONLY | O_CLOEXEC);
    enum ptd_err e;

    if (fd < 0)
        return errno == ENOENT ? PTD_ENOTFOUND : PTD_EIO;
    e = ptd_read_at(fd, seal, SEAL_BYTES, 0);
    close(fd);
    return e == PTD_ESHORT ? PTD_EBADVALUE : e;
}

static enum ptd_err unseal(int dir_fd)
{
    uint8_t seal[SEAL_BYTES], hash[SEAL_BYTES];
    enum ptd_err e = read_seal(dir_fd, seal);

    if (e != PTD_OK)
        return e == PTD_ENOTFOUND ? PTD_OK : e;
    if ((e = hash_file(hash, dir_fd)) != PTD_OK)
        return e;
    if (memcmp(seal, hash, sizeof seal) != 0)
        return PTD_EBADVALUE;
    /* It must not come back once the file has changed. */
    if (unlinkat(dir_fd, "seal", 0) != 0)
        return PTD_EIO;
    return fsync(dir_fd) == 0 || errno == EINVAL ? PTD_OK : PTD_EIO;
}

enum ptd_err ptd_index_unseal(const char *dir)
{
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ptd_err e;

    if (dir_fd < 0)
        return PTD_EIO;
    e = unseal(dir_fd);
    close(dir_fd);
    return e;
}
