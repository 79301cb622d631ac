/* bench_compact - a block of 2,500 transactions as a compact block (BIP 152):
 * made of the block; and made a block again, of transactions at hand.
 *
 *     bench_compact [transactions [rounds]]
 */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "bench.h"
#include "chain/chain.h"
#include "chain/mine.h"
#include "daemon.h"
#include "netsync/netsync_int.h"
#include "txs.h"

#define must bench_must

struct pool {
    struct ptd_msg **tx;
    struct ptd_tx_ids *ids;
    size_t n;
};

/* As a pool gives them: the ids are known since they came. */
static void each_tx(void *arg, ptd_sync_take_tx take, void *ctx)
{
    const struct pool *pool = arg;

    for (size_t i = 0; i < pool->n; i++)
        take(ctx, pool->tx[i], &pool->ids[i].txid, &pool->ids[i].wtxid);
}

static void fill(struct pool *pool, size_t n, bool witness)
{
    pool->n = n;
    pool->tx = bench_txs_new(n, 380, witness);
    pool->ids = calloc(n, sizeof *pool->ids);
    must(pool->ids != NULL, "memory");
    for (size_t i = 0; i < n; i++) {
        const struct ptd_tx *tx = &SYNC_MSG(tx, pool->tx[i])->tx;

        must(ptd_tx_txid(tx, &pool->ids[i].txid) == PTD_OK &&
                 ptd_tx_wtxid(tx, &pool->ids[i].wtxid) == PTD_OK,
             "a transaction's ids");
    }
}

/* A block as it came from a peer. */
static struct ptd_msg *make_block(struct ptd_blockchain *c,
                                  const struct pool *pool)
{
    static const uint8_t script[] = { 0x51 };
    struct ptd_mine_job job = {
        .script = script,
        .script_bytes = sizeof script,
        .txs = (const struct ptd_msg *const *)pool->tx,
        .n_txs = pool->n,
    };
    struct ptd_block_verdict why;
    struct ptd_hash hash;
    uint64_t tries = UINT64_MAX;
    struct ptd_msg *block;
    size_t made;

    must(ptd_mine_generate(c, &hash, &made, &why, 1, &job, &tries, NULL) ==
             PTD_OK,
         "a block");
    must(ptd_blockchain_read_block(c, &block, &hash) == PTD_OK, "the block");
    return block;
}

static void rebuild_once(struct ptd_netsync *ns, struct ptd_msg *compact)
{
    struct partial *part;
    struct ptd_msg *block, *ask;
    size_t n_missing;

    must(partial_new(&part, ns, compact) == PARTIAL_OK, "short ids");
    ask = partial_ask(part, &n_missing);
    must(ask == NULL && n_missing == 0, "transactions at hand");
    must(partial_fill(part, &block, NULL, true) == PARTIAL_OK, "the block");
    ptd_msg_free(block);
    partial_free(part);
}

static void print(const char *what, const char *suffix, double ms)
{
    char name[64];

    snprintf(name, sizeof name, "compact_%s%s", what, suffix);
    bench_print(name, ms, "ms");
}

static void measure(struct ptd_netsync *ns, const struct ptd_msg *block,
                    size_t rounds, const char *suffix)
{
    const struct ptd_msg_block *b = SYNC_MSG(block, block);
    double *make = calloc(rounds, sizeof *make);
    double *rebuild = calloc(rounds, sizeof *rebuild);
    double cpu[2] = { 0 };

    must(make != NULL && rebuild != NULL, "memory");
    for (size_t i = 0; i < rounds; i++) {
        double cpu_at[3], wall_at[3];
        struct ptd_msg *compact;

        cpu_at[0] = bench_cpu_s();
        wall_at[0] = bench_wall_s();
        compact = compact_make(b, i);
        must(compact != NULL, "a compact block");
        cpu_at[1] = bench_cpu_s();
        wall_at[1] = bench_wall_s();
        rebuild_once(ns, compact);
        cpu_at[2] = bench_cpu_s();
        wall_at[2] = bench_wall_s();
        ptd_msg_free(compact);
        make[i] = wall_at[1] - wall_at[0];
        rebuild[i] = wall_at[2] - wall_at[1];
        cpu[0] += cpu_at[1] - cpu_at[0];
        cpu[1] += cpu_at[2] - cpu_at[1];
    }
    print("encode", suffix, bench_quantile(make, rounds, 0.5) * 1e3);
    print("encode_cpu", suffix, cpu[0] / (double)rounds * 1e3);
    print("rebuild", suffix, bench_quantile(rebuild, rounds, 0.5) * 1e3);
    print("rebuild_cpu", suffix, cpu[1] / (double)rounds * 1e3);
    free(make);
    free(rebuild);
}

static uint64_t no_services(void *arg)
{
    (void)arg;
    return 0;
}

static enum ptd_err no_peer(void *arg, void *user, enum ptd_err e,
                            const char *why)
{
    (void)arg;
    (void)user;
    (void)why;
    return e;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2500;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 200;
    struct ptd_params params = *ptd_params_by_name("regtest");
    char dir[64], blocks[96], index[96], why[PTD_CHAIN_WHY_SIZE];
    struct ptd_blockchain_config chain_config = { .params = &params,
                                                  .blocks_dir = blocks,
                                                  .index_dir = index };
    struct pool pool;
    struct ptd_netsync_config config = { .services = no_services,
                                         .misbehaved = no_peer,
                                         .each_tx = each_tx,
                                         .arg = &pool };
    struct ptd_netsync *ns;
    struct ptd_msg *block;

    must(n > 0 && rounds > 0, "bench_compact [transactions [rounds]]");
    bench_new_dir(dir);
    snprintf(blocks, sizeof blocks, "%s/blocks", dir);
    snprintf(index, sizeof index, "%s/index", dir);
    must(ptd_blockchain_open(&config.chain, &chain_config, why) == PTD_OK, why);
    ns = ptd_netsync_new(&config);
    must(ns != NULL, "memory");
    for (int witness = 0; witness < 2; witness++) {
        fill(&pool, n, witness);
        block = make_block(config.chain, &pool);
        measure(ns, block, rounds, witness ? "_segwit" : "");
        ptd_msg_free(block);
        bench_txs_free(pool.tx, n);
        free(pool.ids);
    }
    ptd_netsync_free(ns);
    ptd_blockchain_close(config.chain);
    bench_remove_dir(dir);
    return 0;
}
