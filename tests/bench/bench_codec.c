/* What it costs to decode and to encode: real blocks, full-size lists, and one
 * of every kind of message. Times are CPU times of the one thread; each figure
 * is the median of some rounds. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "bench.h"
#include "pentad/wire.h"
#include "support/samples.h"
#include "wire/encoded.h"

enum { ROUNDS = 7 };

/* Each round lasts about so long. */
#define ROUND_S 0.03

static const struct ptd_codec codec = { .pver = PTD_PVER_FEATURE,
                                        .encoding = PTD_ENC_WITNESS };

/* A payload, and the message that it decodes into. */
struct subject {
    enum ptd_msg_type type;
    const uint8_t *payload;
    size_t n;
    struct ptd_msg *msg;
    uint8_t *room; /* n bytes to encode into */
};

static void decode(const struct subject *s)
{
    struct ptd_msg *m;

    PTD_ASSERT(ptd_msg_decode(&m, s->type, s->payload, s->n, &codec, NULL) ==
               PTD_OK);
    ptd_msg_free(m);
}

static void decode_and_sum(const struct subject *s)
{
    uint8_t sum[4];

    ptd_v1_checksum(s->payload, s->n, sum);
    decode(s);
}

static void encode(const struct subject *s)
{
    size_t n;

    PTD_ASSERT(ptd_msg_encode(s->msg, s->room, s->n + 1, &n, &codec) ==
                   PTD_OK &&
               n == s->n);
}

static double once_ns(void (*run)(const struct subject *),
                      const struct subject *s, long n)
{
    double cpu = bench_cpu_s();

    for (long i = 0; i < n; i++)
        run(s);
    return (bench_cpu_s() - cpu) / (double)n * 1e9;
}

static void measure(const char *name, const char *what,
                    void (*run)(const struct subject *),
                    const struct subject *s)
{
    double ns[ROUNDS];
    char label[96];
    long n = 1;

    while (once_ns(run, s, n) * (double)n < ROUND_S * 1e9)
        n *= 2;
    for (int i = 0; i < ROUNDS; i++)
        ns[i] = once_ns(run, s, n);
    snprintf(label, sizeof label, "codec_%s_%s", name, what);
    bench_print(label, bench_quantile(ns, ROUNDS, 0.5), "ns");
}

static void bench(const char *name, enum ptd_msg_type type,
                  const uint8_t *payload, size_t n)
{
    struct subject s = { type, payload, n, NULL, malloc(n + 1) };

    PTD_ASSERT(s.room != NULL);
    PTD_ASSERT(ptd_msg_decode(&s.msg, type, payload, n, &codec, NULL) ==
               PTD_OK);
    measure(name, "decode", decode, &s);
    measure(name, "decode_checksum", decode_and_sum, &s);
    measure(name, "encode", encode, &s);
    ptd_msg_free(s.msg);
    free(s.room);
}

/* ---- what is measured ------------------------------------------------------- */

/* The same as bench(), of a message of ours; taken. */
static void bench_msg(const char *name, struct ptd_msg *m)
{
    enum ptd_err e = PTD_OK;
    size_t cap, n;
    uint8_t *p;

    PTD_ASSERT(m != NULL);
    cap = ptd_msg_encoded_bytes(m, &codec, &e);
    p = malloc(cap + 1);
    PTD_ASSERT(e == PTD_OK && p != NULL);
    PTD_ASSERT(ptd_msg_encode(m, p, cap + 1, &n, &codec) == PTD_OK);
    bench(name, m->type, p, n);
    free(p);
    ptd_msg_free(m);
}

static void bench_file(const char *name, const char *folder, const char *file)
{
    char path[4096];
    uint8_t *p;
    long n;
    FILE *f;

    snprintf(path, sizeof path, "%s/blocks/%s", folder, file);
    if ((f = fopen(path, "rb")) == NULL) {
        fprintf(stderr, "bench_codec: skips %s: no such file\n", path);
        return;
    }
    PTD_ASSERT(fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0);
    rewind(f);
    PTD_ASSERT((p = malloc((size_t)n)) != NULL);
    PTD_ASSERT(fread(p, 1, (size_t)n, f) == (size_t)n);
    fclose(f);
    bench(name, PTD_MSG_BLOCK, p, (size_t)n);
    free(p);
}

static struct ptd_msg *full_inv(void)
{
    static struct ptd_inv list[PTD_MAX_INV_PER_MSG];

    for (size_t i = 0; i < PTD_COUNT(list); i++) {
        list[i].type = PTD_INV_WITNESS_TX;
        memset(&list[i].hash, (int)(i % 251), sizeof list[i].hash);
    }
    return ptd_msg_new_inv(PTD_MSG_INV, list, PTD_COUNT(list));
}

static struct ptd_msg *full_headers(void)
{
    static struct ptd_block_header list[PTD_MAX_HEADERS_PER_MSG];

    for (size_t i = 0; i < PTD_COUNT(list); i++) {
        list[i].version = 4;
        list[i].bits = 0x1d00ffff;
        list[i].nonce = (uint32_t)i;
    }
    return ptd_msg_new_headers(list, PTD_COUNT(list));
}

static struct ptd_msg *full_addr(enum ptd_msg_type type)
{
    static struct ptd_addr_entry list[PTD_MAX_ADDR_PER_MSG];

    for (size_t i = 0; i < PTD_COUNT(list); i++) {
        uint8_t ip[4] = { 8, 8, (uint8_t)(i >> 8), (uint8_t)i };

        list[i].time = 1700000000;
        list[i].services = PTD_NODE_NETWORK;
        PTD_ASSERT(ptd_netaddr_set(&list[i].na, PTD_NET_IPV4, ip, 4, 8333) ==
                   PTD_OK);
    }
    return ptd_msg_new_addr(type, list, PTD_COUNT(list));
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : PTD_VECTORS_DIR;

    bench_file("mainnet_413567", folder, "mainnet-413567.blk");
    bench_file("mainnet_21868c", folder,
               "mainnet-00000000000000000021868c.blk");
    bench_msg("inv_50000", full_inv());
    bench_msg("headers_2000", full_headers());
    bench_msg("addr_1000", full_addr(PTD_MSG_ADDR));
    bench_msg("addrv2_1000", full_addr(PTD_MSG_ADDRV2));
    for (int t = 0; t < PTD_MSG_N_TYPES; t++)
        bench_msg(ptd_msg_type_command((enum ptd_msg_type)t),
                  sample_new((enum ptd_msg_type)t, SAMPLE_MANY));
    return 0;
}
