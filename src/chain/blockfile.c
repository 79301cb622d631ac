#include <config.h>

#include "chain/blockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "chain/io.h"

enum {
    PIECE_BYTES = 256 << 10,
    BEGIN_BYTES = 4 << 20 /* enough to be worth a call */
};

struct ptd_blockfiles {
    char *dir;
    uint8_t magic[4];
    uint32_t max_bytes;
    uint32_t prealloc_bytes;
    struct ptd_blockkey key;
    uint8_t *piece; /* PIECE_BYTES, of the one who writes; NULL: no key */

    /* Of the one who writes. */
    int fd;             /* the file written to, -1: none is open */
    uint32_t file;      /* its number */
    uint32_t end;       /* where its last block ends */
    uint32_t begun;     /* the system was told to write what lies before */
    uint32_t allocated; /* what the disk has set aside for it */
};

/* ---- opening -------------------------------------------------------- */

static char *path_of(const char *dir, const char *name)
{
    size_t n = strlen(dir) + 1 + strlen(name) + 1;
    char *path = ptd_alloc(n);

    if (path != NULL)
        snprintf(path, n, "%s/%s", dir, name);
    return path;
}

char *ptd_blockfiles_path(const struct ptd_blockfiles *f, uint32_t file)
{
    char name[32];

    snprintf(name, sizeof name, "blk%05u.dat", file);
    return path_of(f->dir, name);
}

enum ptd_err ptd_blockfiles_open(struct ptd_blockfiles **out,
                                 const struct ptd_blockfiles_config *cfg)
{
    struct ptd_blockfiles *f = ptd_calloc(1, sizeof *f);

    if (f == NULL)
        return PTD_ENOMEM;
    f->fd = -1;
    if ((f->dir = ptd_strdup(cfg->dir)) == NULL) {
        ptd_free(f);
        return PTD_ENOMEM;
    }
    f->key = cfg->key;
    if (f->key.is && (f->piece = ptd_alloc(PIECE_BYTES)) == NULL) {
        ptd_blockfiles_close(f);
        return PTD_ENOMEM;
    }
    memcpy(f->magic, cfg->params->magic, sizeof f->magic);
    f->max_bytes = cfg->max_bytes != 0 ? cfg->max_bytes : PTD_BLOCKFILE_BYTES;
    f->prealloc_bytes = cfg->prealloc_bytes;
    *out = f;
    return PTD_OK;
}

static void close_file(struct ptd_blockfiles *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void ptd_blockfiles_close(struct ptd_blockfiles *f)
{
    if (f == NULL)
        return;
    close_file(f);
    ptd_free(f->piece);
    ptd_free(f->dir);
    ptd_free(f);
}

void ptd_blockfiles_set_end(struct ptd_blockfiles *f, uint32_t file,
                            uint32_t end)
{
    if (file != f->file)
        close_file(f);
    f->file = file;
    f->end = end;
    f->begun = end;
    f->allocated = 0;
}

const struct ptd_blockkey *ptd_blockfiles_key(const struct ptd_blockfiles *f)
{
    return &f->key;
}

static enum ptd_err open_file(const struct ptd_blockfiles *f, int *fd,
                              uint32_t file, int flags)
{
    char *path = ptd_blockfiles_path(f, file);

    if (path == NULL)
        return PTD_ENOMEM;
    *fd = open(path, flags | O_CLOEXEC, 0644);
    ptd_free(path);
    if (*fd >= 0)
        return PTD_OK;
    return errno == ENOENT ? PTD_ENOTFOUND : ptd_io_error();
}

/* ---- writing -------------------------------------------------------- */

/* Best effort: a file system that cannot is as good. */
static void preallocate(struct ptd_blockfiles *f, uint64_t need)
{
    uint64_t want;

    if (f->prealloc_bytes == 0 || need <= f->allocated)
        return;
    want = PTD_MIN((need + f->prealloc_bytes - 1) / f->prealloc_bytes *
                       f->prealloc_bytes,
                   (uint64_t)f->max_bytes);
    if (want > f->allocated &&
        posix_fallocate(f->fd, f->allocated, (off_t)(want - f->allocated)) == 0)
        f->allocated = (uint32_t)want;
}

/* The file that n more bytes go to; a full one is left as it is. */
static enum ptd_err choose_file(struct ptd_blockfiles *f, size_t n)
{
    if (f->end > 0 && (uint64_t)f->end + n > f->max_bytes) {
        if (f->file >= PTD_BLOCKFILE_MAX)
            return PTD_EFULL;
        /* Only one file is open for writing: what it holds goes to the disk
         * before the next one is begun. */
        if (f->fd >= 0 && fdatasync(f->fd) != 0)
            return PTD_EIO;
        close_file(f);
        f->file++;
        f->end = f->begun = f->allocated = 0;
    }
    if (f->fd >= 0)
        return PTD_OK;
    return open_file(f, &f->fd, f->file, O_RDWR | O_CREAT);
}

/* Piece by piece, through a buffer that is always the same: one of a block's
 * size would be mapped, page by page, for each. */
static enum ptd_err write_masked(const struct ptd_blockfiles *f,
                                 const uint8_t *frame, const void *block,
                                 size_t n)
{
    size_t in_piece = PTD_BLOCKFILE_FRAME_BYTES, done = 0;
    uint64_t at = f->end;
    enum ptd_err e;

    memcpy(f->piece, frame, in_piece);
    do {
        size_t some = PTD_MIN(n - done, PIECE_BYTES - in_piece);

        memcpy(f->piece + in_piece, (const uint8_t *)block + done, some);
        in_piece += some;
        ptd_blockkey_apply(&f->key, f->piece, in_piece, at);
        e = ptd_write_at(f->fd, f->piece, in_piece, at);
        at += in_piece;
        done += some;
        in_piece = 0;
    } while (e == PTD_OK && done < n);
    return e;
}

static enum ptd_err write_block(const struct ptd_blockfiles *f,
                                const uint8_t *frame, const void *block,
                                size_t n)
{
    struct iovec iov[2] = {
        { (void *)(uintptr_t)frame, PTD_BLOCKFILE_FRAME_BYTES },
        { (void *)(uintptr_t)block, n },
    };
    ssize_t done;

    if (f->key.is)
        return write_masked(f, frame, block, n);
    do
        done = pwritev(f->fd, iov, 2, f->end);
    while (done < 0 && errno == EINTR);
    if (done == (ssize_t)(PTD_BLOCKFILE_FRAME_BYTES + n))
        return PTD_OK;
    if (done < 0)
        return ptd_io_error();
    /* A part: let the rest tell why. */
    if (done < PTD_BLOCKFILE_FRAME_BYTES) {
        enum ptd_err e = ptd_write_at(
            f->fd, frame + done, (size_t)(PTD_BLOCKFILE_FRAME_BYTES - done),
            f->end + (uint64_t)done);
        if (e != PTD_OK)
            return e;
        done = PTD_BLOCKFILE_FRAME_BYTES;
    }
    done -= PTD_BLOCKFILE_FRAME_BYTES;
    return ptd_write_at(f->fd, (const uint8_t *)block + done, n - (size_t)done,
                        (uint64_t)f->end + PTD_BLOCKFILE_FRAME_BYTES +
                            (uint64_t)done);
}

/* Let the system begin to write what came, beside whatever else is done: the
 * next sync then waits for little. */
static void begin_writing(struct ptd_blockfiles *f)
{
#ifdef HAVE_SYNC_FILE_RANGE
    if (f->end - f->begun < BEGIN_BYTES)
        return;
    (void)sync_file_range(f->fd, f->begun, f->end - f->begun,
                          SYNC_FILE_RANGE_WRITE);
#endif
    f->begun = f->end;
}

enum ptd_err ptd_blockfiles_append(struct ptd_blockfiles *f,
                                   struct ptd_blockpos *pos, const void *block,
                                   size_t n)
{
    uint8_t frame[PTD_BLOCKFILE_FRAME_BYTES];
    enum ptd_err e;

    if (n > PTD_BLOCK_MAX_BYTES)
        return PTD_ETOOBIG;
    if ((e = choose_file(f, n + sizeof frame)) != PTD_OK)
        return e;
    memcpy(frame, f->magic, 4);
    ptd_put_le32(frame + 4, (uint32_t)n);
    preallocate(f, (uint64_t)f->end + sizeof frame + n);
    if ((e = write_block(f, frame, block, n)) != PTD_OK)
        return e;
    *pos = (struct ptd_blockpos){ f->file, f->end + (uint32_t)sizeof frame,
                                  (uint32_t)n };
    f->end += (uint32_t)(sizeof frame + n);
    begin_writing(f);
    return PTD_OK;
}

enum ptd_err ptd_blockfiles_sync(struct ptd_blockfiles *f)
{
    int dir;
    enum ptd_err e = PTD_OK;

    if (f->fd >= 0 && fdatasync(f->fd) != 0)
        return ptd_io_error();
    /* New names too. */
    dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return ptd_io_error();
    if (fsync(dir) != 0 && errno != EINVAL)
        e = ptd_io_error();
    close(dir);
    return e;
}

enum ptd_err ptd_blockfiles_remove(struct ptd_blockfiles *f, uint32_t file)
{
    char *path = ptd_blockfiles_path(f, file);
    enum ptd_err e = PTD_OK;

    PTD_ASSERT(file != f->file);
    if (path == NULL)
        return PTD_ENOMEM;
    if (unlink(path) != 0 && errno != ENOENT)
        e = PTD_EIO;
    ptd_free(path);
    return e;
}

/* ---- reading back --------------------------------------------------- */

static enum ptd_err read_framed(struct ptd_blockfiles *f, uint8_t *out,
                                size_t n, const struct ptd_blockpos *pos)
{
    uint8_t frame[PTD_BLOCKFILE_FRAME_BYTES];
    uint64_t at = pos->offset;
    enum ptd_err e;
    int fd;

    if (at < sizeof frame)
        return PTD_EMAGIC;
    if ((e = open_file(f, &fd, pos->file, O_RDONLY)) != PTD_OK)
        return e == PTD_EFULL ? PTD_EIO : e;
    e = ptd_read_at(fd, frame, sizeof frame, at - sizeof frame);
    if (e == PTD_OK)
        e = ptd_read_at(fd, out, n, at);
    close(fd);
    if (e != PTD_OK)
        return e;
    ptd_blockkey_apply(&f->key, frame, sizeof frame, at - sizeof frame);
    ptd_blockkey_apply(&f->key, out, n, at);
    if (memcmp(frame, f->magic, 4) != 0 ||
        ptd_get_le32(frame + 4) != pos->bytes)
        return PTD_EMAGIC;
    return PTD_OK;
}

enum ptd_err ptd_blockfiles_read(struct ptd_blockfiles *f, struct ptd_buf **out,
                                 size_t *n, const struct ptd_blockpos *pos,
                                 struct ptd_mem *mem)
{
    struct ptd_buf *buf;
    enum ptd_err e;

    if (pos->bytes > PTD_BLOCK_MAX_BYTES)
        return PTD_EMAGIC;
    buf = ptd_buf_new(mem, pos->bytes);
    if (buf == NULL)
        return PTD_ENOMEM;
    e = read_framed(f, buf->data, pos->bytes, pos);
    if (e != PTD_OK) {
        ptd_buf_free(buf);
        return e;
    }
    *out = buf;
    *n = pos->bytes;
    return PTD_OK;
}

enum ptd_err ptd_blockfiles_read_header(struct ptd_blockfiles *f,
                                        uint8_t out[PTD_HEADER_BYTES],
                                        const struct ptd_blockpos *pos)
{
    return pos->bytes < PTD_HEADER_BYTES
               ? PTD_EMAGIC
               : read_framed(f, out, PTD_HEADER_BYTES, pos);
}
