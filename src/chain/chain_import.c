#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain_int.h"
#include "chain/io.h"
#include "chain/orphans.h"
#include "pentad/log.h"
#include "wire/codec.h"

PTD_LOG_TAG(IMPO);

/* One import under way: of one file of another's, or of all of ours. */
struct import {
    struct ptd_blockchain *c;
    struct ptd_import_result *res;
    const atomic_bool *stop;
    struct ptd_orphans orphans;
    struct ptd_blockkey key; /* of the files */
    const char *path;        /* of the file; NULL: ours, by number */
    bool ours;               /* blocks stay where they are */

    /* Hashes that came and whose children are to be looked for. */
    struct ptd_hash *came;
    size_t n_came, cap_came;
};

/* ---- a block -------------------------------------------------------- */

static enum ptd_err push_came(struct import *im, const struct ptd_hash *hash)
{
    struct ptd_hash *grown =
        ptd_array_grow(im->came, &im->cap_came, im->n_came + 1, sizeof *grown);

    if (grown == NULL)
        return PTD_ENOMEM;
    im->came = grown;
    grown[im->n_came++] = *hash;
    return PTD_OK;
}

/* It was decoded: hand it over. *orphan: its parent is missing. */
static enum ptd_err accept(struct import *im, const struct ptd_msg *m,
                           const struct ptd_orphan *at, bool *orphan)
{
    struct ptd_blockpos pos = { at->file, (uint32_t)at->offset, at->bytes };
    struct ptd_block_result r;

    *orphan = false;
    ptd_chain_accept(im->c, &r, m, PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED,
                     im->ours ? &pos : NULL);
    switch (r.verdict.class) {
    case PTD_BLOCK_VALID:
        im->res->n_new += r.is_new;
        return push_came(im, &r.hash);
    case PTD_BLOCK_MISSING_PREV: *orphan = true; return PTD_OK;
    case PTD_BLOCK_NO_MEMORY: return PTD_ENOMEM;
    case PTD_BLOCK_IO: return PTD_EIO;
    case PTD_BLOCK_MUTATED:
    case PTD_BLOCK_INVALID:
    case PTD_BLOCK_KNOWN_BAD:
    case PTD_BLOCK_BAD_PREV:
    case PTD_BLOCK_TIME_FUTURE:
    case PTD_BLOCK_LOW_WORK: break;
    }
    im->res->n_bad++;
    return PTD_OK;
}

/* ---- orphans -------------------------------------------------------- */

static enum ptd_err read_again(struct import *im, struct ptd_msg **out,
                               const struct ptd_orphan *o)
{
    char *ours =
        im->path == NULL ? ptd_blockfiles_path(im->c->files, o->file) : NULL;
    const char *path = im->path != NULL ? im->path : ours;
    uint8_t *raw = ptd_alloc(o->bytes);
    enum ptd_err e = PTD_ENOMEM;
    int fd = -1;

    if (raw != NULL && path != NULL) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        e = fd >= 0 ? ptd_read_at(fd, raw, o->bytes, o->offset) : PTD_EIO;
    }
    if (fd >= 0)
        close(fd);
    if (e == PTD_OK) {
        ptd_blockkey_apply(&im->key, raw, o->bytes, o->offset);
        e = ptd_block_from_raw(out, raw, o->bytes);
    }
    ptd_free(raw);
    ptd_free(ours);
    return e == PTD_OK || e == PTD_ENOMEM ? e : PTD_EIO;
}

/* Whoever waited for what came comes too, and so on. */
static enum ptd_err take_children(struct import *im)
{
    while (im->n_came > 0) {
        struct ptd_hash parent = im->came[--im->n_came];
        struct ptd_orphan o;

        while (ptd_orphans_take(&im->orphans, &o, &parent)) {
            char hex[PTD_HASH_HEX_SIZE];
            struct ptd_msg *m;
            bool orphan;
            enum ptd_err e = read_again(im, &m, &o);

            if (e != PTD_OK)
                return e;
            ptd_log_debug("LoadExternalBlockFile: Processing out of order "
                          "child of %s",
                          ptd_hash_to_hex(&parent, hex));
            e = accept(im, m, &o, &orphan);
            ptd_msg_free(m);
            if (e != PTD_OK)
                return e;
        }
    }
    return PTD_OK;
}

/* ---- a file --------------------------------------------------------- */

static void tell_orphan(const struct ptd_msg *m)
{
    const struct ptd_msg_block *b = PTD_MSG_CONST(block, m);
    char hex[PTD_HASH_HEX_SIZE], prev[PTD_HASH_HEX_SIZE];
    struct ptd_hash hash;

    if (!ptd_log_wants(PTD_LOG_DEBUG))
        return;
    ptd_block_header_hash(&b->header, &hash);
    ptd_log_debug("LoadExternalBlockFile: Out of order block %s, parent %s not "
                  "known",
                  ptd_hash_to_hex(&hash, hex),
                  ptd_hash_to_hex(&b->header.prev, prev));
}

static enum ptd_err take_block(struct import *im, struct ptd_blockreader *r,
                               const uint8_t *raw, const struct ptd_orphan *at)
{
    struct ptd_orphan o = *at;
    struct ptd_msg *m;
    bool orphan;
    enum ptd_err e = ptd_block_from_raw(&m, raw, at->bytes);

    if (e == PTD_ENOMEM)
        return e;
    if (e != PTD_OK) { /* something else that looked like one */
        ptd_blockreader_retry(r);
        return PTD_OK;
    }
    im->res->n_blocks++;
    e = accept(im, m, at, &orphan);
    o.parent = PTD_MSG_CONST(block, m)->header.prev;
    if (orphan)
        tell_orphan(m);
    ptd_msg_free(m);
    if (e == PTD_OK && orphan && !ptd_orphans_put(&im->orphans, &o)) {
        if (im->orphans.n < PTD_ORPHANS_MAX)
            return PTD_ENOMEM;
        im->res->n_orphans++; /* one more than can wait */
    }
    return e == PTD_OK ? take_children(im) : e;
}

static enum ptd_err import_file(struct import *im, const char *path,
                                uint32_t file)
{
    struct ptd_blockreader *r;
    struct ptd_orphan at = { .file = file };
    const uint8_t *raw;
    size_t n;
    const uint64_t n_before = im->res->n_blocks;
    enum ptd_err e =
        ptd_blockreader_open(&r, path, im->c->cfg.params, &im->key);

    if (e != PTD_OK)
        return e;
    while ((e = ptd_blockreader_next(r, &raw, &n, &at.offset)) == PTD_OK) {
        if (im->stop != NULL &&
            atomic_load_explicit(im->stop, memory_order_relaxed)) {
            e = PTD_ECLOSED;
            break;
        }
        at.bytes = (uint32_t)n;
        if ((e = take_block(im, r, raw, &at)) != PTD_OK)
            break;
    }
    if (e == PTD_EEOF && im->res->n_blocks == n_before &&
        ptd_blockreader_skipped(r) > 0)
        ptd_log_warn("%s: not one block is found in it: is it of another "
                     "network, or its xor.dat not the one it was written with?",
                     path);
    im->res->n_skipped += ptd_blockreader_skipped(r);
    ptd_blockreader_close(r);
    return e == PTD_EEOF ? PTD_OK : e;
}

static enum ptd_err finish(struct import *im, enum ptd_err e)
{
    im->res->n_orphans += im->orphans.n;
    ptd_orphans_fini(&im->orphans);
    ptd_free(im->came);
    return e;
}

/* The key of the folder that a file is in. */
static enum ptd_err key_beside(struct ptd_blockkey *key, const char *path)
{
    char *dir = ptd_strdup(path), *slash;
    enum ptd_err e;

    if (dir == NULL)
        return PTD_ENOMEM;
    if ((slash = strrchr(dir, '/')) != NULL)
        slash[slash == dir] = '\0';
    e = ptd_blockkey_read(key, slash != NULL ? dir : ".");
    ptd_free(dir);
    return e;
}

/* A file out of a folder of blocks, with a xor.dat beside it, unless it is
 * plain all the same: *key is zeros then. PTD_OK; PTD_ENOMEM. */
static enum ptd_err find_key(struct ptd_blockkey *key,
                             const struct ptd_params *params, const char *path)
{
    uint8_t begin[sizeof params->magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool read = fd >= 0 && ptd_read_at(fd, begin, sizeof begin, 0) == PTD_OK;
    enum ptd_err e = PTD_OK;

    *key = (struct ptd_blockkey){ 0 };
    if (fd >= 0)
        close(fd);
    if (!read)
        return PTD_OK;
    if ((e = key_beside(key, path)) != PTD_OK) {
        *key = (struct ptd_blockkey){ 0 }; /* a part of one is none */
        return e == PTD_ENOMEM ? e : PTD_OK;
    }
    ptd_blockkey_apply(key, begin, sizeof begin, 0);
    if (memcmp(begin, params->magic, sizeof begin) != 0)
        *key = (struct ptd_blockkey){ 0 };
    return PTD_OK;
}

enum ptd_err ptd_blockchain_import(struct ptd_blockchain *c, const char *path,
                                   struct ptd_import_result *res,
                                   const atomic_bool *stop)
{
    struct import im = { .c = c, .res = res, .stop = stop, .path = path };
    enum ptd_err e;

    *res = (struct ptd_import_result){ 0 };
    if ((e = find_key(&im.key, c->cfg.params, path)) != PTD_OK)
        return e;
    ptd_orphans_init(&im.orphans);
    e = finish(&im, import_file(&im, path, 0));
    ptd_log_info("%s: %" PRIu64 " blocks, %" PRIu64 " of them new, %" PRIu64
                 " invalid, %" PRIu64 " without parent",
                 path, res->n_blocks, res->n_new, res->n_bad, res->n_orphans);
    return e;
}

/* ---- ours ----------------------------------------------------------- */

/* Files that pruning took away leave gaps; behind a long one there are no
 * more. */
static enum ptd_err import_ours(struct import *im)
{
    enum { MAX_GAP = 1000 };

    for (uint32_t i = 0, gap = 0; i <= PTD_BLOCKFILE_MAX && gap < MAX_GAP;
         i++) {
        char *path = ptd_blockfiles_path(im->c->files, i);
        enum ptd_err e;

        if (path == NULL)
            return PTD_ENOMEM;
        if (access(path, F_OK) != 0 && errno == ENOENT) {
            gap++;
            e = PTD_OK;
        } else {
            gap = 0;
            e = import_file(im, path, i);
        }
        ptd_free(path);
        if (e != PTD_OK)
            return e;
    }
    return PTD_OK;
}

/* All was read: what came of it is written. */
static enum ptd_err end_reindex(struct ptd_blockchain *c)
{
    enum ptd_err e;

    ptd_mutex_lock(&c->disk_mu);
    c->reindexing = false;
    e = ptd_chain_sync(c);
    ptd_mutex_unlock(&c->disk_mu);
    return e;
}

enum ptd_err ptd_blockchain_reindex(struct ptd_blockchain *c,
                                    struct ptd_import_result *res,
                                    const atomic_bool *stop)
{
    struct import im = { .c = c, .res = res, .stop = stop, .ours = true };
    enum ptd_err e;

    *res = (struct ptd_import_result){ 0 };
    if (!ptd_blockchain_needs_reindex(c))
        return PTD_OK;
    im.key = *ptd_blockfiles_key(c->files);
    ptd_orphans_init(&im.orphans);
    e = finish(&im, import_ours(&im));
    if (e == PTD_OK)
        e = end_reindex(c);
    ptd_log_info("reindexed: %" PRIu64 " blocks, %" PRIu64 " invalid, %" PRIu64
                 " without parent",
                 res->n_blocks, res->n_bad, res->n_orphans);
    return e;
}
