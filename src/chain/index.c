#include <config.h>

#include "chain/index.h"

#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/index_seal.h"
#include "chain/io.h"
#include "chain/journal.h"

enum {
    FIRST_MAP_BYTES = 64 << 20, /* address space; grows when it is used up */
    N_TABLES = 2
};

/* A map cannot grow beyond what a process may address. */
static const size_t last_map_bytes = SIZE_MAX / 4;

struct ptd_index {
    char *dir;
    MDB_env *env;
    MDB_dbi records; /* by id */
    MDB_dbi metas;   /* one, under "meta" */
    struct ptd_journal *journal;
    bool is_open; /* whole, and as we found it or made it */
    uint32_t count;
    bool has_meta;
    struct ptd_index_meta meta;
};

static char meta_key[] = "meta";

/* ---- LMDB's errors -------------------------------------------------- */

static enum ptd_err error_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS: return PTD_OK;
    case ENOMEM: return PTD_ENOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PTD_EFULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_VALSIZE:
    case MDB_NOTFOUND:
    case MDB_CURSOR_FULL: return PTD_EBADVALUE;
    default: errno = rc > 0 ? rc : EIO; return PTD_EIO;
    }
}

/* ---- opening -------------------------------------------------------- */

static char *path_in(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = ptd_alloc(n);

    if (path != NULL)
        snprintf(path, n, "%s/%s", dir, name);
    return path;
}

static enum ptd_err remove_in(const char *dir, const char *name)
{
    char *path = path_in(dir, name);
    enum ptd_err e = PTD_OK;

    if (path == NULL)
        return PTD_ENOMEM;
    if (unlink(path) != 0 && errno != ENOENT)
        e = PTD_EIO;
    ptd_free(path);
    return e;
}

static enum ptd_err wipe(const char *dir)
{
    enum ptd_err e = remove_in(dir, "seal");

    if (e == PTD_OK)
        e = remove_in(dir, "data.mdb");

    /* The database first: without it the journal says nothing. */
    return e != PTD_OK ? e : remove_in(dir, "journal");
}

static enum ptd_err open_tables(struct ptd_index *x)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(x->env, NULL, 0, &txn);

    if (rc != MDB_SUCCESS)
        return error_of(rc);
    rc = mdb_dbi_open(txn, "records", MDB_CREATE | MDB_INTEGERKEY, &x->records);
    if (rc == MDB_SUCCESS)
        rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &x->metas);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return error_of(rc);
    }
    return error_of(mdb_txn_commit(txn));
}

/* LMDB maps the file and trusts it: one that was cut off must not get that
 * far. */
static enum ptd_err check_length(struct ptd_index *x)
{
    MDB_envinfo info;
    MDB_stat stat_;
    struct stat st;
    mdb_filehandle_t fd;

    if (mdb_env_info(x->env, &info) != MDB_SUCCESS ||
        mdb_env_stat(x->env, &stat_) != MDB_SUCCESS ||
        mdb_env_get_fd(x->env, &fd) != MDB_SUCCESS || fstat(fd, &st) != 0)
        return PTD_EIO;
    if ((uint64_t)st.st_size <
            ((uint64_t)info.me_last_pgno + 1) * stat_.ms_psize &&
        info.me_last_txnid > 0)
        return PTD_EBADVALUE;
    return PTD_OK;
}

static enum ptd_err open_env(struct ptd_index *x)
{
    int rc = mdb_env_create(&x->env);
    enum ptd_err e;

    if (rc != MDB_SUCCESS)
        return error_of(rc);
    rc = mdb_env_set_maxdbs(x->env, N_TABLES);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_mapsize(x->env, FIRST_MAP_BYTES);
    /* The owner lets one thread in at a time, and the data directory belongs
     * to one process: LMDB need not lock. */
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(x->env, x->dir, MDB_NOLOCK | MDB_NOTLS, 0644);
    if (rc != MDB_SUCCESS)
        return error_of(rc);
    e = check_length(x);
    return e != PTD_OK ? e : open_tables(x);
}

static enum ptd_err read_state(struct ptd_index *x)
{
    MDB_val key = { sizeof meta_key - 1, meta_key }, value;
    MDB_stat stat_;
    MDB_txn *txn;
    enum ptd_err e = PTD_OK;
    int rc = mdb_txn_begin(x->env, NULL, MDB_RDONLY, &txn);

    if (rc != MDB_SUCCESS)
        return error_of(rc);
    rc = mdb_stat(txn, x->records, &stat_);
    if (rc != MDB_SUCCESS)
        e = error_of(rc);
    else if (stat_.ms_entries >= UINT32_MAX)
        e = PTD_EBADVALUE;
    else
        x->count = (uint32_t)stat_.ms_entries;
    rc = mdb_get(txn, x->metas, &key, &value);
    if (e == PTD_OK && rc == MDB_SUCCESS) {
        x->has_meta = true;
        if (value.mv_size != PTD_META_BYTES ||
            !ptd_meta_decode(&x->meta, value.mv_data))
            e = PTD_EBADVALUE;
    } else if (e == PTD_OK && rc != MDB_NOTFOUND) {
        e = error_of(rc);
    }
    mdb_txn_abort(txn);
    return e;
}

static enum ptd_err open_journal(struct ptd_index *x)
{
    char *path = path_in(x->dir, "journal");
    enum ptd_err e;

    if (path == NULL)
        return PTD_ENOMEM;
    e = ptd_journal_open(&x->journal, path);
    ptd_free(path);
    return e;
}

static const char *cause(enum ptd_err e)
{
    switch ((int)e) {
    case PTD_EBADVALUE:
        return "damaged, cut off, or of another version: start "
               "with -reindex to build it anew";
    case PTD_EFULL: return "the disk is full";
    case PTD_EIO: return strerror(errno);
    default: return ptd_err_text(e);
    }
}

enum ptd_err ptd_index_open(struct ptd_index **out, const char *dir,
                            bool wipe_first, char *why, size_t why_cap)
{
    struct ptd_index *x = ptd_calloc(1, sizeof *x);
    enum ptd_err e = PTD_ENOMEM;

    if (x == NULL || (x->dir = ptd_strdup(dir)) == NULL)
        goto fail;
    e = PTD_EIO;
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        goto fail;
    if (wipe_first && (e = wipe(dir)) != PTD_OK)
        goto fail;
    if ((e = ptd_index_unseal(dir)) != PTD_OK || (e = open_env(x)) != PTD_OK ||
        (e = open_journal(x)) != PTD_OK ||
        (e = ptd_index_commit(x)) != PTD_OK || (e = read_state(x)) != PTD_OK)
        goto fail;
    x->is_open = true;
    *out = x;
    return PTD_OK;

fail:
    snprintf(why, why_cap, "block index in %s: %s", dir, cause(e));
    ptd_index_close(x);
    return e;
}

void ptd_index_close(struct ptd_index *x)
{
    bool seal;

    if (x == NULL)
        return;
    seal = x->is_open && ptd_journal_bytes(x->journal) == 0;
    ptd_journal_close(x->journal);
    if (x->env != NULL)
        mdb_env_close(x->env);
    if (seal)
        (void)!ptd_index_seal(x->dir); /* without one it is as after a crash */
    ptd_free(x->dir);
    ptd_free(x);
}

uint32_t ptd_index_count(const struct ptd_index *x)
{
    return x->count;
}

bool ptd_index_meta(const struct ptd_index *x, struct ptd_index_meta *out)
{
    *out = x->meta;
    return x->has_meta;
}

size_t ptd_index_pending_bytes(const struct ptd_index *x)
{
    return ptd_journal_bytes(x->journal);
}

/* ---- reading -------------------------------------------------------- */

static enum ptd_err
walk_cursor(MDB_cursor *cursor, uint32_t count,
            enum ptd_err (*visit)(void *arg, const struct ptd_index_record *r),
            void *arg)
{
    struct ptd_index_record r;
    MDB_val key, value;
    uint32_t next = 0, id;
    int rc;

    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
           MDB_SUCCESS) {
        enum ptd_err e;

        if (key.mv_size != sizeof id || value.mv_size != PTD_RECORD_BYTES)
            return PTD_EBADVALUE;
        memcpy(&id, key.mv_data, sizeof id);
        if (id != next)
            return PTD_EBADVALUE;
        next++;
        ptd_record_decode(&r, id, value.mv_data);
        if ((e = visit(arg, &r)) != PTD_OK)
            return e;
    }
    if (rc != MDB_NOTFOUND)
        return error_of(rc);
    return next == count ? PTD_OK : PTD_EBADVALUE;
}

enum ptd_err
ptd_index_walk(struct ptd_index *x,
               enum ptd_err (*visit)(void *arg,
                                     const struct ptd_index_record *r),
               void *arg)
{
    MDB_cursor *cursor;
    MDB_txn *txn;
    enum ptd_err e = ptd_index_commit(x);
    int rc;

    if (e != PTD_OK)
        return e;
    if ((rc = mdb_txn_begin(x->env, NULL, MDB_RDONLY, &txn)) != MDB_SUCCESS)
        return error_of(rc);
    if ((rc = mdb_cursor_open(txn, x->records, &cursor)) != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return error_of(rc);
    }
    e = walk_cursor(cursor, x->count, visit, arg);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return e;
}

/* ---- writing -------------------------------------------------------- */

enum ptd_err ptd_index_put(struct ptd_index *x,
                           const struct ptd_index_record *r, size_t n,
                           const struct ptd_index_meta *meta)
{
    enum ptd_err e = ptd_journal_append(x->journal, r, n, meta);

    if (e != PTD_OK)
        return e;
    for (size_t i = 0; i < n; i++)
        x->count = PTD_MAX(x->count, r[i].id + 1);
    if (meta != NULL) {
        x->meta = *meta;
        x->has_meta = true;
    }
    return PTD_OK;
}

/* One commit under way. */
struct move {
    struct ptd_index *x;
    MDB_txn *txn;
    int rc; /* LMDB's own, if that is what ended it */
};

static enum ptd_err move_one(void *arg, uint32_t id, const uint8_t *record,
                             const uint8_t *meta)
{
    struct move *m = arg;
    MDB_val key = { sizeof id, &id };
    MDB_val value = { PTD_RECORD_BYTES, (void *)(uintptr_t)record };

    if (meta != NULL) {
        key = (MDB_val){ sizeof meta_key - 1, meta_key };
        value = (MDB_val){ PTD_META_BYTES, (void *)(uintptr_t)meta };
    }
    m->rc = mdb_put(m->txn, meta != NULL ? m->x->metas : m->x->records, &key,
                    &value, 0);
    return error_of(m->rc);
}

static enum ptd_err move_all(struct ptd_index *x, int *rc)
{
    struct move m = { .x = x, .rc = MDB_SUCCESS };
    enum ptd_err e;

    *rc = mdb_txn_begin(x->env, NULL, 0, &m.txn);
    if (*rc != MDB_SUCCESS)
        return error_of(*rc);
    e = ptd_journal_replay(x->journal, move_one, &m);
    *rc = m.rc;
    if (e != PTD_OK) {
        mdb_txn_abort(m.txn);
        return e;
    }
    *rc = mdb_txn_commit(m.txn);
    return error_of(*rc);
}

static enum ptd_err grow_map(struct ptd_index *x)
{
    MDB_envinfo info;

    if (mdb_env_info(x->env, &info) != MDB_SUCCESS ||
        info.me_mapsize > last_map_bytes)
        return PTD_EFULL;
    return error_of(mdb_env_set_mapsize(x->env, info.me_mapsize * 2));
}

enum ptd_err ptd_index_empty(struct ptd_index *x)
{
    enum ptd_err e = ptd_index_commit(x);
    MDB_txn *txn;
    int rc;

    PTD_ASSERT(!x->has_meta);
    if (e != PTD_OK || x->count == 0)
        return e;
    if ((rc = mdb_txn_begin(x->env, NULL, 0, &txn)) != MDB_SUCCESS)
        return error_of(rc);
    if ((rc = mdb_drop(txn, x->records, 0)) != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return error_of(rc);
    }
    if ((rc = mdb_txn_commit(txn)) != MDB_SUCCESS)
        return error_of(rc);
    x->count = 0;
    return PTD_OK;
}

enum ptd_err ptd_index_commit(struct ptd_index *x)
{
    enum ptd_err e;
    int rc;

    if (ptd_journal_bytes(x->journal) == 0)
        return PTD_OK;
    while ((e = move_all(x, &rc)) != PTD_OK) {
        if (rc != MDB_MAP_FULL)
            return e;
        if ((e = grow_map(x)) != PTD_OK)
            return e;
    }
    return ptd_journal_clear(x->journal);
}
