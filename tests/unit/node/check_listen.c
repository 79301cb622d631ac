#include <config.h>

#include <stdlib.h>

#include "base/util.h"
#include "check_node.h"
#include "rig.h"

static struct ptd_netaddr loopback(void)
{
    struct ptd_netaddr na;

    ck_assert_int_eq(ptd_netaddr_parse(&na, "127.0.0.1:0", 0), PTD_OK);
    return na;
}

START_TEST(node_listens_where_it_was_told_to_for_some)
{
    struct ptd_netaddr bound;
    struct host h;
    struct guest g;

    host_init(&h);
    h.cfg.whitebind = calloc(1, sizeof *h.cfg.whitebind);
    h.cfg.whitebind[0].addr = loopback();
    h.cfg.n_whitebind = 1;
    h.cfg.onion_bind.v = calloc(1, sizeof *h.cfg.onion_bind.v);
    h.cfg.onion_bind.v[0] = loopback();
    h.cfg.onion_bind.n = 1;
    host_start(&h);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(ptd_node_bound(h.node, i, &bound));
        guest_start(&g, bound.port, 0);
        guest_wait_ready(&g);
        guest_end(&g);
    }
    ck_assert(!ptd_node_bound(h.node, 3, &bound));
    host_stop(&h);
}
END_TEST

START_TEST(address_for_some_that_is_taken_ends_the_start)
{
    struct ptd_node *node;
    struct ptd_complaint why, want;
    struct host h, other;

    host_init(&h);
    host_start(&h);
    host_init(&other);
    other.cfg.onion_bind.v = calloc(1, sizeof *other.cfg.onion_bind.v);
    other.cfg.onion_bind.v[0] = loopback();
    other.cfg.onion_bind.v[0].port = h.port;
    other.cfg.onion_bind.n = 1;
    ck_assert_int_ne(ptd_node_start(&node, &other.cfg, &why), PTD_OK);
    (void)ptd_complain(
        &want,
        "Unable to bind to 127.0.0.1:%u on this computer. Pentad "
        "is probably already running.",
        (unsigned)h.port);
    ck_assert_str_eq(why.text, want.text);
    host_stop(&other);
    host_stop(&h);
}
END_TEST

TCase *tcase_listen(void)
{
    TCase *tc = tcase_create("listen");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, node_listens_where_it_was_told_to_for_some);
    tcase_add_test(tc, address_for_some_that_is_taken_ends_the_start);
    return tc;
}
