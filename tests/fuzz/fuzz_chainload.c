/* The index's journal as whoever opens the chain reads it: over a database that
 * has the genesis block alone, and the blocks of a short chain, which lie in
 * their file as they should.
 *
 * An input is a journal; its check sums are put right (fuzz_journal_sums()). */
#include <config.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "chain/chain.h"
#include "chain/mine.h"
#include "target.h"

enum { N_BLOCKS = 4, MAX_FILE = 1 << 20 };

/* Where a run has its files, and what lies there at its beginning. */
struct place {
    char dir[128], blocks[160], index[192], journal[224], first[192];
    char database[224];
    struct ptd_clock *clock;
    uint8_t *block_file;
    size_t n_block_file;
    uint8_t *database_file; /* with the genesis block alone */
    size_t n_database_file;
};

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

static void empty(const struct place *p)
{
    (void)nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make(const struct place *p)
{
    PTD_ASSERT(mkdir(p->dir, 0700) == 0 && mkdir(p->blocks, 0700) == 0 &&
               mkdir(p->index, 0700) == 0);
}

static void write_all(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    PTD_ASSERT(f != NULL);
    PTD_ASSERT(fwrite(data, 1, n, f) == n);
    PTD_ASSERT(fclose(f) == 0);
}

static void name_place(struct place *p)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || strlen(tmp) > 80)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(p->dir, sizeof p->dir, "%s/ptd-fuzz-chain-%ld", tmp,
             (long)getpid());
    snprintf(p->blocks, sizeof p->blocks, "%s/blocks", p->dir);
    snprintf(p->index, sizeof p->index, "%s/index", p->blocks);
    snprintf(p->journal, sizeof p->journal, "%s/journal", p->index);
    snprintf(p->database, sizeof p->database, "%s/data.mdb", p->index);
    snprintf(p->first, sizeof p->first, "%s/blk00000.dat", p->blocks);
}

static enum ptd_err open_chain(const struct place *p,
                               struct ptd_blockchain **out)
{
    const struct ptd_blockchain_config cfg = {
        .params = ptd_params_of(PTD_CHAIN_REGTEST),
        .clock = p->clock,
        .blocks_dir = p->blocks,
        .index_dir = p->index,
    };
    char why[PTD_CHAIN_WHY_SIZE] = "";
    enum ptd_err e = ptd_blockchain_open(out, &cfg, why);

    PTD_ASSERT(strlen(why) < sizeof why);
    PTD_ASSERT(e == PTD_OK || e == PTD_EINVAL || why[0] != '\0');
    return e;
}

/* Mine the chain; give the journal that tells of it. */
static void mine(struct place *p, uint8_t **journal, size_t *n)
{
    static const uint8_t anyone[] = { 0x51 };
    const struct ptd_mine_job job = { .script = anyone, .script_bytes = 1 };
    uint64_t tries = PTD_MINE_DEFAULT_TRIES;
    struct ptd_hash made[N_BLOCKS];
    struct ptd_block_verdict v;
    struct ptd_blockchain *c;
    size_t n_made;

    empty(p);
    make(p);
    PTD_ASSERT(open_chain(p, &c) == PTD_OK);
    PTD_ASSERT(ptd_file_read(&p->database_file, &p->n_database_file,
                             p->database, MAX_FILE) == PTD_OK);
    PTD_ASSERT(ptd_mine_generate(c, made, &n_made, &v, N_BLOCKS, &job, &tries,
                                 NULL) == PTD_OK);
    PTD_ASSERT(ptd_file_read(&p->block_file, &p->n_block_file, p->first,
                             MAX_FILE) == PTD_OK);
    PTD_ASSERT(ptd_file_read(journal, n, p->journal, MAX_FILE) == PTD_OK);
    ptd_blockchain_close(c);
    empty(p);
}

/* The place as a process that was killed left it. */
static void lay_out(const struct place *p, const uint8_t *journal, size_t n)
{
    make(p);
    write_all(p->first, p->block_file, p->n_block_file);
    write_all(p->database, p->database_file, p->n_database_file);
    write_all(p->journal, journal, n);
}

/* The journal as it was tells of the whole chain: else what is made of it would
 * be refused for that. */
static void check_place(const struct place *p, const uint8_t *journal, size_t n)
{
    struct ptd_blockchain *c;

    lay_out(p, journal, n);
    PTD_ASSERT(open_chain(p, &c) == PTD_OK);
    PTD_ASSERT(ptd_blockchain_height(c) == N_BLOCKS);
    ptd_blockchain_close(c);
    empty(p);
}

static void place_init(struct place *p, uint8_t **journal, size_t *n)
{
    name_place(p);
    p->clock = ptd_clock_new();
    PTD_ASSERT(p->clock != NULL);
    ptd_clock_set_wall_us(p->clock, INT64_C(1600000000) * 1000000);
    mine(p, journal, n);
    check_place(p, *journal, *n);
}

static void place_fini(struct place *p)
{
    ptd_free(p->block_file);
    ptd_free(p->database_file);
    ptd_clock_free(p->clock);
}

/* Whatever was loaded can be asked for. */
static void look_at(struct ptd_blockchain *c)
{
    struct ptd_block_info tip, b;
    struct ptd_msg *m;

    ptd_blockchain_tip(c, &tip);
    for (uint32_t h = 0; h <= tip.header.height; h++) {
        PTD_ASSERT(ptd_blockchain_at(c, &b, h) && b.active);
        if (ptd_blockchain_read_block(c, &m, &b.header.hash) == PTD_OK)
            ptd_msg_free(m);
    }
}

static void run(const uint8_t *data, size_t size)
{
    static struct place p;
    static pid_t owner;
    struct ptd_blockchain *c;
    uint8_t *journal;
    size_t n;

    if (owner != getpid()) {
        owner = getpid();
        place_init(&p, &journal, &n);
        ptd_free(journal);
    }
    journal = malloc(size > 0 ? size : 1);
    PTD_ASSERT(journal != NULL);
    if (size > 0)
        memcpy(journal, data, size);
    fuzz_journal_sums(journal, size);
    lay_out(&p, journal, size);
    free(journal);
    if (open_chain(&p, &c) == PTD_OK) {
        look_at(c);
        ptd_blockchain_close(c);
    }
    empty(&p);
}

static void seeds(fuzz_seed_fn *fn, void *arg)
{
    struct place p = { .block_file = NULL };
    uint8_t *journal;
    size_t n;

    place_init(&p, &journal, &n);
    fn(arg, journal, n);
    ptd_free(journal);
    place_fini(&p);
}

const struct fuzz_target fuzz_chainload = { "chainload", run, seeds };
