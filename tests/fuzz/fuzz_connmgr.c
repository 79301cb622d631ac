/* What the connection manager reads: banlist.json, answers of gateways. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "connmgr/banfile.h"
#include "connmgr/pcp_packet.h"
#include "target.h"

/* ---- banlist.json ---------------------------------------------------- */

enum { MAX_BANS = 1000 };

struct bans {
    struct ptd_ban v[MAX_BANS];
    size_t n;
};

static enum ptd_err keep(const struct ptd_ban *ban, void *arg)
{
    struct bans *b = arg;

    if (b->n < MAX_BANS)
        b->v[b->n++] = *ban;
    return PTD_OK;
}

static bool is_equal(const struct ptd_ban *a, const struct ptd_ban *b)
{
    return ptd_subnet_is_equal(&a->subnet, &b->subnet) &&
           a->created_s == b->created_s && a->until_s == b->until_s;
}

static void run_banlist(const uint8_t *data, size_t size)
{
    static struct bans first, second;
    char why[PTD_BANFILE_WHY] = "", *text;
    size_t n;
    enum ptd_err e;

    first.n = second.n = 0;
    e = ptd_banfile_decode((const char *)data, size, keep, &first, why);
    PTD_ASSERT(strlen(why) < sizeof why && (e == PTD_OK || why[0] != '\0'));
    if (e != PTD_OK)
        return;
    PTD_ASSERT(ptd_banfile_encode(&text, &n, first.v, first.n) == PTD_OK);
    PTD_ASSERT(ptd_banfile_decode(text, n, keep, &second, why) == PTD_OK);
    PTD_ASSERT(first.n == second.n);
    for (size_t i = 0; i < first.n; i++)
        PTD_ASSERT(is_equal(&first.v[i], &second.v[i]));
    ptd_free(text);
}

static void seeds_banlist(fuzz_seed_fn *fn, void *arg)
{
    static const char *const nets[] = { "1.2.3.0/24", "2001:db8::/32",
                                        "fc00::1" };
    struct ptd_ban bans[PTD_COUNT(nets)] = { 0 };

    for (size_t n = 0; n <= PTD_COUNT(nets); n++) {
        char *text;
        size_t size;

        PTD_ASSERT(ptd_banfile_encode(&text, &size, bans, n) == PTD_OK);
        fn(arg, (const uint8_t *)text, size);
        ptd_free(text);
        if (n == PTD_COUNT(nets))
            break;
        PTD_ASSERT(ptd_subnet_parse(&bans[n].subnet, nets[n]) == PTD_OK);
        bans[n].created_s = 1700000000;
        bans[n].until_s = INT64_MAX - (int64_t)n;
    }
}

const struct fuzz_target fuzz_banlist = { "banlist", run_banlist,
                                          seeds_banlist };

/* ---- gateways -------------------------------------------------------- */

typedef enum ptd_err decode_fn(struct ptd_pcp_answer *out, const uint8_t *p,
                               size_t n, const struct ptd_portmap_request *ask,
                               const char **why);

static decode_fn *const decoders[] = { ptd_pcp_map_decode,
                                       ptd_natpmp_external_decode,
                                       ptd_natpmp_map_decode };

static const struct ptd_portmap_request request = { .port = 8333,
                                                    .lifetime_s = 2400,
                                                    .nonce = "123456789ab" };

static void look_at(const struct ptd_pcp_answer *a, bool pcp)
{
    char text[PTD_PORTMAP_TEXT];
    struct ptd_portmap_mapping m = { .external = a->external,
                                     .lifetime_s = a->lifetime_s };

    m.protocol = pcp ? PTD_PORTMAP_PCP : PTD_PORTMAP_NATPMP;
    PTD_ASSERT(ptd_netaddr_parse(&m.internal, "10.0.0.1", 1) == PTD_OK);
    PTD_ASSERT(ptd_pcp_result_name(m.protocol, a->result)[0] != '\0');
    (void)ptd_portmap_format(&m, text, sizeof text);
    PTD_ASSERT(strlen(text) < sizeof text);
}

/* The first byte says what was asked for. */
static void run_portmap(const uint8_t *data, size_t size)
{
    struct ptd_pcp_answer a = { 0 };
    const char *why = NULL;
    unsigned kind;
    enum ptd_err e;

    if (size == 0)
        return;
    kind = data[0] % PTD_COUNT(decoders);
    e = decoders[kind](&a, data + 1, size - 1, &request, &why);
    if (e == PTD_OK)
        look_at(&a, kind == 0);
    else
        PTD_ASSERT(e == PTD_EVERSION || (e == PTD_EPROTO && why != NULL));
}

/* An answer is the question with the bit of answers, and more. */
static void seeds_portmap(fuzz_seed_fn *fn, void *arg)
{
    uint8_t seed[1 + PTD_PCP_MAP_BYTES] = { 0 };
    struct ptd_portmap_request ask = request;
    struct ptd_netaddr internal;

    PTD_ASSERT(ptd_netaddr_parse(&ask.local, "1.2.3.4", 1) == PTD_OK);
    PTD_ASSERT(ptd_netaddr_parse(&internal, "10.0.0.1", 1) == PTD_OK);
    ptd_pcp_map_encode(seed + 1, &ask, &internal);
    seed[2] |= 0x80;
    fn(arg, seed, sizeof seed);

    memset(seed, 0, sizeof seed);
    seed[0] = 1;
    ptd_natpmp_external_encode(seed + 1);
    seed[2] |= 0x80;
    ptd_put_be32(seed + 1 + 8, 0x01020304);
    fn(arg, seed, 1 + 12);

    memset(seed, 0, sizeof seed);
    seed[0] = 2;
    seed[2] = 0x82;
    ptd_put_be16(seed + 1 + 8, ask.port);
    ptd_put_be16(seed + 1 + 10, 1);
    ptd_put_be32(seed + 1 + 12, 7200);
    fn(arg, seed, 1 + 16);
}

const struct fuzz_target fuzz_portmap = { "portmap", run_portmap,
                                          seeds_portmap };
