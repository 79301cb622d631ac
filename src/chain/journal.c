#include <config.h>

#include "chain/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "chain/io.h"
#include "crypto/siphash.h"

enum {
    META_VERSION = 1,
    ENTRY_BYTES = 4 + PTD_RECORD_BYTES,
    /* Head of a group: mark, number of records, is there a meta record, check
     * sum of all that follows and of these. */
    HEAD_BYTES = 4 + 4 + 4 + 8,
    MAX_GROUP = 1 << 20 /* records: nobody appends more at once */
};

static const uint8_t mark[4] = { 'P', 'T', 'D', 'J' };

struct ptd_journal {
    int fd;
    uint64_t end; /* where the next group goes */
};

/* ---- forms ---------------------------------------------------------- */

void ptd_record_encode(const struct ptd_index_record *r,
                       uint8_t out[PTD_RECORD_BYTES])
{
    ptd_put_le32(out, r->parent);
    ptd_put_le32(out + 4, (uint32_t)r->version);
    memcpy(out + 8, r->merkle_root.b, PTD_HASH_BYTES);
    ptd_put_le32(out + 40, r->time);
    ptd_put_le32(out + 44, r->bits);
    ptd_put_le32(out + 48, r->nonce);
    ptd_put_le32(out + 52, r->status);
    ptd_put_le32(out + 56, r->file);
    ptd_put_le32(out + 60, r->offset);
    ptd_put_le32(out + 64, r->bytes);
    ptd_put_le32(out + 68, r->n_tx);
}

void ptd_record_decode(struct ptd_index_record *r, uint32_t id,
                       const uint8_t in[PTD_RECORD_BYTES])
{
    r->id = id;
    r->parent = ptd_get_le32(in);
    r->version = (int32_t)ptd_get_le32(in + 4);
    memcpy(r->merkle_root.b, in + 8, PTD_HASH_BYTES);
    r->time = ptd_get_le32(in + 40);
    r->bits = ptd_get_le32(in + 44);
    r->nonce = ptd_get_le32(in + 48);
    r->status = ptd_get_le32(in + 52);
    r->file = ptd_get_le32(in + 56);
    r->offset = ptd_get_le32(in + 60);
    r->bytes = ptd_get_le32(in + 64);
    r->n_tx = ptd_get_le32(in + 68);
}

void ptd_meta_encode(const struct ptd_index_meta *m,
                     uint8_t out[PTD_META_BYTES])
{
    ptd_put_le32(out, META_VERSION);
    memcpy(out + 4, m->magic, 4);
    ptd_put_le32(out + 8, m->tip);
    ptd_put_le32(out + 12, m->pruned);
    ptd_put_le32(out + 16, m->synced_file);
    ptd_put_le32(out + 20, m->synced_end);
    ptd_put_le32(out + 24, 0); /* kept free */
}

bool ptd_meta_decode(struct ptd_index_meta *m, const uint8_t in[PTD_META_BYTES])
{
    memcpy(m->magic, in + 4, 4);
    m->tip = ptd_get_le32(in + 8);
    m->pruned = ptd_get_le32(in + 12);
    m->synced_file = ptd_get_le32(in + 16);
    m->synced_end = ptd_get_le32(in + 20);
    return ptd_get_le32(in) == META_VERSION;
}

/* ---- file ----------------------------------------------------------- */

enum ptd_err ptd_journal_open(struct ptd_journal **out, const char *path)
{
    struct ptd_journal *j = ptd_calloc(1, sizeof *j);
    struct stat st;

    if (j == NULL)
        return PTD_ENOMEM;
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (j->fd < 0) {
        ptd_free(j);
        return ptd_io_error();
    }
    if (fstat(j->fd, &st) != 0 || st.st_size < 0) {
        ptd_journal_close(j);
        return PTD_EIO;
    }
    /* What lies behind the last whole group shows on replay. */
    j->end = (uint64_t)st.st_size;
    *out = j;
    return PTD_OK;
}

void ptd_journal_close(struct ptd_journal *j)
{
    if (j == NULL)
        return;
    close(j->fd);
    ptd_free(j);
}

size_t ptd_journal_bytes(const struct ptd_journal *j)
{
    return (size_t)j->end;
}

/* The check sum guards against crashes, not against people: its key is no
 * secret. */
static uint64_t sum_of(const uint8_t *group, size_t n)
{
    return ptd_siphash24(ptd_get_le64(group) ^ ptd_get_le32(group + 8), n,
                         group + HEAD_BYTES, n - HEAD_BYTES);
}

static size_t group_bytes(size_t n, bool has_meta)
{
    return HEAD_BYTES + n * ENTRY_BYTES + (has_meta ? PTD_META_BYTES : 0);
}

enum ptd_err ptd_journal_append(struct ptd_journal *j,
                                const struct ptd_index_record *r, size_t n,
                                const struct ptd_index_meta *meta)
{
    size_t bytes = group_bytes(n, meta != NULL);
    uint8_t *group, *at;
    enum ptd_err e;

    if (n > MAX_GROUP)
        return PTD_ETOOBIG;
    if ((group = ptd_alloc(bytes)) == NULL)
        return PTD_ENOMEM;
    memcpy(group, mark, sizeof mark);
    ptd_put_le32(group + 4, (uint32_t)n);
    ptd_put_le32(group + 8, meta != NULL);
    at = group + HEAD_BYTES;
    for (size_t i = 0; i < n; i++, at += ENTRY_BYTES) {
        ptd_put_le32(at, r[i].id);
        ptd_record_encode(&r[i], at + 4);
    }
    if (meta != NULL)
        ptd_meta_encode(meta, at);
    ptd_put_le64(group + 12, sum_of(group, bytes));
    e = ptd_write_at(j->fd, group, bytes, j->end);
    if (e == PTD_OK) {
        j->end += bytes;
    } else {
        int saved = errno;

        /* A part would be taken for the end; it is one already, but need not
         * stay. */
        if (ftruncate(j->fd, (off_t)j->end) != 0)
            errno = saved;
        errno = saved;
    }
    ptd_free(group);
    return e;
}

/* ---- replay --------------------------------------------------------- */

/* Read the group at a place; PTD_EEMPTY: no whole one begins there. */
static enum ptd_err read_group(const struct ptd_journal *j, uint64_t at,
                               uint8_t **out, size_t *bytes)
{
    uint8_t head[HEAD_BYTES];
    uint32_t n, has_meta;
    enum ptd_err e = ptd_read_at(j->fd, head, sizeof head, at);

    if (e != PTD_OK)
        return e == PTD_ESHORT ? PTD_EEMPTY : e;
    n = ptd_get_le32(head + 4);
    has_meta = ptd_get_le32(head + 8);
    if (memcmp(head, mark, sizeof mark) != 0 || n > MAX_GROUP || has_meta > 1)
        return PTD_EEMPTY;
    *bytes = group_bytes(n, has_meta != 0);
    if (*bytes > j->end - at)
        return PTD_EEMPTY;
    if ((*out = ptd_alloc(*bytes)) == NULL)
        return PTD_ENOMEM;
    e = ptd_read_at(j->fd, *out, *bytes, at);
    if (e == PTD_OK && ptd_get_le64(*out + 12) != sum_of(*out, *bytes))
        e = PTD_EEMPTY;
    if (e != PTD_OK)
        ptd_free(*out);
    return e == PTD_ESHORT ? PTD_EEMPTY : e;
}

static enum ptd_err visit_group(const uint8_t *group,
                                enum ptd_err (*visit)(void *arg, uint32_t id,
                                                      const uint8_t *record,
                                                      const uint8_t *meta),
                                void *arg)
{
    uint32_t n = ptd_get_le32(group + 4);
    const uint8_t *at = group + HEAD_BYTES;

    for (uint32_t i = 0; i < n; i++, at += ENTRY_BYTES) {
        enum ptd_err e = visit(arg, ptd_get_le32(at), at + 4, NULL);

        if (e != PTD_OK)
            return e;
    }
    return ptd_get_le32(group + 8) != 0 ? visit(arg, 0, NULL, at) : PTD_OK;
}

enum ptd_err ptd_journal_replay(struct ptd_journal *j,
                                enum ptd_err (*visit)(void *arg, uint32_t id,
                                                      const uint8_t *record,
                                                      const uint8_t *meta),
                                void *arg)
{
    uint64_t at = 0;
    enum ptd_err e;
    uint8_t *group;
    size_t bytes;

    while ((e = read_group(j, at, &group, &bytes)) == PTD_OK) {
        e = visit_group(group, visit, arg);
        ptd_free(group);
        if (e != PTD_OK)
            return e;
        at += bytes;
    }
    return e == PTD_EEMPTY ? PTD_OK : e;
}

/* Synced: after the machine died, what is in the database by now must not come
 * back and take the place of what was committed later. */
enum ptd_err ptd_journal_clear(struct ptd_journal *j)
{
    if (ftruncate(j->fd, 0) != 0)
        return PTD_EIO;
    j->end = 0;
    return fdatasync(j->fd) == 0 ? PTD_OK : ptd_io_error();
}
