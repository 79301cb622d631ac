#include <config.h>

#include "rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "chain/mine.h"

const int64_t rig_now_s = 1700000000;

static void on_tip(void *arg, const struct ptd_tip_change *change)
{
    struct rig *r = arg;

    if (r->n_tips < RIG_MAX_TIPS)
        r->tip[r->n_tips] = *change;
    r->n_tips++;
}

void rig_init(struct rig *r, const char *network)
{
    const char *tmp = getenv("TMPDIR");

    /* In memory, if the system offers that: most tests sync. */
    if (tmp == NULL || strlen(tmp) >= 40)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    memset(r, 0, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "%s/pentad-XXXXXX", tmp);
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    snprintf(r->blocks, sizeof r->blocks, "%s/blocks", r->dir);
    snprintf(r->index, sizeof r->index, "%s/index", r->blocks);
    r->params = *ptd_params_by_name(network);
    r->clock = ptd_clock_new();
    ck_assert_ptr_nonnull(r->clock);
    ptd_clock_set_wall_us(r->clock, rig_now_s * 1000000);
    r->cfg = (struct ptd_blockchain_config){
        .params = &r->params,
        .clock = r->clock,
        .blocks_dir = r->blocks,
        .index_dir = r->index,
        .on_tip = on_tip,
        .arg = r,
    };
}

void rig_open(struct rig *r)
{
    char why[PTD_CHAIN_WHY_SIZE];
    enum ptd_err e = ptd_blockchain_open(&r->c, &r->cfg, why);

    ck_assert_msg(e == PTD_OK, "%s: %s", ptd_err_name(e), why);
}

void rig_close(struct rig *r)
{
    ptd_blockchain_close(r->c);
    r->c = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void rig_fini(struct rig *r)
{
    rig_close(r);
    ptd_clock_free(r->clock);
    nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_write(const struct rig *r, const char *name, const void *p, size_t n)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

struct ptd_msg *rig_raw_block(const struct rig *r, const struct ptd_hash *prev,
                              uint32_t height, uint32_t time, uint32_t salt)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCK);
    struct ptd_msg_block *b = PTD_MSG_AS(block, m);
    uint8_t script[PTD_HEIGHT_PUSH_MAX + 5];
    static const uint8_t anyone[] = { 0x51 };
    size_t n = ptd_height_push(script, height);

    ck_assert_ptr_nonnull(m);
    script[n] = 4;
    ptd_put_le32(script + n + 1, salt);
    n += 5;
    b->header = (struct ptd_block_header){
        .version = 0x20000000, .prev = *prev, .time = time, .bits = 0x207fffff
    };
    b->n_tx = 1;
    b->tx = ptd_msg_alloc(m, 1, sizeof *b->tx);
    b->tx->version = 1;
    b->tx->n_in = b->tx->n_out = 1;
    b->tx->in = ptd_msg_alloc(m, 1, sizeof *b->tx->in);
    b->tx->out = ptd_msg_alloc(m, 1, sizeof *b->tx->out);
    b->tx->in->prev.index = UINT32_MAX;
    b->tx->in->sequence = UINT32_MAX;
    b->tx->out->value = ptd_block_subsidy(&r->params, height);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &b->tx->in->script, script, n),
                     PTD_OK);
    ck_assert_int_eq(
        ptd_msg_copy_bytes(m, &b->tx->out->script, anyone, sizeof anyone),
        PTD_OK);
    return m;
}

void rig_solve(const struct rig *r, struct ptd_msg *m)
{
    uint64_t tries = 1000000;

    ck_assert_int_eq(ptd_block_seal(PTD_MSG_AS(block, m)), PTD_OK);
    ck_assert_int_eq(ptd_mine_solve(&r->params, m, &tries, NULL), PTD_OK);
}

struct ptd_msg *rig_block(const struct rig *r, const struct ptd_hash *prev,
                          uint32_t height, uint32_t time, uint32_t salt)
{
    struct ptd_msg *m = rig_raw_block(r, prev, height, time, salt);

    rig_solve(r, m);
    return m;
}

void rig_add_txs(struct ptd_msg *m, uint32_t n)
{
    struct ptd_msg_block *b = PTD_MSG_AS(block, m);
    struct ptd_tx *tx = ptd_msg_alloc(m, b->n_tx + n, sizeof *tx);

    ck_assert_ptr_nonnull(tx);
    memcpy(tx, b->tx, b->n_tx * sizeof *tx);
    for (uint32_t i = 0; i < n; i++) {
        struct ptd_tx *t = &tx[b->n_tx + i];

        t->version = 2;
        t->n_in = t->n_out = 1;
        t->in = ptd_msg_alloc(m, 1, sizeof *t->in);
        t->out = ptd_msg_alloc(m, 1, sizeof *t->out);
        memset(&t->in->prev.hash, 7, sizeof t->in->prev.hash);
        t->in->prev.index = i;
        t->in->sequence = UINT32_MAX;
        t->out->value = i;
    }
    b->tx = tx;
    b->n_tx += n;
}

struct ptd_hash rig_hash(const struct ptd_msg *m)
{
    struct ptd_hash hash;

    ptd_block_header_hash(&PTD_MSG_CONST(block, m)->header, &hash);
    return hash;
}

struct ptd_block_result rig_accept(struct rig *r, struct ptd_msg *m,
                                   unsigned flags)
{
    struct ptd_block_result res;

    ptd_blockchain_accept_block(r->c, &res, m, flags);
    ptd_msg_free(m);
    return res;
}

struct ptd_hash rig_grow(struct rig *r, const struct ptd_hash *on, size_t n,
                         uint32_t salt)
{
    struct ptd_hash at = *on;
    struct ptd_block_info info;

    ck_assert(ptd_blockchain_find(r->c, &info, on));
    for (uint32_t i = 1; i <= n; i++) {
        struct ptd_block_result res =
            rig_accept(r,
                       rig_block(r, &at, info.header.height + i,
                                 info.header.time + i, salt),
                       PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);

        ck_assert_msg(res.verdict.class == PTD_BLOCK_VALID, "%s",
                      res.verdict.reason);
        ck_assert(res.is_new);
        at = res.hash;
    }
    return at;
}

struct ptd_hash rig_tip(struct rig *r)
{
    struct ptd_block_info info;

    ptd_blockchain_tip(r->c, &info);
    return info.header.hash;
}

bool rig_same(struct ptd_hash a, struct ptd_hash b)
{
    return ptd_hash_eq(&a, &b);
}

struct ptd_block_info rig_info(struct rig *r, struct ptd_hash hash)
{
    struct ptd_block_info info;

    ck_assert(ptd_blockchain_find(r->c, &info, &hash));
    return info;
}

struct ptd_msg *rig_next(struct rig *r, struct ptd_hash on, uint32_t salt)
{
    struct ptd_block_info info = rig_info(r, on);

    return rig_block(r, &on, info.header.height + 1, info.header.time + 1,
                     salt);
}
