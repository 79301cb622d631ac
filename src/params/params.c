#include <config.h>

#include "pentad/params.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "params/seeds_gen.h"

/* A hash or number as people write it, highest word first, laid out lowest
 * byte first. */
#define LE(w)                                                                  \
    (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff
#define WORDS(a, b, c, d, e, f, g, h)                                          \
    { { LE(h##u), LE(g##u), LE(f##u), LE(e##u), LE(d##u), LE(c##u),            \
        LE(b##u), LE(a##u) } }

/* ---- genesis blocks ------------------------------------------------- */

enum { COIN = 100000000 };

static const char first_text[] =
    "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks";

/* OP_PUSH 65 key OP_CHECKSIG */
static const uint8_t first_script[] = {
    0x41, 0x04, 0x67, 0x8a, 0xfd, 0xb0, 0xfe, 0x55, 0x48, 0x27, 0x19, 0x67,
    0xf1, 0xa6, 0x71, 0x30, 0xb7, 0x10, 0x5c, 0xd6, 0xa8, 0x28, 0xe0, 0x39,
    0x09, 0xa6, 0x79, 0x62, 0xe0, 0xea, 0x1f, 0x61, 0xde, 0xb6, 0x49, 0xf6,
    0xbc, 0x3f, 0x4c, 0xef, 0x38, 0xc4, 0xf3, 0x55, 0x04, 0xe5, 0x1e, 0xc1,
    0x12, 0xde, 0x5c, 0x38, 0x4d, 0xf7, 0xba, 0x0b, 0x8d, 0x57, 0x8a, 0x4c,
    0x70, 0x2b, 0x6b, 0xf1, 0x1d, 0x5f, 0xac
};

static const char testnet4_text[] =
    "03/May/2024 "
    "000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e";

/* OP_PUSH 33 zeros OP_CHECKSIG */
static const uint8_t testnet4_script[35] = { [0] = 33, [34] = 0xac };

#define FIRST_COINBASE                                                         \
    .value = UINT64_C(50) * COIN, .text = first_text, .script = first_script,  \
    .script_size = sizeof first_script,                                        \
    .merkle_root = WORDS(0x4a5e1e4b, 0xaab89f3a, 0x32518a88, 0xc31bc87f,       \
                         0x618f7667, 0x3e2cc77a, 0xb2127b7a, 0xfdeda33b)

/* ---- seeds ---------------------------------------------------------- */

static const char *const no_dns_seeds[] = { NULL };

/* Resolves nowhere: for tests of who asks it, and when. */
static const char *const regtest_dns_seeds[] = { "dummySeed.invalid.", NULL };

static const char *const main_dns_seeds[] = {
    "seed.bitcoin.sipa.be",          "dnsseed.bluematt.me",
    "seed.bitcoin.jonasschnelli.ch", "seed.btc.petertodd.net",
    "seed.bitcoin.sprovoost.nl",     "dnsseed.emzy.de",
    "seed.bitcoin.wiz.biz",          "seed.mainnet.achownodes.xyz",
    NULL
};

static const char *const test_dns_seeds[] = {
    "testnet-seed.bitcoin.jonasschnelli.ch", "seed.tbtc.petertodd.net",
    "seed.testnet.bitcoin.sprovoost.nl",     "testnet-seed.bluematt.me",
    "seed.testnet.achownodes.xyz",           NULL
};

static const char *const testnet4_dns_seeds[] = {
    "seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz", NULL
};

static const char *const signet_dns_seeds[] = {
    "seed.signet.bitcoin.sprovoost.nl", "seed.signet.achownodes.xyz", NULL
};

/* ---- the networks --------------------------------------------------- */

/* One key of two, OP_1 … OP_2 OP_CHECKMULTISIG. */
static const uint8_t signet_challenge[] = {
    0x51, 0x21, 0x03, 0xad, 0x5e, 0x0e, 0xda, 0xd1, 0x8c, 0xb1, 0xf0, 0xfc,
    0x0d, 0x28, 0xa3, 0xd4, 0xf1, 0xf3, 0xe4, 0x45, 0x64, 0x03, 0x37, 0x48,
    0x9a, 0xbb, 0x10, 0x40, 0x4f, 0x2d, 0x1e, 0x08, 0x6b, 0xe4, 0x30, 0x21,
    0x03, 0x59, 0xef, 0x50, 0x21, 0x96, 0x4f, 0xe2, 0x2d, 0x6f, 0x8e, 0x05,
    0xb2, 0x46, 0x3c, 0x95, 0x40, 0xce, 0x96, 0x88, 0x3f, 0xe3, 0xb2, 0x78,
    0x76, 0x0f, 0x04, 0x8f, 0x51, 0x89, 0xf2, 0xe6, 0xc4, 0x52, 0xae
};

enum { DAY_S = 24 * 60 * 60 };

#define TEST_PREFIXES                                                          \
    .base58_pubkey = 111, .base58_script = 196, .base58_secret = 239,          \
    .base58_ext_pub = { 0x04, 0x35, 0x87, 0xcf },                              \
    .base58_ext_prv = { 0x04, 0x35, 0x83, 0x94 }

static const struct ptd_params chains[PTD_N_CHAINS] = {
    [PTD_CHAIN_MAIN] = {
        .chain = PTD_CHAIN_MAIN,
        .name = "main",
        .datadir = "",
        .magic = { 0xf9, 0xbe, 0xb4, 0xd9 },
        .port = 8333,
        .rpc_port = 8332,
        .onion_port = 8334,
        .genesis = {
            .version = 1,
            .time = 1231006505,
            .bits = 0x1d00ffff,
            .nonce = 2083236893,
            FIRST_COINBASE,
            .hash = WORDS(0x00000000, 0x0019d668, 0x9c085ae1, 0x65831e93,
                          0x4ff763ae, 0x46a2a6c1, 0x72b3f1b6, 0x0a8ce26f),
        },
        .pow_limit = WORDS(0x00000000, 0xffffffff, 0xffffffff, 0xffffffff,
                           0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
        .pow_timespan_s = 14 * DAY_S,
        .pow_spacing_s = 600,
        .bip34_height = 227931,
        .bip65_height = 388381,
        .bip66_height = 363725,
        .csv_height = 419328,
        .segwit_height = 481824,
        .rules_height = 711648,
        .min_chain_work = WORDS(0x00000000, 0x00000000, 0x00000000,
                                0x00000000, 0x00000001, 0x128750f8,
                                0x2f4c3661, 0x53a3a030),
        .assume_valid = WORDS(0x00000000, 0x00000000, 0x0000cceb, 0xd6d74d91,
                              0x94d8dcdc, 0x1d177c47, 0x8e094bfa, 0xd51ba5ac),
        .assume_valid_height = 938343,
        .presync_period = 641,
        .redownload_headers = 15218,
        .dns_seeds = main_dns_seeds,
        .seeds = seeds_main,
        .seeds_size = sizeof seeds_main,
        .bech32_hrp = "bc",
        .base58_pubkey = 0,
        .base58_script = 5,
        .base58_secret = 128,
        .base58_ext_pub = { 0x04, 0x88, 0xb2, 0x1e },
        .base58_ext_prv = { 0x04, 0x88, 0xad, 0xe4 },
    },
    [PTD_CHAIN_TEST] = {
        .chain = PTD_CHAIN_TEST,
        .name = "test",
        .datadir = "testnet3",
        .magic = { 0x0b, 0x11, 0x09, 0x07 },
        .port = 18333,
        .rpc_port = 18332,
        .onion_port = 18334,
        .genesis = {
            .version = 1,
            .time = 1296688602,
            .bits = 0x1d00ffff,
            .nonce = 414098458,
            FIRST_COINBASE,
            .hash = WORDS(0x00000000, 0x0933ea01, 0xad0ee984, 0x209779ba,
                          0xaec3ced9, 0x0fa3f408, 0x719526f8, 0xd77f4943),
        },
        .pow_limit = WORDS(0x00000000, 0xffffffff, 0xffffffff, 0xffffffff,
                           0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
        .pow_timespan_s = 14 * DAY_S,
        .pow_spacing_s = 600,
        .min_difficulty = true,
        .bip34_height = 21111,
        .bip65_height = 581885,
        .bip66_height = 330776,
        .csv_height = 770112,
        .segwit_height = 834624,
        .rules_height = 2013984,
        .min_chain_work = WORDS(0x00000000, 0x00000000, 0x00000000,
                                0x00000000, 0x00000000, 0x000017dd,
                                0xe1c649f3, 0x708d14b6),
        .assume_valid = WORDS(0x00000000, 0x7a61e423, 0x0b28ac5c, 0xb6b5e5a0,
                              0x130de37a, 0xc1faf2f8, 0x987d2fa6, 0x505b67f4),
        .assume_valid_height = 4842348,
        .presync_period = 673,
        .redownload_headers = 14460,
        .dns_seeds = test_dns_seeds,
        .seeds = seeds_test,
        .seeds_size = sizeof seeds_test,
        .bech32_hrp = "tb",
        TEST_PREFIXES,
    },
    [PTD_CHAIN_TESTNET4] = {
        .chain = PTD_CHAIN_TESTNET4,
        .name = "testnet4",
        .datadir = "testnet4",
        .magic = { 0x1c, 0x16, 0x3f, 0x28 },
        .port = 48333,
        .rpc_port = 48332,
        .onion_port = 48334,
        .genesis = {
            .version = 1,
            .time = 1714777860,
            .bits = 0x1d00ffff,
            .nonce = 393743547,
            .value = UINT64_C(50) * COIN,
            .text = testnet4_text,
            .script = testnet4_script,
            .script_size = sizeof testnet4_script,
            .merkle_root = WORDS(0x7aa0a7ae, 0x1e223414, 0xcb807e40,
                                 0xcd57e667, 0xb718e42a, 0xaf9306db,
                                 0x9102fe28, 0x912b7b4e),
            .hash = WORDS(0x00000000, 0xda84f2ba, 0xfbbc53de, 0xe25a72ae,
                          0x507ff491, 0x4b867c56, 0x5be350b0, 0xda8bf043),
        },
        .pow_limit = WORDS(0x00000000, 0xffffffff, 0xffffffff, 0xffffffff,
                           0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
        .pow_timespan_s = 14 * DAY_S,
        .pow_spacing_s = 600,
        .min_difficulty = true,
        .bip94 = true,
        .bip34_height = 1,
        .bip65_height = 1,
        .bip66_height = 1,
        .csv_height = 1,
        .segwit_height = 1,
        .min_chain_work = WORDS(0x00000000, 0x00000000, 0x00000000,
                                0x00000000, 0x00000000, 0x000009a0,
                                0xfe15d017, 0x7d086304),
        .assume_valid = WORDS(0x00000000, 0x02368b1e, 0x4ee27e2e, 0x85676ae6,
                              0xf9f9e695, 0x79b29093, 0xe9a82c17, 0x0bf7cf8a),
        .assume_valid_height = 123613,
        .presync_period = 606,
        .redownload_headers = 16092,
        .dns_seeds = testnet4_dns_seeds,
        .seeds = seeds_testnet4,
        .seeds_size = sizeof seeds_testnet4,
        .bech32_hrp = "tb",
        TEST_PREFIXES,
    },
    [PTD_CHAIN_SIGNET] = {
        .chain = PTD_CHAIN_SIGNET,
        .name = "signet",
        .datadir = "signet",
        .magic = { 0x0a, 0x03, 0xcf, 0x40 },
        .port = 38333,
        .rpc_port = 38332,
        .onion_port = 38334,
        .genesis = {
            .version = 1,
            .time = 1598918400,
            .bits = 0x1e0377ae,
            .nonce = 52613770,
            FIRST_COINBASE,
            .hash = WORDS(0x00000008, 0x819873e9, 0x25422c1f, 0xf0f99f7c,
                          0xc9bbb232, 0xaf63a077, 0xa480a363, 0x3bee1ef6),
        },
        .pow_limit = WORDS(0x00000377, 0xae000000, 0x00000000, 0x00000000,
                           0x00000000, 0x00000000, 0x00000000, 0x00000000),
        .pow_timespan_s = 14 * DAY_S,
        .pow_spacing_s = 600,
        .bip34_height = 1,
        .bip65_height = 1,
        .bip66_height = 1,
        .csv_height = 1,
        .segwit_height = 1,
        .min_chain_work = WORDS(0x00000000, 0x00000000, 0x00000000,
                                0x00000000, 0x00000000, 0x00000000,
                                0x00000b46, 0x3ea0a4b8),
        .assume_valid = WORDS(0x00000008, 0x414aab61, 0x092ef93f, 0x1aacc54c,
                              0xf9e9f16a, 0xf29ddad4, 0x93b908a0, 0x1ff5c329),
        .assume_valid_height = 293175,
        .presync_period = 620,
        .redownload_headers = 15724,
        .signet_challenge = signet_challenge,
        .signet_challenge_size = sizeof signet_challenge,
        .dns_seeds = signet_dns_seeds,
        .seeds = seeds_signet,
        .seeds_size = sizeof seeds_signet,
        .bech32_hrp = "tb",
        TEST_PREFIXES,
    },
    [PTD_CHAIN_REGTEST] = {
        .chain = PTD_CHAIN_REGTEST,
        .name = "regtest",
        .datadir = "regtest",
        .magic = { 0xfa, 0xbf, 0xb5, 0xda },
        .port = 18444,
        .rpc_port = 18443,
        .onion_port = 18445,
        .genesis = {
            .version = 1,
            .time = 1296688602,
            .bits = 0x207fffff,
            .nonce = 2,
            FIRST_COINBASE,
            .hash = WORDS(0x0f9188f1, 0x3cb7b2c7, 0x1f2a335e, 0x3a4fc328,
                          0xbf5beb43, 0x6012afca, 0x590b1a11, 0x466e2206),
        },
        .pow_limit = WORDS(0x7fffffff, 0xffffffff, 0xffffffff, 0xffffffff,
                           0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff),
        .pow_timespan_s = DAY_S,
        .pow_spacing_s = 600,
        .min_difficulty = true,
        .no_retarget = true,
        .bip34_height = 1,
        .bip65_height = 1,
        .bip66_height = 1,
        .csv_height = 1,
        .segwit_height = 0,
        .presync_period = 275,
        .redownload_headers = 7017,
        .dns_seeds = regtest_dns_seeds,
        .bech32_hrp = "bcrt",
        TEST_PREFIXES,
    },
};

/* ---- look-ups ------------------------------------------------------- */

const struct ptd_params *ptd_params_of(enum ptd_chain chain)
{
    return (unsigned)chain < PTD_N_CHAINS ? &chains[chain] : NULL;
}

const struct ptd_params *ptd_params_by_name(const char *name)
{
    for (size_t i = 0; i < PTD_N_CHAINS; i++) {
        if (strcmp(chains[i].name, name) == 0)
            return &chains[i];
    }
    return NULL;
}

const struct ptd_params *ptd_params_by_magic(const uint8_t magic[4])
{
    for (size_t i = 0; i < PTD_N_CHAINS; i++) {
        if (memcmp(chains[i].magic, magic, 4) == 0)
            return &chains[i];
    }
    return NULL;
}

uint32_t ptd_params_retarget_interval(const struct ptd_params *p)
{
    return p->pow_timespan_s / p->pow_spacing_s;
}

/* ---- a signet of one's own ------------------------------------------ */

/* BIP 325: the magic is the first four bytes of the double SHA-256 of the
 * challenge, written as a script is in a block, its length first. */
static void signet_magic(uint8_t magic[4], const uint8_t *challenge, size_t n)
{
    uint8_t size[3] = { (uint8_t)n }, hash[32];
    struct ptd_piece pieces[2] = { { size, 1 }, { challenge, n } };

    if (n > 0xfc) {
        size[0] = 0xfd;
        ptd_put_le16(size + 1, (uint16_t)n);
        pieces[0].n = 3;
    }
    ptd_sha256d_pieces(hash, pieces, 2);
    memcpy(magic, hash, 4);
}

enum ptd_err ptd_params_new_signet(struct ptd_params **out,
                                   const uint8_t *challenge, size_t n)
{
    static const struct ptd_hash zero;
    struct ptd_params *p;
    uint8_t *copy;

    if (n == 0 || n > PTD_SIGNET_CHALLENGE_MAX)
        return PTD_EINVAL;
    p = ptd_memdup(&chains[PTD_CHAIN_SIGNET], sizeof *p);
    if (p == NULL)
        goto fail;
    copy = ptd_memdup(challenge, n);
    if (copy == NULL)
        goto free_params;
    p->signet_challenge = copy;
    p->signet_challenge_size = n;
    signet_magic(p->magic, challenge, n);
    p->min_chain_work = zero;
    p->assume_valid = zero;
    p->assume_valid_height = 0;
    p->dns_seeds = no_dns_seeds;
    p->seeds = NULL;
    p->seeds_size = 0;
    *out = p;
    return PTD_OK;

free_params:
    ptd_free(p);
fail:
    return PTD_ENOMEM;
}

void ptd_params_free(struct ptd_params *p)
{
    union {
        const uint8_t *held;
        void *mine;
    } challenge;

    if (p == NULL)
        return;
    challenge.held = p->signet_challenge; /* our copy: const to its readers */
    ptd_free(challenge.mine);
    ptd_free(p);
}

/* ---- fixed seeds ---------------------------------------------------- */

bool ptd_params_next_seed(const struct ptd_params *p, size_t *at,
                          struct ptd_seed *out)
{
    enum { NET, SIZE, ADDR }; /* then the port, two bytes */
    const uint8_t *seed;

    if (*at >= p->seeds_size)
        return false;
    seed = p->seeds + *at;
    *out = (struct ptd_seed){
        .net = seed[NET],
        .addr_bytes = seed[SIZE],
        .addr = seed + ADDR,
        .port = ptd_get_be16(seed + ADDR + seed[SIZE]),
    };
    *at += (size_t)ADDR + seed[SIZE] + 2;
    return true;
}
