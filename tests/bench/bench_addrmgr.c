/* How long the address manager takes over 80,000 addresses: to read and write
 * its file, to take in a message, to pick, to sample. */
#include <config.h>

#include <string.h>

#include "addrmgr/addrmgr.h"
#include "addrmgr/peersfile.h"
#include "base/util.h"
#include "bench.h"

enum {
    WANTED = 80000,
    WANTED_TRIED = 15600,
    REPEAT = 9,
    SELECTIONS = 100000,
    SAMPLES = 200
};

static const uint8_t magic[4] = { 0xf9, 0xbe, 0xb4, 0xd9 };

static uint32_t random_u32(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state ^ *state >> 16;
}

static struct ptd_netaddr random_address(uint32_t *state)
{
    uint32_t v = random_u32(state);
    uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                     (uint8_t)v };
    struct ptd_netaddr na;

    PTD_ASSERT(ptd_netaddr_set(&na, PTD_NET_IPV4, b, 4, 8333) == PTD_OK);
    return na;
}

static size_t size_of(struct ptd_addrmgr *m, enum ptd_addrmgr_table table)
{
    return ptd_addrmgr_size(m, PTD_NET_NONE, table);
}

/* Random addresses from random sources: at first all of them answer, until
 * tried is nearly full, then none. */
static void fill(struct ptd_addrmgr *m)
{
    struct ptd_addr_entry e = { .time = (uint32_t)time(NULL), .services = 9 };
    double start = bench_wall_s();
    uint32_t state = 1;
    size_t n = 0;

    for (; size_of(m, PTD_ADDRMGR_BOTH) < WANTED; n++) {
        struct ptd_netaddr source = random_address(&state);

        e.na = random_address(&state);
        ptd_addrmgr_add(m, &e, 1, &source, 0);
        if (size_of(m, PTD_ADDRMGR_TRIED) < WANTED_TRIED)
            (void)ptd_addrmgr_good(m, &e.na);
    }
    bench_print("addrmgr_add_one", (bench_wall_s() - start) / (double)n * 1e6,
                "us");
}

static void bench_file(struct ptd_addrmgr *m)
{
    struct ptd_addrmgr *back = ptd_addrmgr_new(NULL);
    double save[REPEAT], load[REPEAT], cpu[REPEAT];
    static char why[PTD_PEERSFILE_WHY];
    char path[] = "/tmp/bench_addrmgr.XXXXXX";
    int fd = mkstemp(path);

    PTD_ASSERT(fd >= 0 && back != NULL);
    close(fd);
    for (int i = 0; i < REPEAT; i++) {
        double start = bench_wall_s();

        PTD_ASSERT(ptd_peersfile_save(m, path, magic) == PTD_OK);
        save[i] = (bench_wall_s() - start) * 1e3;
        start = bench_wall_s();
        cpu[i] = bench_cpu_s();
        PTD_ASSERT(ptd_peersfile_load(back, why, path, magic) == PTD_OK);
        load[i] = (bench_wall_s() - start) * 1e3;
        cpu[i] = (bench_cpu_s() - cpu[i]) * 1e3;
    }
    PTD_ASSERT(size_of(back, PTD_ADDRMGR_BOTH) == size_of(m, PTD_ADDRMGR_BOTH));
    unlink(path);
    ptd_addrmgr_free(back);
    bench_print("addrmgr_addresses", (double)size_of(m, PTD_ADDRMGR_BOTH),
                "addresses");
    bench_print("addrmgr_save_median", bench_quantile(save, REPEAT, 0.5), "ms");
    bench_print("addrmgr_load_median", bench_quantile(load, REPEAT, 0.5), "ms");
    bench_print("addrmgr_load_worst", load[REPEAT - 1], "ms");
    bench_print("addrmgr_load_cpu", bench_quantile(cpu, REPEAT, 0.5), "ms");
}

static void bench_picks(struct ptd_addrmgr *m)
{
    static struct ptd_addr_entry out[PTD_ADDRMGR_SAMPLE_MAX];
    struct ptd_addrmgr_pick pick;
    double start = bench_wall_s();

    for (int i = 0; i < SELECTIONS; i++)
        PTD_ASSERT(ptd_addrmgr_select(m, &pick, PTD_ADDRMGR_BOTH, 0));
    bench_print("addrmgr_select", (bench_wall_s() - start) / SELECTIONS * 1e6,
                "us");
    start = bench_wall_s();
    for (int i = 0; i < SAMPLES; i++)
        (void)ptd_addrmgr_sample(m, out, PTD_ADDRMGR_SAMPLE_MAX,
                                 PTD_ADDRMGR_SAMPLE_PERCENT, PTD_NET_NONE,
                                 PTD_ADDRMGR_FIT);
    bench_print("addrmgr_sample_1000", (bench_wall_s() - start) / SAMPLES * 1e6,
                "us");
}

int main(void)
{
    struct ptd_addrmgr *m;
    double before = bench_rss_bytes();

    m = ptd_addrmgr_new(NULL);
    PTD_ASSERT(m != NULL);
    fill(m);
    bench_print("addrmgr_memory", (bench_rss_bytes() - before) / 1e6, "MB");
    bench_file(m);
    bench_picks(m);
    ptd_addrmgr_free(m);
    return 0;
}
