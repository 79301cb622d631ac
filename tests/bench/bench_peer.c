/* Peers over loopback, both ends in this process: handshakes, memory, pings,
 * floods, blocks, broadcasts. */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "bench.h"
#include "pentad/chan.h"
#include "pentad/params.h"
#include "pentad/peer.h"
#include "pentad/process.h"
#include "sync/thread.h"

#define MAX_PAIRS 3000

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_peer: %s failed\n", what);
        exit(1);
    }
}

/* ---- pairs ------------------------------------------------------------------ */

struct pair {
    struct ptd_peer *in, *out;
    double sent_s;    /* when the ping left that is awaited */
    uint32_t n_pings; /* left to send */
};

static struct ptd_env *env;
static struct pair pairs[MAX_PAIRS];
static size_t n_pairs;
static bool direct = true;

/* Counted down by callbacks; the last one signals. */
static atomic_long left;
static struct ptd_chan *all_done;

static void expect(long n)
{
    atomic_store(&left, n);
}

static void one_less(long n)
{
    if (atomic_fetch_sub(&left, n) == n)
        must(ptd_chan_send(all_done, NULL) == PTD_OK, "signal");
}

static void await(void)
{
    must(ptd_chan_recv(all_done, NULL) == PTD_OK, "wait");
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    (void)p;
    (void)arg;
    one_less(1);
}

static enum ptd_err count_msg(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    (void)p;
    (void)m;
    (void)arg;
    one_less(1);
    return PTD_OK;
}

static int listen_on(struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

    *a = (struct sockaddr_in){ .sin_family = AF_INET };
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    must(bind(fd, (struct sockaddr *)a, sizeof *a) == 0, "bind");
    must(listen(fd, 4096) == 0, "listen");
    must(getsockname(fd, (struct sockaddr *)a, &n) == 0, "getsockname");
    return fd;
}

static struct ptd_peer *make(enum ptd_direction dir)
{
    struct ptd_peer_config cfg;
    struct ptd_peer *p;

    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    cfg.services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    cfg.hooks.on_ready = on_ready;
    cfg.direct_write = direct;
    cfg.send_limit_bytes = 64000000;
    cfg.recv_limit_bytes = 64000000;
    cfg.on_msg[PTD_MSG_INV].fn = count_msg;
    cfg.on_msg[PTD_MSG_BLOCK].fn = count_msg;
    must(ptd_peer_new(&p, env, &cfg, dir, NULL) == PTD_OK, "ptd_peer_new");
    return p;
}

static void connect_pairs(size_t n)
{
    struct sockaddr_in a;
    int l = listen_on(&a);

    n_pairs = n;
    expect((long)(2 * n));
    for (size_t i = 0; i < n; i++) {
        int out = socket(AF_INET, SOCK_STREAM, 0), in;

        must(out >= 0, "socket");
        must(connect(out, (struct sockaddr *)&a, sizeof a) == 0, "connect");
        must((in = accept(l, NULL, NULL)) >= 0, "accept");
        pairs[i].in = make(PTD_INBOUND);
        pairs[i].out = make(PTD_OUTBOUND);
        ptd_peer_set_user(pairs[i].out, &pairs[i]);
        must(ptd_peer_attach(pairs[i].in, in) == PTD_OK, "attach");
        must(ptd_peer_attach(pairs[i].out, out) == PTD_OK, "attach");
    }
    await();
    close(l);
}

static void end_pairs(void)
{
    for (size_t i = 0; i < n_pairs; i++) {
        ptd_peer_disconnect(pairs[i].out, PTD_ECLOSED, "done");
        ptd_peer_disconnect(pairs[i].in, PTD_ECLOSED, "done");
    }
    for (size_t i = 0; i < n_pairs; i++) {
        ptd_peer_join(pairs[i].out);
        ptd_peer_join(pairs[i].in);
        ptd_peer_free(pairs[i].out);
        ptd_peer_free(pairs[i].in);
    }
    n_pairs = 0;
}

/* ---- handshakes and memory ----------------------------------------------------- */

static void bench_handshakes(size_t n)
{
    static const char *const how[] = { "fresh", "parked", "parked_again" };
    char name[64];

    for (size_t k = 0; k < 3; k++) {
        double rss = bench_rss_bytes(), wall = bench_wall_s(),
               cpu = bench_cpu_s();

        connect_pairs(n);
        wall = bench_wall_s() - wall;
        cpu = bench_cpu_s() - cpu;
        snprintf(name, sizeof name, "handshakes_%zu_%s", n, how[k]);
        bench_print(name, (double)n / wall, "1/s");
        snprintf(name, sizeof name, "handshakes_%zu_%s_cpu", n, how[k]);
        bench_print(name, cpu / (double)n * 1e6, "us");
        if (k == 0) {
            snprintf(name, sizeof name, "rss_per_peer_%zu", n);
            bench_print(name,
                        (bench_rss_bytes() - rss) / (double)(2 * n) / 1024,
                        "KiB");
        }
        end_pairs();
    }
    ptd_env_drain(env);
}

/* ---- pings ------------------------------------------------------------------------ */

static double *samples;
static atomic_size_t n_samples;
static size_t max_samples;

static void send_ping(struct pair *p)
{
    p->sent_s = bench_wall_s();
    must(ptd_peer_queue(p->out, ptd_msg_new_nonce(PTD_MSG_PING, 1), NULL) ==
             PTD_OK,
         "ping");
}

static enum ptd_err on_pong(struct ptd_peer *peer, struct ptd_msg *m, void *arg)
{
    struct pair *p = ptd_peer_user(peer);
    size_t i = atomic_fetch_add(&n_samples, 1);

    (void)m;
    (void)arg;
    if (i < max_samples)
        samples[i] = bench_wall_s() - p->sent_s;
    if (--p->n_pings > 0)
        send_ping(p);
    else
        one_less(1);
    return PTD_OK;
}

static void bench_pings(size_t n, uint32_t each)
{
    double wall, cpu, total = (double)n * each;
    char name[64];

    connect_pairs(n);
    max_samples = (size_t)total;
    samples = malloc(max_samples * sizeof *samples);
    must(samples != NULL, "malloc");
    atomic_store(&n_samples, 0);
    expect((long)n);
    for (size_t i = 0; i < n; i++) {
        pairs[i].n_pings = each;
        ptd_peer_listen(pairs[i].out, PTD_MSG_PONG, on_pong, NULL);
    }
    wall = bench_wall_s();
    cpu = bench_cpu_s();
    for (size_t i = 0; i < n; i++)
        send_ping(&pairs[i]);
    await();
    wall = bench_wall_s() - wall;
    cpu = bench_cpu_s() - cpu;
    snprintf(name, sizeof name, "ping_%zu%s", n, direct ? "" : "_plain");
    printf("%s_rate %.6g 1/s\n", name, total / wall);
    printf("%s_cpu %.6g us\n", name, cpu / total * 1e6);
    printf("%s_median %.6g us\n", name,
           bench_quantile(samples, max_samples, 0.5) * 1e6);
    printf("%s_p99 %.6g us\n", name,
           bench_quantile(samples, max_samples, 0.99) * 1e6);
    free(samples);
    end_pairs();
}

/* ---- floods ------------------------------------------------------------------------ */

static struct ptd_msg *make_inv(size_t n)
{
    struct ptd_inv list[64] = { { PTD_INV_TX, { { 1 } } } };
    struct ptd_msg *m;

    for (size_t i = 0; i < n; i++) {
        list[i].type = PTD_INV_TX;
        memset(&list[i].hash, (int)i, sizeof list[i].hash);
    }
    m = ptd_msg_new_inv(PTD_MSG_INV, list, n);
    must(m != NULL, "inv");
    return m;
}

/* Each message is made anew, as a program would. A peer that does not keep up
 * is tried again: on a busy machine its threads may have to wait. */
static void flood_one(struct ptd_peer *p)
{
    enum ptd_err e;

    while ((e = ptd_peer_try_queue(p, make_inv(1), NULL)) == PTD_EFULL)
        sched_yield();
    must(e == PTD_OK, "queue");
}

struct flooder {
    struct ptd_thread thread;
    struct ptd_peer *peer;
    long n;
};

static void flooder_main(void *arg)
{
    struct flooder *f = arg;

    for (long k = 0; k < f->n; k++)
        flood_one(f->peer);
}

/* One thread for each peer that is flooded. */
static void bench_flood(size_t n, long each)
{
    double wall, cpu, total = (double)n * (double)each;
    struct flooder *f = calloc(n, sizeof *f);
    struct ptd_threads *pool = ptd_threads_new();
    char name[64];

    must(f != NULL && pool != NULL, "flooders");
    connect_pairs(n);
    expect((long)n * each);
    wall = bench_wall_s();
    cpu = bench_cpu_s();
    for (size_t i = 0; i < n; i++) {
        f[i].peer = pairs[i].out;
        f[i].n = each;
        must(ptd_thread_start(&f[i].thread, pool, "flood", flooder_main,
                              &f[i]) == PTD_OK,
             "a thread");
    }
    await();
    wall = bench_wall_s() - wall;
    cpu = bench_cpu_s() - cpu;
    for (size_t i = 0; i < n; i++)
        ptd_thread_join(&f[i].thread);
    snprintf(name, sizeof name, "flood_inv_%zu%s", n, direct ? "" : "_plain");
    printf("%s_rate %.6g 1/s\n", name, total / wall);
    printf("%s_cpu %.6g us\n", name, cpu / total * 1e6);
    end_pairs();
    ptd_threads_free(pool);
    free(f);
}

/* ---- blocks ------------------------------------------------------------------------- */

static void fill_tx(struct ptd_msg *m, struct ptd_tx *tx, uint32_t k)
{
    static const uint8_t script[107], pubkey[25];

    tx->version = 1;
    tx->n_in = tx->n_out = 2;
    tx->in = ptd_msg_alloc(m, 2, sizeof *tx->in);
    tx->out = ptd_msg_alloc(m, 2, sizeof *tx->out);
    must(tx->in != NULL && tx->out != NULL, "transaction");
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(tx->in[i].prev.hash.b, &k, sizeof k);
        tx->in[i].prev.index = i;
        tx->in[i].script = (struct ptd_bytes){ script, sizeof script };
        tx->in[i].sequence = UINT32_MAX;
        tx->out[i].value = 5000;
        tx->out[i].script = (struct ptd_bytes){ pubkey, sizeof pubkey };
    }
}

/* A block of n transactions of 374 bytes. */
static struct ptd_msg *make_block(uint32_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCK);
    struct ptd_msg_block *b = (struct ptd_msg_block *)(void *)m;

    must(m != NULL, "block");
    b->n_tx = n;
    b->tx = ptd_msg_alloc(m, n, sizeof *b->tx);
    must(b->tx != NULL, "block");
    for (uint32_t i = 0; i < n; i++)
        fill_tx(m, &b->tx[i], i);
    return m;
}

enum { BLOCK_TX = 3342 }; /* 1.25 MB */

/* As fast as the peer takes them, never above its send limit. */
static void queue_block(struct ptd_peer *p, struct ptd_msg *block)
{
    enum ptd_err e;

    while ((e = ptd_peer_try_queue(p, ptd_msg_ref(block), NULL)) == PTD_EFULL)
        sched_yield();
    must(e == PTD_OK, "queue");
}

static void bench_blocks(long n)
{
    struct ptd_msg *block = make_block(BLOCK_TX);
    struct ptd_peer_stats s;
    double wall, cpu, bytes;

    connect_pairs(1);
    for (int round = 0; round < 2; round++) { /* the first warms up */
        expect(n);
        wall = bench_wall_s();
        cpu = bench_cpu_s();
        for (long i = 0; i < n; i++)
            queue_block(pairs[0].out, block);
        await();
        wall = bench_wall_s() - wall;
        cpu = bench_cpu_s() - cpu;
    }
    ptd_peer_stats(pairs[0].in, &s);
    bytes = (double)s.recv[PTD_MSG_BLOCK].bytes / 2;
    bench_print("blocks_1_rate", bytes / wall / 1e6, "MB/s");
    bench_print("blocks_1_cpu", cpu / (double)n * 1e6, "us");
    ptd_msg_free(block);
    end_pairs();
}

/* ---- one message to all ---------------------------------------------------------------- */

/* The process's CPU time, with what it will take to ask again added: the kernel
 * sums up 10,000 threads, which is a tenth of a round. */
static double cpu_before(void)
{
    double before = bench_cpu_s(), now = bench_cpu_s();

    return now + (now - before);
}

static void bench_broadcast(const char *name, size_t n,
                            struct ptd_msg *(*make_one)(void), int rounds)
{
    double wall[16], cpu[16];
    char text[64];

    connect_pairs(n);
    for (int r = 0; r < rounds; r++) {
        struct ptd_msg *m = make_one();

        expect((long)n);
        cpu[r] = cpu_before();
        wall[r] = bench_wall_s();
        for (size_t i = 0; i < n; i++)
            must(ptd_peer_queue(pairs[i].out, ptd_msg_ref(m), NULL) == PTD_OK,
                 "queue");
        await();
        wall[r] = (bench_wall_s() - wall[r]) * 1e3;
        cpu[r] = (bench_cpu_s() - cpu[r]) * 1e3;
        ptd_msg_free(m);
    }
    snprintf(text, sizeof text, "%s_%zu_first", name, n);
    bench_print(text, wall[0], "ms");
    snprintf(text, sizeof text, "%s_%zu", name, n);
    bench_print(text, bench_quantile(wall + 1, (size_t)rounds - 1, 0.5), "ms");
    snprintf(text, sizeof text, "%s_%zu_cpu", name, n);
    bench_print(text, bench_quantile(cpu + 1, (size_t)rounds - 1, 0.5), "ms");
    end_pairs();
}

static struct ptd_msg *inv_of_35(void)
{
    return make_inv(35);
}

static struct ptd_msg *block_of_1250000(void)
{
    return make_block(BLOCK_TX);
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool is_wanted(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    struct ptd_env_config cfg;
    struct rlimit r;

    ptd_process_tune();
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    ptd_env_config_init(&cfg);
    cfg.max_parked_teams = 2 * MAX_PAIRS;
    cfg.queue_budget_bytes = (size_t)2 << 30;
    cfg.allow_self = true;
    env = ptd_env_new(&cfg);
    all_done = ptd_chan_new(0, 1);
    must(env != NULL && all_done != NULL, "start");

    if (is_wanted(argc, argv, "handshakes")) {
        bench_handshakes(100);
        bench_handshakes(1000);
        bench_handshakes(3000);
    }
    if (is_wanted(argc, argv, "pings")) {
        bench_pings(1, 20000);
        bench_pings(100, 1000);
        bench_pings(1000, 100);
        direct = false;
        bench_pings(1, 20000);
        direct = true;
    }
    if (is_wanted(argc, argv, "floods")) {
        bench_flood(1, 2000000);
        bench_flood(100, 20000);
        bench_flood(1000, 1000);
    }
    if (is_wanted(argc, argv, "blocks"))
        bench_blocks(400);
    if (is_wanted(argc, argv, "broadcasts")) {
        bench_broadcast("broadcast_inv35", 1000, inv_of_35, 11);
        bench_broadcast("broadcast_block", 100, block_of_1250000, 7);
    }
    ptd_chan_free(all_done);
    ptd_env_free(env);
    return 0;
}
