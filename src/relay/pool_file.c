/* The pool in a file, while nobody runs it. Source: Bitcoin Core's mempool.dat,
 * versions 1 (written and read) and 2 (read) */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "chain/check_block.h"
#include "pentad/log.h"
#include "relay/pool_int.h"
#include "wire/reader.h"
#include "wire/tx.h"
#include "wire/writer.h"

PTD_LOG_TAG(TXMP);

enum {
    PLAIN = 1,
    XORED = 2, /* what follows is XORed with a key, by place in the file */
    KEY_BYTES = 8,
    HEAD_BYTES = 16,  /* version, count */
    ENTRY_BYTES = 16, /* besides the transaction: time, change of its fee */
    DELTA_BYTES = 40
};

static const struct ptd_codec with_witness = {
    .pver = PTD_PVER_WTXIDRELAY,
    .encoding = PTD_ENC_WITNESS,
};

/* ---- writing ----------------------------------------------------------- */

static bool is_to_be_told(const struct ptd_pool_tx *t)
{
    return t->origin == PTD_POOL_OWN;
}

/* Ours are named once more at the end, so that they are ours again. */
static void write_all(struct ptd_writer *w, const struct ptd_pool_tx *list,
                      size_t n)
{
    uint64_t n_own = 0;

    ptd_write_u64(w, PLAIN);
    ptd_write_u64(w, n);
    for (size_t i = 0; i < n; i++) {
        ptd_write_tx(w, ptd_pool_tx_of(&list[i]), PTD_ENC_WITNESS);
        ptd_write_i64(w, list[i].time_s);
        ptd_write_i64(w, 0);
        n_own += is_to_be_told(&list[i]);
    }
    ptd_write_varint(w, 0);
    ptd_write_varint(w, n_own);
    for (size_t i = 0; i < n; i++)
        if (is_to_be_told(&list[i]))
            ptd_write_hash(w, &list[i].txid);
}

static size_t bytes_of(const struct ptd_pool_tx *list, size_t n)
{
    enum { COUNTS = 18 };
    size_t sum = HEAD_BYTES + COUNTS;

    for (size_t i = 0; i < n; i++)
        sum += list[i].bytes + ENTRY_BYTES + sizeof(struct ptd_hash);
    return sum;
}

enum ptd_err ptd_pool_save(struct ptd_pool *p, const char *path)
{
    struct ptd_pool_tx *list;
    struct ptd_writer w;
    uint8_t *raw;
    size_t n, cap;
    enum ptd_err e = ptd_pool_list(p, &list, &n);

    if (e != PTD_OK)
        return e;
    cap = bytes_of(list, n);
    raw = ptd_alloc(cap);
    if (raw != NULL) {
        ptd_writer_init(&w, raw, cap);
        write_all(&w, list, n);
        e = w.err == PTD_OK ? ptd_file_replace(path, raw, w.n) : w.err;
    } else {
        e = PTD_ENOMEM;
    }
    ptd_free(raw);
    ptd_pool_list_free(list, n);
    if (e == PTD_EIO)
        ptd_log_warn("Failed to dump mempool: %s: %s", path, strerror(errno));
    return e;
}

/* ---- reading ------------------------------------------------------------ */

/* One that was read. */
struct saved {
    struct ptd_msg *msg;
    int64_t time_s;
    bool own;
};

struct file {
    uint8_t *raw;
    struct saved *list;
    size_t n, cap;
};

/* The head; what is behind it is XORed here, if it is. False: it is none of
 * ours. */
static bool read_head(struct file *f, struct ptd_reader *r, uint64_t *count)
{
    uint64_t version = ptd_read_u64(r, "version");
    uint8_t key[KEY_BYTES];

    if (version == XORED) {
        if (ptd_read_varint(r, "key") != KEY_BYTES)
            return false;
        ptd_read_copy(r, key, sizeof key, "key");
        for (uint8_t *at = (uint8_t *)(uintptr_t)r->p; at != r->end; at++)
            *at ^= key[(size_t)(at - f->raw) % KEY_BYTES];
    }
    *count = ptd_read_u64(r, "count");
    return r->err == PTD_OK && (version == PLAIN || version == XORED);
}

static enum ptd_err read_one(struct file *f, struct ptd_reader *r)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
    struct saved *grown;
    struct ptd_tx *tx;

    if (m == NULL)
        return PTD_ENOMEM;
    if ((tx = ptd_read_txs(m, r, 1, &with_witness)) == NULL)
        goto fail;
    ((struct ptd_msg_tx *)(void *)m)->tx = *tx;
    grown = ptd_array_grow(f->list, &f->cap, f->n + 1, sizeof *grown);
    if (grown == NULL) {
        ptd_msg_free(m);
        return PTD_ENOMEM;
    }
    f->list = grown;
    f->list[f->n++] =
        (struct saved){ .msg = m, .time_s = ptd_read_i64(r, "time") };
    (void)ptd_read_i64(r, "fee");
    return r->err;

fail:
    ptd_msg_free(m);
    return r->err;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ptd_hash));
}

/* They may come in any order: Bitcoin Core writes them sorted. */
static void mark_own(struct file *f, struct ptd_hash *own, size_t n)
{
    struct ptd_hash txid;

    qsort(own, n, sizeof *own, compare);
    for (size_t i = 0; i < f->n && n > 0; i++)
        if (ptd_tx_txid(&((struct ptd_msg_tx *)(void *)f->list[i].msg)->tx,
                        &txid) == PTD_OK)
            f->list[i].own =
                bsearch(&txid, own, n, sizeof *own, compare) != NULL;
}

static enum ptd_err read_own(struct file *f, struct ptd_reader *r)
{
    uint32_t n = ptd_read_count(r, "deltas", UINT32_MAX, DELTA_BYTES);
    struct ptd_hash *own;

    (void)ptd_read_view(r, (size_t)n * DELTA_BYTES, "deltas");
    n = ptd_read_count(r, "unbroadcast", UINT32_MAX, sizeof *own);
    if (r->err != PTD_OK)
        return r->err;
    own = ptd_alloc_array(n, sizeof *own);
    if (own == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        ptd_read_hash(r, &own[i], "unbroadcast");
    mark_own(f, own, n);
    ptd_free(own);
    return r->err;
}

static enum ptd_err read_all(struct file *f, size_t n_bytes)
{
    struct ptd_reader r;
    uint64_t count;
    enum ptd_err e = PTD_OK;

    ptd_reader_init(&r, f->raw, n_bytes);
    if (!read_head(f, &r, &count))
        return PTD_EBADVALUE;
    for (; count > 0 && e == PTD_OK; count--)
        e = read_one(f, &r);
    return e == PTD_OK ? read_own(f, &r) : e;
}

/* Those whose time is over stay out; strangers' are not passed on. None came
 * later than now: it, and those behind it, would never be too old. */
static void add_all(struct ptd_pool *p, const struct file *f,
                    const struct ptd_pool_place *now)
{
    const int64_t now_s = ptd_clock_wall_s(p->cfg.clock);
    const int64_t oldest_s = now_s - p->cfg.expiry_s;
    size_t n_added = 0;

    for (size_t i = 0; i < f->n; i++) {
        const struct saved *s = &f->list[i];
        struct ptd_pool_place at = *now;
        struct ptd_pool_verdict v;

        at.time_s = PTD_MIN(s->time_s, now_s);
        if (s->time_s <= oldest_s)
            continue;
        ptd_pool_add(p, &v, &((struct ptd_msg_tx *)(void *)s->msg)->tx,
                     s->own ? PTD_POOL_OWN : PTD_POOL_BLOCK, &at, -1, 0);
        n_added += v.class == PTD_POOL_ADDED;
    }
    ptd_log_info("Imported mempool transactions from file: %zu succeeded, %zu "
                 "failed",
                 n_added, f->n - n_added);
}

enum ptd_err ptd_pool_load(struct ptd_pool *p, const char *path,
                           const struct ptd_pool_place *at)
{
    enum { MAX_FILE = 1 << 30 };
    struct file f = { 0 };
    size_t n;
    enum ptd_err e = ptd_file_read(&f.raw, &n, path, MAX_FILE);

    if (e != PTD_OK)
        return e;
    e = read_all(&f, n);
    if (e == PTD_OK)
        add_all(p, &f, at);
    for (size_t i = 0; i < f.n; i++)
        ptd_msg_free(f.list[i].msg);
    ptd_free(f.list);
    ptd_free(f.raw);
    return e;
}
