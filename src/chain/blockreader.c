#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "chain/blockfile.h"
#include "chain/io.h"

enum {
    /* Holds the largest block and its frame, with room to read ahead. */
    BUFFER_BYTES = 8 << 20
};

_Static_assert(BUFFER_BYTES >= PTD_BLOCK_MAX_BYTES + PTD_BLOCKFILE_FRAME_BYTES,
               "a block fits");

struct ptd_blockreader {
    int fd;
    uint8_t magic[4];
    struct ptd_blockkey key;
    bool at_end;   /* nothing more comes from the file */
    uint64_t base; /* position in the file of buf[0] */
    size_t n;      /* bytes in buf */
    size_t pos;    /* where the search goes on */
    size_t frame;  /* where the last frame began */
    uint64_t skipped;
    uint8_t buf[BUFFER_BYTES];
};

enum ptd_err ptd_blockreader_open(struct ptd_blockreader **out,
                                  const char *path,
                                  const struct ptd_params *params,
                                  const struct ptd_blockkey *key)
{
    struct ptd_blockreader *r = ptd_alloc(sizeof *r);

    if (r == NULL)
        return PTD_ENOMEM;
    memset(r, 0, offsetof(struct ptd_blockreader, buf));
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0) {
        int saved = errno;

        ptd_free(r);
        errno = saved;
        return PTD_EIO;
    }
    memcpy(r->magic, params->magic, sizeof r->magic);
    if (key != NULL)
        r->key = *key;
    *out = r;
    return PTD_OK;
}

void ptd_blockreader_close(struct ptd_blockreader *r)
{
    if (r == NULL)
        return;
    close(r->fd);
    ptd_free(r);
}

/* Read on until `need` bytes lie behind pos, or the file ends. */
static enum ptd_err fill(struct ptd_blockreader *r, size_t need)
{
    if (r->n - r->pos >= need || r->at_end)
        return PTD_OK;
    memmove(r->buf, r->buf + r->pos, r->n - r->pos);
    r->base += r->pos;
    r->n -= r->pos;
    r->pos = 0;
    while (r->n < need) {
        uint64_t at = r->base + r->n;
        ssize_t some =
            pread(r->fd, r->buf + r->n, sizeof r->buf - r->n, (off_t)at);

        if (some < 0) {
            if (errno == EINTR)
                continue;
            return PTD_EIO;
        }
        if (some == 0) {
            r->at_end = true;
            break;
        }
        ptd_blockkey_apply(&r->key, r->buf + r->n, (size_t)some, at);
        r->n += (size_t)some;
    }
    return PTD_OK;
}

/* Move pos to the next byte that may begin a frame. */
static void skip_to_magic(struct ptd_blockreader *r)
{
    const uint8_t *from = r->buf + r->pos;
    const uint8_t *found = memchr(from, r->magic[0], r->n - r->pos);
    size_t n = found != NULL ? (size_t)(found - from) : r->n - r->pos;

    r->skipped += n;
    r->pos += n;
}

enum ptd_err ptd_blockreader_next(struct ptd_blockreader *r,
                                  const uint8_t **block, size_t *n,
                                  uint64_t *offset)
{
    for (;;) {
        enum ptd_err e = fill(r, PTD_BLOCKFILE_FRAME_BYTES);
        uint32_t size;

        if (e != PTD_OK)
            return e;
        skip_to_magic(r);
        if ((e = fill(r, PTD_BLOCKFILE_FRAME_BYTES)) != PTD_OK)
            return e;
        if (r->n - r->pos < PTD_BLOCKFILE_FRAME_BYTES) {
            r->skipped += r->n - r->pos;
            r->pos = r->n;
            return PTD_EEOF;
        }
        size = ptd_get_le32(r->buf + r->pos + 4);
        if (memcmp(r->buf + r->pos, r->magic, 4) == 0 &&
            size >= PTD_BLOCK_MIN_BYTES && size <= PTD_BLOCK_MAX_BYTES) {
            if ((e = fill(r, PTD_BLOCKFILE_FRAME_BYTES + size)) != PTD_OK)
                return e;
            if (r->n - r->pos >= PTD_BLOCKFILE_FRAME_BYTES + size) {
                r->frame = r->pos;
                *block = r->buf + r->pos + PTD_BLOCKFILE_FRAME_BYTES;
                *n = size;
                *offset = r->base + r->pos + PTD_BLOCKFILE_FRAME_BYTES;
                r->pos += PTD_BLOCKFILE_FRAME_BYTES + size;
                return PTD_OK;
            }
        }
        r->pos++;
        r->skipped++;
    }
}

void ptd_blockreader_retry(struct ptd_blockreader *r)
{
    r->pos = r->frame + 1;
    r->skipped++;
}

uint64_t ptd_blockreader_skipped(const struct ptd_blockreader *r)
{
    return r->skipped;
}
