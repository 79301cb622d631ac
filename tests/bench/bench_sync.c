/* bench_sync - what one node gets from another, in processes of their own:
 * headers from a scripted peer, 10,000 small blocks, blocks of 1 MB; and how
 * fast old blocks are served, beside what the loopback can.
 *
 *     bench_sync [headers [small blocks [large blocks [pentad]]]]
 *
 * After a wall time comes the CPU time of the daemons, which on a busy machine
 * tells more.
 */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "bench.h"
#include "chain/chain.h"
#include "chain/mine.h"
#include "crypto/sha256.h"
#include "daemon.h"
#include "pentad/wire.h"
#include "sync/thread.h"
#include "txs.h"
#include "wire/codec.h"

#define must bench_must

enum {
    H = PTD_HEADER_BYTES,
    PER_MESSAGE = PTD_MAX_HEADERS_PER_MSG,
    MAX_FRAME = PTD_V1_HEADER_BYTES + 3 + PER_MESSAGE * (H + 1),
    TXS_PER_MB = 2500,
    ROUNDS = 3,
    CHUNK = 1 << 18
};

static const char *program = "src/cmd/pentad";
static const char *const regtest[] = { "-regtest", "-server", NULL };
static const char *const mainnet[] = { "-server", "-minimumchainwork=0", NULL };

/* ---- frames ----------------------------------------------------------- */

struct conn {
    int fd;
    const uint8_t *magic;
};

static void send_all(int fd, const void *data, size_t n)
{
    const uint8_t *p = data;

    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

        must(k > 0, "send");
        p += k;
        n -= (size_t)k;
    }
}

static void recv_all(int fd, void *data, size_t n)
{
    /* For nothing it would wait until there is something. */
    must(n == 0 || recv(fd, data, n, MSG_WAITALL) == (ssize_t)n, "recv");
}

/* A frame around a payload that lies behind its place; gives its bytes. */
static size_t close_frame(uint8_t *frame, const uint8_t *magic,
                          const char *command, size_t n)
{
    struct ptd_v1_header h = { .length = (uint32_t)n };

    memcpy(h.magic, magic, 4);
    strcpy(h.command, command);
    ptd_v1_checksum(frame + PTD_V1_HEADER_BYTES, n, h.checksum);
    ptd_v1_header_encode(&h, frame);
    return PTD_V1_HEADER_BYTES + n;
}

static void send_msg(const struct conn *c, struct ptd_msg *m)
{
    struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY };
    uint8_t *frame = malloc(MAX_FRAME);
    size_t n;

    must(m != NULL && frame != NULL, "memory");
    must(ptd_msg_encode(m, frame + PTD_V1_HEADER_BYTES,
                        MAX_FRAME - PTD_V1_HEADER_BYTES, &n, &cx) == PTD_OK,
         "encode");
    n = close_frame(frame, c->magic, ptd_msg_type_command(m->type), n);
    send_all(c->fd, frame, n);
    free(frame);
    ptd_msg_free(m);
}

/* The next message's command; what it carries is in `payload`, if it fits. */
static size_t recv_msg(const struct conn *c, char command[16], uint8_t *payload,
                       size_t cap)
{
    uint8_t raw[PTD_V1_HEADER_BYTES], rest[CHUNK];
    struct ptd_v1_header h;

    recv_all(c->fd, raw, sizeof raw);
    must(ptd_v1_header_decode(&h, raw, c->magic) == PTD_OK, "a frame");
    snprintf(command, 16, "%s", h.command);
    if (h.length <= cap) {
        recv_all(c->fd, payload, h.length);
        return h.length;
    }
    for (size_t n = h.length, some; n > 0; n -= some) {
        some = PTD_MIN(n, sizeof rest);
        recv_all(c->fd, rest, some);
    }
    return h.length;
}

static void send_version(const struct conn *c, size_t height)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    struct ptd_msg_version *v = (struct ptd_msg_version *)(void *)m;

    must(m != NULL, "version");
    v->version = PTD_PVER_WTXIDRELAY;
    v->services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    v->time = time(NULL);
    v->nonce = 1;
    v->start_height = (int32_t)height;
    send_msg(c, m);
}

/* ---- headers ---------------------------------------------------------- */

struct headers {
    uint8_t *raw;          /* n headers behind genesis */
    struct ptd_hash *hash; /* n + 1: genesis first */
    size_t n;
    uint8_t **frame; /* whole messages, PER_MESSAGE headers each */
    size_t *bytes;
    size_t n_frames;
};

/* Each frame is made before anybody asks for it. */
static void make_frames(struct headers *h, const uint8_t *magic)
{
    h->n_frames = (h->n + PER_MESSAGE - 1) / PER_MESSAGE;
    h->frame = calloc(h->n_frames, sizeof *h->frame);
    h->bytes = calloc(h->n_frames, sizeof *h->bytes);
    must(h->frame != NULL && h->bytes != NULL, "memory");
    for (size_t i = 0; i < h->n_frames; i++) {
        size_t n = PTD_MIN(h->n - i * PER_MESSAGE, (size_t)PER_MESSAGE);
        uint8_t *p;

        must((h->frame[i] = malloc(MAX_FRAME)) != NULL, "memory");
        p = h->frame[i] + PTD_V1_HEADER_BYTES;
        *p = 0xfd;
        ptd_put_le16(p + 1, (uint16_t)n);
        p += 3;
        for (size_t k = 0; k < n; k++, p += H + 1) {
            memcpy(p, h->raw + (i * PER_MESSAGE + k) * H, H);
            p[H] = 0;
        }
        h->bytes[i] =
            close_frame(h->frame[i], magic, "headers",
                        (size_t)(p - h->frame[i]) - PTD_V1_HEADER_BYTES);
    }
}

static void new_headers(struct headers *h, const struct ptd_params *params,
                        size_t n)
{
    *h = (struct headers){ .n = n };
    h->raw = calloc(n, H);
    h->hash = calloc(n + 1, sizeof *h->hash);
    must(h->raw != NULL && h->hash != NULL, "memory");
    h->hash[0] = params->genesis.hash;
}

static void mine_headers(struct headers *h, const struct ptd_params *params,
                         size_t n)
{
    new_headers(h, params, n);
    for (size_t i = 0; i < n; i++) {
        uint8_t *raw = h->raw + i * H;

        ptd_put_le32(raw, 0x20000000);
        memcpy(raw + 4, h->hash[i].b, 32);
        ptd_put_le32(raw + 68, params->genesis.time + 1 + (uint32_t)i);
        ptd_put_le32(raw + 72, 0x207fffff);
        do {
            ptd_put_le32(raw + 76, ptd_get_le32(raw + 76) + 1);
            ptd_sha256d(h->hash[i + 1].b, raw, H);
        } while (h->hash[i + 1].b[31] > 0x7e);
    }
}

/* Those of the test vectors; false: they are not there. */
static bool read_headers(struct headers *h, const struct ptd_params *params)
{
    FILE *f = fopen(PTD_VECTORS_DIR "/headers/mainnet-0-to-10236.bin", "rb");
    uint8_t genesis[H];

    if (f == NULL)
        return false;
    new_headers(h, params, 10236);
    must(fread(genesis, H, 1, f) == 1 && fread(h->raw, H, h->n, f) == h->n,
         "the vectors");
    fclose(f);
    for (size_t i = 0; i < h->n; i++)
        ptd_sha256d(h->hash[i + 1].b, h->raw + i * H, H);
    return true;
}

static void free_headers(struct headers *h)
{
    for (size_t i = 0; i < h->n_frames; i++)
        free(h->frame[i]);
    free(h->frame);
    free(h->bytes);
    free(h->hash);
    free(h->raw);
}

/* Answer a getheaders; the first hash of its locator is mostly the last one
 * that was sent. True: that was the last of all. */
static bool answer(const struct conn *c, const struct headers *h, size_t *at,
                   const uint8_t *payload)
{
    while (*at > 0 && memcmp(h->hash[*at].b, payload + 5, 32) != 0)
        --*at;
    if (*at == h->n)
        return true;
    must(*at % PER_MESSAGE == 0, "a question for what comes next");
    send_all(c->fd, h->frame[*at / PER_MESSAGE], h->bytes[*at / PER_MESSAGE]);
    *at = PTD_MIN(*at + PER_MESSAGE, h->n);
    return false;
}

/* Serve one node until it has all; begin: wall and its CPU time when it first
 * asked. */
static void serve(const struct conn *c, const struct headers *h,
                  const struct bench_daemon *d, double begin[2])
{
    uint8_t payload[8192];
    char command[16];
    size_t at = 0;

    begin[0] = 0;
    for (bool done = false; !done;) {
        recv_msg(c, command, payload, sizeof payload);
        if (strcmp(command, "version") == 0) {
            send_version(c, h->n);
            send_msg(c, ptd_msg_new(PTD_MSG_VERACK));
        } else if (strcmp(command, "pong") == 0) {
            done = true;
        } else if (strcmp(command, "getheaders") == 0) {
            if (begin[0] == 0) {
                begin[0] = bench_wall_s();
                begin[1] = bench_daemon_cpu_s(d);
            }
            done = answer(c, h, &at, payload);
            /* A message that is not full is followed by no question. */
            if (!done && at == h->n && h->n % PER_MESSAGE != 0)
                send_msg(c, ptd_msg_new_nonce(PTD_MSG_PING, 7));
        }
    }
}

static void headers_from_peer(const char *name, const struct headers *h,
                              const struct ptd_params *params,
                              const char *const *options)
{
    struct bench_daemon d = { 0 };
    struct conn c = { .magic = params->magic };
    struct sockaddr_in here;
    double wall[ROUNDS], cpu[ROUNDS], begin[2];
    char text[64], label[64];
    int listener;

    for (int i = 0; i < ROUNDS; i++) {
        d = (struct bench_daemon){ 0 };
        bench_daemon_start(&d, program, options);
        listener = bench_listen(&here);
        snprintf(text, sizeof text, "[\"127.0.0.1:%u\", \"onetry\"]",
                 ntohs(here.sin_port));
        bench_daemon_rpc(&d, "addnode", text);
        must((c.fd = accept(listener, NULL, NULL)) >= 0, "accept");
        serve(&c, h, &d, begin);
        wall[i] = bench_wall_s() - begin[0];
        cpu[i] = bench_daemon_cpu_s(&d) - begin[1];
        close(c.fd);
        close(listener);
        bench_daemon_end(&d);
    }
    snprintf(label, sizeof label, "headers_from_peer_%s", name);
    bench_print(label, (double)h->n / bench_quantile(wall, ROUNDS, 0.5), "/s");
    snprintf(label, sizeof label, "headers_from_peer_%s_cpu", name);
    bench_print(label, (double)h->n / bench_quantile(cpu, ROUNDS, 0.5),
                "/CPU-s");
}

static void bench_headers(size_t n)
{
    const struct ptd_params *params = ptd_params_by_name("regtest");
    struct headers h;

    mine_headers(&h, params, n);
    make_frames(&h, params->magic);
    headers_from_peer("regtest", &h, params, regtest);
    free_headers(&h);
    params = ptd_params_by_name("main");
    if (!read_headers(&h, params)) {
        fprintf(stderr, "bench_sync: no test vectors\n");
        return;
    }
    make_frames(&h, params->magic);
    headers_from_peer("mainnet", &h, params, mainnet);
    free_headers(&h);
}

/* ---- a chain ---------------------------------------------------------- */

struct chain {
    char dir[64]; /* a data directory */
    struct ptd_hash *hash;
    size_t n;
    double bytes; /* of all blocks */
};

static void make_chain(struct chain *ch, size_t n, struct ptd_msg **txs,
                       size_t n_txs)
{
    static const uint8_t script[] = { 0x51 };
    struct ptd_params params = *ptd_params_by_name("regtest");
    char blocks[96], index[112], why[PTD_CHAIN_WHY_SIZE];
    struct ptd_blockchain_config cfg = { .params = &params,
                                         .blocks_dir = blocks,
                                         .index_dir = index };
    struct ptd_mine_job job = { .script = script,
                                .script_bytes = sizeof script,
                                .txs = (const struct ptd_msg *const *)txs,
                                .n_txs = n_txs };
    struct ptd_block_verdict verdict;
    struct ptd_chain_stats stats;
    struct ptd_blockchain *c;
    uint64_t tries = UINT64_MAX;
    size_t made;

    *ch = (struct chain){ .n = n };
    bench_new_dir(ch->dir);
    snprintf(blocks, sizeof blocks, "%s/regtest", ch->dir);
    must(mkdir(blocks, 0700) == 0, blocks);
    snprintf(blocks, sizeof blocks, "%s/regtest/blocks", ch->dir);
    snprintf(index, sizeof index, "%s/index", blocks);
    must((ch->hash = calloc(n, sizeof *ch->hash)) != NULL, "memory");
    must(ptd_blockchain_open(&c, &cfg, why) == PTD_OK, why);
    must(ptd_mine_generate(c, ch->hash, &made, &verdict, n, &job, &tries,
                           NULL) == PTD_OK,
         verdict.reason);
    ptd_blockchain_stats(c, &stats);
    ch->bytes = (double)stats.size_on_disk;
    ptd_blockchain_close(c);
}

static void connect_to(const struct bench_daemon *from,
                       const struct bench_daemon *to)
{
    char text[64];

    snprintf(text, sizeof text, "[\"127.0.0.1:%u\", \"onetry\"]",
             ntohs(to->addr.sin_port));
    bench_daemon_rpc(from, "addnode", text);
}

/* A fresh node gets it from another: seconds of the wall, of the CPU of who
 * serves and of who fetches. */
static void sync_once(const struct bench_daemon *server, const struct chain *ch,
                      double out[3])
{
    struct bench_daemon d = { 0 };
    double begin[3];
    char text[64];

    bench_daemon_start(&d, program, regtest);
    begin[0] = bench_wall_s();
    begin[1] = bench_daemon_cpu_s(server);
    begin[2] = bench_daemon_cpu_s(&d);
    connect_to(&d, server);
    snprintf(text, sizeof text, "[%zu]", ch->n);
    bench_daemon_rpc(&d, "waitforblockheight", text);
    out[0] = bench_wall_s() - begin[0];
    out[1] = bench_daemon_cpu_s(server) - begin[1];
    out[2] = bench_daemon_cpu_s(&d) - begin[2];
    bench_daemon_end(&d);
}

/* Medians. */
static void sync_some(const struct bench_daemon *server, const struct chain *ch,
                      double out[3])
{
    double all[3][ROUNDS], one[3];

    for (int i = 0; i < ROUNDS; i++) {
        sync_once(server, ch, one);
        for (int k = 0; k < 3; k++)
            all[k][i] = one[k];
    }
    for (int k = 0; k < 3; k++)
        out[k] = bench_quantile(all[k], ROUNDS, 0.5);
}

static void serve_chain(struct bench_daemon *d, const struct chain *ch)
{
    *d = (struct bench_daemon){ 0 };
    memcpy(d->dir, ch->dir, sizeof d->dir);
    bench_daemon_start(d, program, regtest);
}

static void bench_small_blocks(size_t n)
{
    struct bench_daemon server;
    struct chain ch;
    double s[3];

    make_chain(&ch, n, NULL, 0);
    serve_chain(&server, &ch);
    sync_some(&server, &ch, s);
    bench_print("sync_small_blocks", (double)n, "blocks");
    bench_print("sync_small_blocks_wall", s[0], "s");
    bench_print("sync_small_blocks_cpu_server", s[1], "s");
    bench_print("sync_small_blocks_cpu_client", s[2], "s");
    bench_daemon_end(&server);
    free(ch.hash);
}

/* ---- large blocks ------------------------------------------------------ */

/* Ask for all of them at once; seconds until the last is here. */
static double fetch_all(const struct bench_daemon *server,
                        const struct chain *ch)
{
    struct conn c = { .fd = bench_connect(&server->addr),
                      .magic = ptd_params_by_name("regtest")->magic };
    struct ptd_inv *list = calloc(ch->n, sizeof *list);
    char command[16] = "";
    double begin;

    must(list != NULL, "memory");
    for (size_t i = 0; i < ch->n; i++)
        list[i] = (struct ptd_inv){ PTD_INV_WITNESS_BLOCK, ch->hash[i] };
    send_version(&c, 0);
    while (strcmp(command, "verack") != 0)
        recv_msg(&c, command, NULL, 0);
    send_msg(&c, ptd_msg_new(PTD_MSG_VERACK));
    begin = bench_wall_s();
    send_msg(&c, ptd_msg_new_inv(PTD_MSG_GETDATA, list, ch->n));
    for (size_t i = 0; i < ch->n;) {
        recv_msg(&c, command, NULL, 0);
        i += strcmp(command, "block") == 0;
    }
    begin = bench_wall_s() - begin;
    close(c.fd);
    free(list);
    return begin;
}

struct flood {
    struct sockaddr_in to;
    size_t n;
};

static void flood_main(void *arg)
{
    static uint8_t block[1000000];
    struct flood *f = arg;
    int fd = bench_connect(&f->to);

    for (size_t i = 0; i < f->n; i++)
        send_all(fd, block, sizeof block);
    close(fd);
}

/* What the loopback and this reader can at best: bytes per second. */
static double loopback(size_t n)
{
    static uint8_t into[CHUNK];
    struct flood f = { .n = n };
    struct ptd_thread t = { 0 };
    int listener = bench_listen(&f.to), fd;
    double begin;
    ssize_t k;

    must(ptd_thread_start(&t, NULL, "flood", flood_main, &f) == PTD_OK,
         "a thread");
    must((fd = accept(listener, NULL, NULL)) >= 0, "accept");
    begin = bench_wall_s();
    while ((k = recv(fd, into, sizeof into, MSG_WAITALL)) > 0)
        continue;
    begin = bench_wall_s() - begin;
    ptd_thread_join(&t);
    close(fd);
    close(listener);
    return (double)n * 1e6 / begin;
}

static void bench_large_blocks(size_t n)
{
    struct ptd_msg **txs = bench_txs_new(TXS_PER_MB, 395, false);
    struct bench_daemon server;
    struct chain ch;
    double s[3], wall[ROUNDS], cpu[ROUNDS];

    make_chain(&ch, n, txs, TXS_PER_MB);
    serve_chain(&server, &ch);
    sync_some(&server, &ch, s);
    bench_print("sync_large_blocks", ch.bytes / 1e6, "MB");
    bench_print("sync_large_blocks_wall", ch.bytes / 1e6 / s[0], "MB/s");
    bench_print("sync_large_blocks_cpu_server", ch.bytes / 1e6 / s[1],
                "MB/CPU-s");
    bench_print("sync_large_blocks_cpu_client", ch.bytes / 1e6 / s[2],
                "MB/CPU-s");
    for (int i = 0; i < ROUNDS; i++) {
        cpu[i] = bench_daemon_cpu_s(&server);
        wall[i] = fetch_all(&server, &ch);
        cpu[i] = bench_daemon_cpu_s(&server) - cpu[i];
    }
    bench_print("serve_old_blocks",
                ch.bytes / 1e6 / bench_quantile(wall, ROUNDS, 0.5), "MB/s");
    bench_print("serve_old_blocks_cpu",
                ch.bytes / 1e6 / bench_quantile(cpu, ROUNDS, 0.5), "MB/CPU-s");
    bench_print("loopback", loopback(n) / 1e6, "MB/s");
    bench_daemon_end(&server);
    bench_txs_free(txs, TXS_PER_MB);
    free(ch.hash);
}

int main(int argc, char **argv)
{
    size_t n[3] = { 500000, 10000, 200 };

    for (int i = 0; i < 3 && i + 1 < argc; i++)
        n[i] = strtoul(argv[i + 1], NULL, 10);
    if (argc > 4)
        program = argv[4];
    if (n[0] > 0)
        bench_headers(n[0]);
    if (n[1] > 0)
        bench_small_blocks(n[1]);
    if (n[2] > 0)
        bench_large_blocks(n[2]);
    return 0;
}
