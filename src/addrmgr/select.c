/* Picking: one to connect to, many to tell of. */
#include <config.h>

#include "addrmgr/addrmgr_int.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum { RECENT_S = 10 * 60, DICE = 1 << 30 };

/* How likely it is taken when it was drawn: hardly if it was tried just now;
 * a third less for each failure, but no less than after eight. */
static double chance_of(const struct ptd_addrmgr_info *info, int64_t now_s)
{
    double chance = now_s - info->last_try_s < RECENT_S ? 0.01 : 1.0;

    for (int32_t i = 0; i < PTD_MIN(info->n_attempts, 8); i++)
        chance *= 0.66;
    return chance;
}

/* What a selection is restricted to. */
struct want {
    unsigned nets; /* 0: all */
    bool tried;    /* the table to search */
};

static bool is_wanted(const struct ptd_addrmgr_info *info,
                      const struct want *want)
{
    return want->nets == 0 || (want->nets & PTD_NET_BIT(info->net)) != 0;
}

/* How many there are of these networks. */
static size_t count_nets(const size_t by_net[PTD_ADDRMGR_N_NETS], size_t all,
                         unsigned nets)
{
    size_t n = 0;

    if (nets == 0)
        return all;
    for (unsigned net = 0; net < PTD_ADDRMGR_N_NETS; net++)
        n += (nets & PTD_NET_BIT(net)) != 0 ? by_net[net] : 0;
    return n;
}

/* Somebody wanted in a random bucket, from a random place on; nobody: none
 * there. */
static uint32_t draw_one_locked(struct ptd_addrmgr *m, const struct want *want)
    PTD_REQUIRES(m->mu);
static uint32_t draw_one_locked(struct ptd_addrmgr *m, const struct want *want)
{
    size_t n_buckets =
        want->tried ? PTD_ADDRMGR_TRIED_BUCKETS : PTD_ADDRMGR_NEW_BUCKETS;
    size_t bucket = (size_t)ptd_addrmgr_draw_locked(m, n_buckets);
    size_t first = (size_t)ptd_addrmgr_draw_locked(m, PTD_ADDRMGR_BUCKET_SIZE);
    const uint32_t *place = want->tried ? m->tried[bucket] : m->new[bucket];

    for (size_t i = 0; i < PTD_ADDRMGR_BUCKET_SIZE; i++) {
        uint32_t who = place[(first + i) % PTD_ADDRMGR_BUCKET_SIZE];

        if (who != PTD_ADDRMGR_NOBODY &&
            is_wanted(ptd_addrmgr_at_locked(m, who), want))
            return who;
    }
    return PTD_ADDRMGR_NOBODY;
}

static uint32_t select_locked(struct ptd_addrmgr *m,
                              enum ptd_addrmgr_table table, struct want *want,
                              int64_t now_s) PTD_REQUIRES(m->mu);
static uint32_t select_locked(struct ptd_addrmgr *m,
                              enum ptd_addrmgr_table table, struct want *want,
                              int64_t now_s)
{
    size_t n_new = count_nets(m->net_new, m->n_new, want->nets);
    size_t n_tried = count_nets(m->net_tried, m->n_tried, want->nets);
    double patience = 1.0;

    if (table == PTD_ADDRMGR_NEW)
        n_tried = 0;
    if (table == PTD_ADDRMGR_TRIED)
        n_new = 0;
    if (n_new + n_tried == 0)
        return PTD_ADDRMGR_NOBODY;
    want->tried =
        n_new == 0 || (n_tried > 0 && ptd_addrmgr_draw_locked(m, 2) == 0);
    /* There is one, so a bucket will have it; and with each refusal the next
     * one gets likelier. */
    for (;;) {
        uint32_t who = draw_one_locked(m, want);

        if (who == PTD_ADDRMGR_NOBODY)
            continue;
        if ((double)ptd_addrmgr_draw_locked(m, DICE) <
            patience * chance_of(ptd_addrmgr_at_locked(m, who), now_s) * DICE)
            return who;
        patience *= 1.2;
    }
}

bool ptd_addrmgr_select(struct ptd_addrmgr *m, struct ptd_addrmgr_pick *out,
                        enum ptd_addrmgr_table table, unsigned nets)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    struct want want = { .nets = nets };
    char text[PTD_NETADDR_TEXT];
    uint32_t who;

    ptd_addrmgr_enter(m);
    who = select_locked(m, table, &want, now_s);
    if (who != PTD_ADDRMGR_NOBODY) {
        const struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

        out->e = ptd_addrmgr_told(info);
        out->last_try_s = info->last_try_s;
    }
    ptd_addrmgr_leave(m);
    if (who == PTD_ADDRMGR_NOBODY)
        return false;
    ptd_log_debug("Selected %s from %s",
                  ptd_netaddr_format(&out->e.na, text, sizeof text),
                  want.tried ? "tried" : "new");
    return true;
}

/* ---- a sample -------------------------------------------------------- */

static size_t sample_locked(struct ptd_addrmgr *m, struct ptd_addr_entry *out,
                            size_t max, enum ptd_net net,
                            enum ptd_addrmgr_filter filter, int64_t now_s)
    PTD_REQUIRES(m->mu);
static size_t sample_locked(struct ptd_addrmgr *m, struct ptd_addr_entry *out,
                            size_t max, enum ptd_net net,
                            enum ptd_addrmgr_filter filter, int64_t now_s)
{
    size_t n = 0;

    /* A shuffle from the front that stops when it has enough. */
    for (size_t i = 0; i < m->n && n < max; i++) {
        size_t pick = i + (size_t)ptd_addrmgr_draw_locked(m, m->n - i);
        const struct ptd_addrmgr_info *info;

        ptd_addrmgr_swap_order_locked(m, i, pick);
        info = ptd_addrmgr_at_locked(m, m->order[i]);
        if (net != PTD_NET_NONE && ptd_netgroup_class(&info->na) != net)
            continue;
        if (filter == PTD_ADDRMGR_FIT && ptd_addrmgr_is_terrible(info, now_s))
            continue;
        out[n++] = ptd_addrmgr_told(info);
    }
    return n;
}

size_t ptd_addrmgr_sample(struct ptd_addrmgr *m, struct ptd_addr_entry *out,
                          size_t max, unsigned percent, enum ptd_net net,
                          enum ptd_addrmgr_filter filter)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    size_t n;

    PTD_ASSERT(percent <= 100);
    ptd_addrmgr_enter(m);
    if (percent != 0)
        max = PTD_MIN(max, m->n * percent / 100);
    n = sample_locked(m, out, max, net, filter, now_s);
    ptd_addrmgr_leave(m);
    ptd_log_debug("GetAddr returned %zu random addresses", n);
    return n;
}
