#include <config.h>

#include "connmgr/evict.h"

#include <string.h>

#include "base/util.h"
#include "guard.h"

enum { MAX = 200 };

static uint64_t state; /* of a generator that gives the same each time */

static uint32_t next_random(uint32_t bound)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 32) * bound >> 32);
}

static void shuffle(struct ptd_evict_peer *p, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = next_random((uint32_t)i);
        struct ptd_evict_peer t = p[i - 1];

        p[i - 1] = p[k];
        p[k] = t;
    }
}

static struct ptd_evict_peer random_peer(uint64_t id)
{
    static const enum ptd_net nets[] = { PTD_NET_IPV4,  PTD_NET_IPV6,
                                         PTD_NET_TORV3, PTD_NET_I2P,
                                         PTD_NET_CJDNS, PTD_NET_NONE };

    return (struct ptd_evict_peer){
        .id = id,
        .group = next_random(100),
        .connected_s = next_random(200),
        .min_ping_us = next_random(100),
        .last_block_s = next_random(100),
        .last_tx_s = next_random(100),
        .net = nets[next_random(PTD_COUNT(nets))],
        .is_local = next_random(2) == 0,
        .has_services = next_random(2) == 0,
        .relays_txs = next_random(2) == 0,
        .has_filter = next_random(2) == 0,
        .is_discouraged = next_random(2) == 0,
    };
}

static void random_peers(struct ptd_evict_peer *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = random_peer(i);
}

/* ---- protections ------------------------------------------------------------- */

static void best_group(struct ptd_evict_peer *p, size_t n)
{
    p->group = n - p->id;
}

static void best_ping(struct ptd_evict_peer *p, size_t n)
{
    (void)n;
    p->min_ping_us = (int64_t)p->id;
}

static void best_txs(struct ptd_evict_peer *p, size_t n)
{
    p->last_tx_s = (int64_t)(n - p->id);
}

static void best_blocks(struct ptd_evict_peer *p, size_t n)
{
    p->last_block_s = (int64_t)(n - p->id);
}

static void best_blocks_alone(struct ptd_evict_peer *p, size_t n)
{
    best_blocks(p, n);
    if (p->id < 8) {
        p->relays_txs = false;
        p->has_services = true;
    }
}

static void best_of_all(struct ptd_evict_peer *p, size_t n)
{
    best_group(p, n);
    best_ping(p, n);
    best_txs(p, n);
    best_blocks(p, n);
}

static void all_noban(struct ptd_evict_peer *p, size_t n)
{
    (void)n;
    p->is_noban = p->id < 150;
}

static const struct {
    const char *name;
    void (*set)(struct ptd_evict_peer *p, size_t n);
    uint64_t n_safe; /* peers 0 … n_safe - 1 never go */
} protections[] = {
    { "group", best_group, 4 },
    { "ping", best_ping, 8 },
    { "transactions", best_txs, 4 },
    { "blocks", best_blocks, 4 },
    { "blocks alone", best_blocks_alone, 12 },
    { "all of them", best_of_all, 20 },
    { "noban", all_noban, 150 },
};

START_TEST(the_best_in_some_respect_never_go)
{
    static struct ptd_evict_peer p[MAX];
    unsigned n_gone = 0;
    uint64_t id;

    state = 7;
    for (size_t n = 0; n < MAX; n++) {
        random_peers(p, n);
        for (size_t i = 0; i < n; i++)
            protections[_i].set(&p[i], n);
        shuffle(p, n);
        if (!ptd_evict_choose(&id, p, n))
            continue;
        ck_assert_msg(id >= protections[_i].n_safe && id < n,
                      "%s: %u of %zu went", protections[_i].name, (unsigned)id,
                      n);
        n_gone++;
    }
    ck_assert_uint_gt(n_gone, 10);
}
END_TEST

START_TEST(how_many_are_protected_at_least_and_at_most)
{
    static struct ptd_evict_peer p[MAX];
    uint64_t id;

    state = 8;
    for (size_t n = 0; n < MAX; n++) {
        random_peers(p, n);
        /* 4 + 8 + 4 + 4 always find theirs; 8 more may; then half of the
         * rest. */
        if (n <= 20)
            ck_assert(!ptd_evict_choose(&id, p, n));
        else if (n >= 29)
            ck_assert(ptd_evict_choose(&id, p, n));
    }
}
END_TEST

START_TEST(the_order_of_the_array_does_not_matter)
{
    static struct ptd_evict_peer p[MAX];
    uint64_t want, id;

    state = 9;
    random_peers(p, MAX);
    for (size_t i = 0; i < MAX; i++)
        p[i].connected_s /= 50; /* many are equal */
    ck_assert(ptd_evict_choose(&want, p, MAX));
    for (unsigned i = 0; i < 50; i++) {
        shuffle(p, MAX);
        ck_assert(ptd_evict_choose(&id, p, MAX));
        ck_assert_uint_eq(id, want);
    }
}
END_TEST

/* ---- who goes ------------------------------------------------------------------ */

/* n peers alike in all respects, the first 40 of which are better in all. */
static void plain_peers(struct ptd_evict_peer *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool good = i < 40;

        p[i] = (struct ptd_evict_peer){
            .id = i,
            .group = good ? 1000000 + i : 10,
            .connected_s = good ? 0 : (int64_t)(100 + i),
            .min_ping_us = good ? 10 : 1000,
            .last_block_s = good ? 100 : 1,
            .last_tx_s = good ? 100 : 1,
            .net = PTD_NET_IPV4,
            .has_services = true,
            .relays_txs = true,
        };
    }
}

START_TEST(the_youngest_of_the_largest_group_goes)
{
    static struct ptd_evict_peer p[MAX];
    uint64_t id;

    plain_peers(p, 100);
    /* 20 of the good ones are protected for what they are, then 40 of the other
     * 80 for their age: those above 59 are left. */
    for (size_t i = 60; i < 100; i++)
        p[i].group = i < 75 ? 20 : i < 99 ? 100 + i % 3 : 7;
    shuffle(p, 100);
    ck_assert(ptd_evict_choose(&id, p, 100));
    ck_assert_uint_eq(id, 74);
}
END_TEST

START_TEST(of_equal_groups_the_one_with_the_youngest_loses_it)
{
    static struct ptd_evict_peer p[MAX];
    uint64_t id;

    plain_peers(p, MAX);
    for (size_t i = 40; i < MAX; i++)
        p[i].group = 10 + i % 2;
    shuffle(p, MAX);
    ck_assert(ptd_evict_choose(&id, p, MAX));
    ck_assert_uint_eq(id, MAX - 1);
}
END_TEST

START_TEST(the_discouraged_go_first)
{
    static struct ptd_evict_peer p[MAX];
    uint64_t id;

    plain_peers(p, MAX);
    p[180].is_discouraged = true; /* neither oldest nor youngest */
    p[3].is_discouraged = true;   /* but protected */
    shuffle(p, MAX);
    ck_assert(ptd_evict_choose(&id, p, MAX));
    ck_assert_uint_eq(id, 180);
}
END_TEST

START_TEST(nobody_goes_where_nobody_is)
{
    struct ptd_evict_peer p = random_peer(1);
    uint64_t id;

    ck_assert(!ptd_evict_choose(&id, &p, 0));
    ck_assert(!ptd_evict_choose(&id, &p, 1));
    p.is_noban = true;
    ck_assert(!ptd_evict_choose(&id, &p, 1));
    ck_assert_uint_eq(ptd_evict_protect_by_uptime(NULL, 0), 0);
}
END_TEST

/* ---- by uptime ------------------------------------------------------------------- */

/* One letter a peer, the oldest first: '.' IPv4, o Tor, i I2P, c CJDNS, l this
 * machine; capitals: this machine, and that. A plus: protected. */
static const struct {
    const char *peers, *kept;
} uptimes[] = {
    { ".", "." },
    { "..", "+." },
    { "............", "++++++......" },
    { "...o....oooo", "++++....++.." },
    { ".......lllll", "+++....+++.." },
    { "....i....iii", "+++.+....++." },
    { "....c....ccc", "+++.+....++." },
    { "...ol", "+...+" },
    { ".....ol", "++....+" },
    { ".....ol.", "++...++." },
    { "......loolol", "+++...++.+.." },
    { ".....llll.o.", "+++..++...+." },
    { "......l.ololl...", "++++..+.+++....." },
    { "..........olllll", "++++......++++.." },
    { ".......oooo....l", "++++...+++.....+" },
    { "............oloooicccccc", "++++++......+++..+++...." },
    { "......llOOICllIC", "++++..+.+.++...." },
    { "oooooooooooo", "++++++......" },
};

static struct ptd_evict_peer peer_of(char letter, size_t i)
{
    struct ptd_evict_peer p = random_peer(i);

    p.connected_s = (int64_t)i;
    p.is_local = letter == 'l' || (letter >= 'A' && letter <= 'Z');
    p.net = strchr("oO", letter)   ? PTD_NET_TORV3
            : strchr("iI", letter) ? PTD_NET_I2P
            : strchr("cC", letter) ? PTD_NET_CJDNS
                                   : PTD_NET_IPV4;
    return p;
}

START_TEST(half_is_protected_with_places_for_minorities)
{
    size_t n = strlen(uptimes[_i].peers), left;
    struct ptd_evict_peer p[24];
    char kept[25] = "";

    state = 10;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < n; i++)
            p[i] = peer_of(uptimes[_i].peers[i], i);
        shuffle(p, n);
        left = ptd_evict_protect_by_uptime(p, n);
        ck_assert_uint_eq(left, n - n / 2);
        memset(kept, '+', n);
        for (size_t i = 0; i < left; i++)
            kept[p[i].id] = '.';
        ck_assert_str_eq(kept, uptimes[_i].kept);
    }
}
END_TEST

TCase *evict_case(void)
{
    TCase *tc = tcase_create("evict");

    tcase_add_loop_test(tc, the_best_in_some_respect_never_go, 0,
                        (int)PTD_COUNT(protections));
    tcase_add_test(tc, how_many_are_protected_at_least_and_at_most);
    tcase_add_test(tc, the_order_of_the_array_does_not_matter);
    tcase_add_test(tc, the_youngest_of_the_largest_group_goes);
    tcase_add_test(tc, of_equal_groups_the_one_with_the_youngest_loses_it);
    tcase_add_test(tc, the_discouraged_go_first);
    tcase_add_test(tc, nobody_goes_where_nobody_is);
    tcase_add_loop_test(tc, half_is_protected_with_places_for_minorities, 0,
                        (int)PTD_COUNT(uptimes));
    return tc;
}
