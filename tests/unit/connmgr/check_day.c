/* A day of chance: dials fail, peers come and go, the user adds and removes
 * nodes and switches the network off; what must always hold is looked at all
 * the while. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/util.h"
#include "rig.h"

enum { DAY_S = 86400, MAX_LIVE = 64, N_NODES = 12 };

/* What the server has. */
struct live {
    struct rig_link link[MAX_LIVE];
    size_t n;
};

static void take_links(struct rig *r, struct live *live)
{
    struct rig_link l;

    while (ptd_chan_try_recv(r->links, &l) == PTD_OK) {
        ck_assert_uint_lt(live->n, MAX_LIVE);
        live->link[live->n++] = l;
    }
    while (ptd_chan_try_recv(r->failures, NULL) == PTD_OK)
        ;
    rig_forget_calls(r);
}

static void give_back(struct rig *r, struct live *live, size_t i)
{
    ptd_connmgr_gone(r->cm, live->link[i].l.token);
    live->link[i] = live->link[--live->n];
}

/* Peers get ready, short-lived ones go, others go by chance. */
static void serve(struct rig *r, struct live *live)
{
    for (size_t i = live->n; i > 0; i--) {
        enum ptd_link_type t = live->link[i - 1].l.type;

        if (ptd_random_below(4) != 0)
            ptd_connmgr_ready(r->cm, live->link[i - 1].l.token);
        if (t == PTD_LINK_FEELER || t == PTD_LINK_ADDR_FETCH ||
            ptd_random_below(40) == 0)
            give_back(r, live, i - 1);
    }
}

static void interfere(struct rig *r, struct live *live)
{
    char text[PTD_NETADDR_TEXT];

    snprintf(text, sizeof text, "16.%u.0.1:8333",
             (unsigned)ptd_random_below(N_NODES));
    switch (ptd_random_below(60)) {
    case 0: (void)!ptd_connmgr_add(r->cm, text, false); break;
    case 1: (void)!ptd_connmgr_remove(r->cm, text); break;
    case 2:
        (void)!ptd_connmgr_dial(
            r->cm, text,
            (enum ptd_link_type)(1 + ptd_random_below(PTD_N_LINK_TYPES - 1)),
            false);
        break;
    case 3: ptd_connmgr_want_extra_peer(r->cm, true); break;
    case 4: ptd_connmgr_want_extra_peer(r->cm, false); break;
    case 5: ptd_connmgr_start_extra_block_relay(r->cm); break;
    case 6:
        ptd_connmgr_set_active(r->cm, false);
        while (live->n > 0)
            give_back(r, live, 0);
        rig_settle(r);
        ptd_connmgr_set_active(r->cm, true);
        break;
    default: break;
    }
}

static bool is_automatic(const struct ptd_connmgr_slot *s)
{
    return s->name[0] == '\0' &&
           (s->type == PTD_LINK_FULL_RELAY || s->type == PTD_LINK_BLOCK_RELAY);
}

static void check_pair(const struct ptd_connmgr_slot *a,
                       const struct ptd_connmgr_slot *b)
{
    if (a->token == 0 || b->token == 0)
        return;
    ck_assert_uint_ne(a->token, b->token);
    if (a->na.net == PTD_NET_NONE || b->na.net == PTD_NET_NONE)
        return;
    ck_assert(!ptd_netaddr_is_equal(&a->na, &b->na));
    if (is_automatic(a) && is_automatic(b))
        ck_assert(memcmp(a->na.addr, b->na.addr, 2) != 0);
}

/* What holds at any moment. */
static void check(struct rig *r)
{
    struct ptd_connmgr_slot s[64];
    size_t n = ptd_connmgr_list_slots(r->cm, s, 64);
    size_t n_type[PTD_N_LINK_TYPES] = { 0 }, n_automatic = 0;

    ck_assert_uint_le(n, 64);
    for (size_t i = 0; i < n; i++) {
        if (s[i].token != 0) {
            n_type[s[i].type]++;
            n_automatic += s[i].type != PTD_LINK_MANUAL;
        }
        for (size_t k = 0; k < i; k++)
            check_pair(&s[i], &s[k]);
    }
    ck_assert_uint_le(n_automatic, ptd_connmgr_n_automatic(125));
    ck_assert_uint_le(n_type[PTD_LINK_FULL_RELAY], PTD_MAX_FULL_RELAY + 1);
    ck_assert_uint_le(n_type[PTD_LINK_BLOCK_RELAY], PTD_MAX_BLOCK_RELAY + 1);
}

/* When all is given back and the network is off, no slot is left but nodes
 * that rest. */
static void check_nothing_left(struct rig *r, struct live *live)
{
    struct ptd_connmgr_slot s[64];
    size_t n;

    ptd_connmgr_set_active(r->cm, false);
    do {
        rig_settle(r);
        take_links(r, live);
        while (live->n > 0)
            give_back(r, live, 0);
        rig_settle(r);
        n = ptd_connmgr_list_slots(r->cm, s, 64);
        for (size_t i = 0; i < n; i++)
            ck_assert(s[i].token == 0 || s[i].state == PTD_SLOT_DIALS);
    } while (n > 0 && s[0].token != 0); /* a dial was still under way */
}

START_TEST(what_must_hold_holds_all_day)
{
    struct live live = { .n = 0 };
    struct rig r;
    int64_t end_us;
    char text[PTD_NETADDR_TEXT];

    rig_init(&r);
    rig_add_many(&r, 80);
    for (unsigned i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "16.%u.0.2:8333", i); /* groups of others */
        r.addr[rig_add(&r, text)].is_new = true;
    }
    atomic_store(&r.net, RIG_CHANCE);
    rig_start(&r);
    end_us = ptd_clock_now_us(r.clk) + DAY_S * SECOND_US;
    while (ptd_clock_now_us(r.clk) < end_us) {
        rig_advance(&r, (int64_t)ptd_random_below(100 * SECOND_US));
        take_links(&r, &live);
        serve(&r, &live);
        interfere(&r, &live);
        rig_settle(&r);
        check(&r);
    }
    /* Undisturbed, it is complete in a minute or two. */
    atomic_store(&r.net, RIG_ANSWERS);
    for (int i = 0; i < 300; i++) {
        rig_advance(&r, SECOND_US);
        take_links(&r, &live);
        for (size_t k = live.n; k > 0; k--)
            if (live.link[k - 1].l.type == PTD_LINK_FEELER)
                give_back(&r, &live, k - 1);
    }
    ck_assert_uint_ge(rig_n_type(&r, PTD_LINK_FULL_RELAY), PTD_MAX_FULL_RELAY);
    ck_assert_uint_ge(rig_n_type(&r, PTD_LINK_BLOCK_RELAY),
                      PTD_MAX_BLOCK_RELAY);
    check_nothing_left(&r, &live);
    rig_fini(&r);
}
END_TEST

TCase *day_case(void)
{
    TCase *tc = tcase_create("day");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_must_hold_holds_all_day);
    return tc;
}
