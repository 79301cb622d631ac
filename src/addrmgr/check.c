/* Is the structure sound? The numbers of what is wrong are Bitcoin Core's. */
#include <config.h>

#include "addrmgr/addrmgr_int.h"

#include <string.h>

#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

/* What is counted on the way, to be held against what the tables count. */
struct tally {
    size_t n_new, n_tried;
    size_t net_new[PTD_ADDRMGR_N_NETS];
    size_t net_tried[PTD_ADDRMGR_N_NETS];
};

static int check_info_locked(struct ptd_addrmgr *m, uint32_t who)
    PTD_REQUIRES(m->mu);
static int check_info_locked(struct ptd_addrmgr *m, uint32_t who)
{
    const struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

    if (info->tried && info->last_success_s == 0)
        return -1;
    if (info->tried && info->n_refs > 0)
        return -2;
    if (info->n_refs > PTD_ADDRMGR_MAX_REFS)
        return -3;
    if (!info->tried && info->n_refs == 0)
        return -4;
    if (ptd_addrmgr_lookup_locked(m, &info->na) != who)
        return -5;
    if (info->order_at >= m->n || m->order[info->order_at] != who)
        return -14;
    if (info->last_try_s < 0)
        return -6;
    return info->last_success_s < 0 ? -8 : 0;
}

static int check_infos_locked(struct ptd_addrmgr *m, struct tally *t)
    PTD_REQUIRES(m->mu);
static int check_infos_locked(struct ptd_addrmgr *m, struct tally *t)
{
    for (uint32_t who = 1; who <= m->n_info; who++) {
        struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);
        int wrong;

        if (info->na.net == PTD_NET_NONE)
            continue;
        if ((wrong = check_info_locked(m, who)) != 0)
            return wrong;
        info->n_seen = 0;
        if (info->tried) {
            t->n_tried++;
            t->net_tried[info->net]++;
        } else {
            t->n_new++;
            t->net_new[info->net]++;
        }
    }
    if (t->n_tried != m->n_tried)
        return -9;
    return t->n_new != m->n_new ? -10 : 0;
}

static int check_tried_locked(struct ptd_addrmgr *m, int bucket, int position,
                              enum ptd_addrmgr_depth depth) PTD_REQUIRES(m->mu);
static int check_tried_locked(struct ptd_addrmgr *m, int bucket, int position,
                              enum ptd_addrmgr_depth depth)
{
    uint32_t who = m->tried[bucket][position];
    struct ptd_addrmgr_info *info;

    if (who == PTD_ADDRMGR_NOBODY)
        return 0;
    if (who > m->n_info || !ptd_addrmgr_at_locked(m, who)->tried)
        return -11;
    info = ptd_addrmgr_at_locked(m, who);
    if (depth == PTD_ADDRMGR_DEEP &&
        ptd_addrmgr_tried_bucket_locked(m, &info->na) != bucket)
        return -17;
    if (depth == PTD_ADDRMGR_DEEP &&
        ptd_addrmgr_position_locked(m, PTD_ADDRMGR_TRIED, bucket, &info->na) !=
            position)
        return -18;
    return ++info->n_seen > 1 ? -11 : 0;
}

static int check_new_locked(struct ptd_addrmgr *m, int bucket, int position,
                            enum ptd_addrmgr_depth depth) PTD_REQUIRES(m->mu);
static int check_new_locked(struct ptd_addrmgr *m, int bucket, int position,
                            enum ptd_addrmgr_depth depth)
{
    uint32_t who = m->new[bucket][position];
    struct ptd_addrmgr_info *info;

    if (who == PTD_ADDRMGR_NOBODY)
        return 0;
    if (who > m->n_info)
        return -12;
    info = ptd_addrmgr_at_locked(m, who);
    if (info->na.net == PTD_NET_NONE || info->tried)
        return -12;
    if (depth == PTD_ADDRMGR_DEEP &&
        ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW, bucket, &info->na) !=
            position)
        return -19;
    return ++info->n_seen > info->n_refs ? -12 : 0;
}

static int
check_places_locked(struct ptd_addrmgr *m, enum ptd_addrmgr_depth depth)
    PTD_REQUIRES(m->mu);
static int check_places_locked(struct ptd_addrmgr *m,
                               enum ptd_addrmgr_depth depth)
{
    int wrong = 0;

    for (int b = 0; b < PTD_ADDRMGR_TRIED_BUCKETS && wrong == 0; b++) {
        for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE && wrong == 0; i++)
            wrong = check_tried_locked(m, b, i, depth);
    }
    for (int b = 0; b < PTD_ADDRMGR_NEW_BUCKETS && wrong == 0; b++) {
        for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE && wrong == 0; i++)
            wrong = check_new_locked(m, b, i, depth);
    }
    return wrong;
}

/* Every entry was found as often as it should be. */
static int check_seen_locked(struct ptd_addrmgr *m) PTD_REQUIRES(m->mu);
static int check_seen_locked(struct ptd_addrmgr *m)
{
    for (uint32_t who = 1; who <= m->n_info; who++) {
        const struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

        if (info->na.net == PTD_NET_NONE)
            continue;
        if (info->tried && info->n_seen != 1)
            return -13;
        if (!info->tried && info->n_seen != info->n_refs)
            return -15;
    }
    return 0;
}

static int find_fault_locked(struct ptd_addrmgr *m,
                             enum ptd_addrmgr_depth depth) PTD_REQUIRES(m->mu);
static int find_fault_locked(struct ptd_addrmgr *m,
                             enum ptd_addrmgr_depth depth)
{
    static const uint8_t no_key[PTD_ADDRMGR_KEY_BYTES];
    struct tally t = { 0 };
    int wrong;

    if (m->n != m->n_new + m->n_tried)
        return -7;
    if ((wrong = check_infos_locked(m, &t)) != 0 ||
        (wrong = check_places_locked(m, depth)) != 0 ||
        (wrong = check_seen_locked(m)) != 0)
        return wrong;
    if (memcmp(m->key, no_key, sizeof no_key) == 0)
        return -16;
    if (memcmp(t.net_new, m->net_new, sizeof t.net_new) != 0 ||
        memcmp(t.net_tried, m->net_tried, sizeof t.net_tried) != 0)
        return -21;
    return 0;
}

int ptd_addrmgr_check_locked(struct ptd_addrmgr *m,
                             enum ptd_addrmgr_depth depth)
{
    int64_t start_us = ptd_clock_now_us(NULL);
    int wrong = find_fault_locked(m, depth);

    m->checked = (struct ptd_addrmgr_checked){
        .any = true,
        .n_new = m->n_new,
        .n_tried = m->n_tried,
        .took_us = ptd_clock_now_us(NULL) - start_us,
    };
    return wrong;
}

int ptd_addrmgr_check(struct ptd_addrmgr *m)
{
    int wrong;

    ptd_mutex_lock(&m->mu);
    wrong = ptd_addrmgr_check_locked(m, PTD_ADDRMGR_DEEP);
    ptd_addrmgr_leave(m);
    return wrong;
}

void ptd_addrmgr_maybe_check_locked(struct ptd_addrmgr *m)
{
    int wrong;

    if (m->cfg.check_ratio == 0 ||
        ptd_addrmgr_draw_locked(m, m->cfg.check_ratio) != 0)
        return;
    wrong = ptd_addrmgr_check_locked(m, PTD_ADDRMGR_DEEP);
    /* Under the lock, for once: the program ends here. */
    if (wrong != 0)
        ptd_log_error("ADDRMAN CONSISTENCY CHECK FAILED!!! err=%d", wrong);
    PTD_ASSERT(wrong == 0);
}
