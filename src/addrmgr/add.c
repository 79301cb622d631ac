/* The new table: what comes in by hearsay, and what makes room for it. */
#include <config.h>

#include "addrmgr/addrmgr_int.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum {
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    HORIZON_S = 30 * DAY_S,      /* older ones are gone */
    FUTURE_S = 10 * MINUTE_S,    /* clocks differ */
    RETRIES = 3,                 /* failures of one that never succeeded … */
    MAX_FAILURES = 10,           /* … or of one that did … */
    MIN_FAIL_S = 7 * DAY_S,      /* … at least so long ago */
    EARLIEST_S = 100000000,      /* 1973: times below are no times */
    IMPOSSIBLE_AGE_S = 5 * DAY_S /* what impossible times become */
};

uint32_t ptd_addrmgr_clamp_time(uint32_t time_s, int64_t now_s)
{
    if (time_s > EARLIEST_S && time_s <= now_s + FUTURE_S)
        return time_s;
    now_s = PTD_MAX(now_s - IMPOSSIBLE_AGE_S, 0);
    return (uint32_t)PTD_MIN(now_s, UINT32_MAX);
}

/* Nobody should be told of it, and anybody may have its place. */
bool ptd_addrmgr_is_terrible(const struct ptd_addrmgr_info *info, int64_t now_s)
{
    if (now_s - info->last_try_s <= MINUTE_S) /* its test may be under way */
        return false;
    return info->time_s > now_s + FUTURE_S ||
           now_s - info->time_s > HORIZON_S ||
           (info->last_success_s == 0 && info->n_attempts >= RETRIES) ||
           (now_s - info->last_success_s > MIN_FAIL_S &&
            info->n_attempts >= MAX_FAILURES);
}

/* One piece of hearsay. */
struct hearsay {
    const struct ptd_addr_entry *e; /* its time is possible */
    const struct ptd_netaddr *source;
    int64_t penalty_s;
    int64_t now_s;
};

/* Learn what is new about a known address; true if it may get one more place:
 * each place makes the next one half as likely. */
static bool refresh_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_info *info,
                           const struct hearsay *h) PTD_REQUIRES(m->mu);
static bool refresh_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_info *info,
                           const struct hearsay *h)
{
    int64_t time_s = h->e->time;
    int64_t step_s = h->now_s - time_s < DAY_S ? HOUR_S : DAY_S;

    if (info->time_s < time_s - step_s - h->penalty_s)
        info->time_s = PTD_MAX(time_s - h->penalty_s, 0);
    info->services |= h->e->services;
    return time_s > info->time_s && !info->tried &&
           info->n_refs < PTD_ADDRMGR_MAX_REFS &&
           ptd_addrmgr_draw_locked(m, UINT64_C(1) << info->n_refs) == 0;
}

/* Whoever holds a place gives way if it is terrible, or if it has others and
 * the new one has none. */
static bool is_free_for_locked(struct ptd_addrmgr *m, uint32_t holder,
                               const struct ptd_addrmgr_info *info,
                               int64_t now_s) PTD_REQUIRES(m->mu);
static bool is_free_for_locked(struct ptd_addrmgr *m, uint32_t holder,
                               const struct ptd_addrmgr_info *info,
                               int64_t now_s)
{
    const struct ptd_addrmgr_info *old;

    if (holder == PTD_ADDRMGR_NOBODY)
        return true;
    old = ptd_addrmgr_at_locked(m, holder);
    return ptd_addrmgr_is_terrible(old, now_s) ||
           (old->n_refs > 1 && info->n_refs == 0);
}

/* Give it a place where its source may put it; one that gets none, and has
 * none, is forgotten. */
static bool place_locked(struct ptd_addrmgr *m, uint32_t who,
                         const struct hearsay *h,
                         struct ptd_addrmgr_notes *notes) PTD_REQUIRES(m->mu);
static bool place_locked(struct ptd_addrmgr *m, uint32_t who,
                         const struct hearsay *h,
                         struct ptd_addrmgr_notes *notes)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);
    int bucket = ptd_addrmgr_new_bucket_locked(m, &info->na, h->source);
    int position =
        ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW, bucket, &info->na);
    uint32_t *place = &m->new[bucket][position];

    if (*place == who)
        return false;
    if (!is_free_for_locked(m, *place, info, h->now_s)) {
        if (info->n_refs == 0)
            ptd_addrmgr_delete_locked(m, who);
        return false;
    }
    ptd_addrmgr_clear_new_locked(m, bucket, position, notes);
    *place = who;
    info->n_refs++;
    ptd_addrmgr_note(notes, PTD_ADDRMGR_ADDED, &info->na, NULL, bucket,
                     position);
    return true;
}

static bool add_one_locked(struct ptd_addrmgr *m, const struct hearsay *h,
                           struct ptd_addrmgr_notes *notes) PTD_REQUIRES(m->mu);
static bool add_one_locked(struct ptd_addrmgr *m, const struct hearsay *h,
                           struct ptd_addrmgr_notes *notes)
{
    uint32_t who = ptd_addrmgr_lookup_locked(m, &h->e->na);
    struct ptd_addrmgr_info *info;

    if (who != PTD_ADDRMGR_NOBODY) {
        if (!refresh_locked(m, ptd_addrmgr_at_locked(m, who), h))
            return false;
        return place_locked(m, who, h, notes);
    }
    who = ptd_addrmgr_create_locked(m, h->e, h->source);
    if (who == PTD_ADDRMGR_NOBODY)
        return false;
    info = ptd_addrmgr_at_locked(m, who);
    info->time_s = PTD_MAX(info->time_s - h->penalty_s, 0);
    return place_locked(m, who, h, notes);
}

/* Without the lock: what does not depend on the tables. */
static bool add_one(struct ptd_addrmgr *m, const struct ptd_addr_entry *e,
                    const struct ptd_netaddr *source, int64_t penalty_s,
                    int64_t now_s, struct ptd_addrmgr_notes *notes)
{
    struct ptd_addr_entry possible = *e;
    struct hearsay h = { &possible, source, penalty_s, now_s };
    bool added;

    if (!ptd_netaddr_is_routable(&e->na))
        return false;
    if (ptd_netaddr_is_same_host(&e->na, source))
        h.penalty_s = 0; /* who speaks of himself knows */
    possible.time = ptd_addrmgr_clamp_time(e->time, now_s);
    ptd_mutex_lock(&m->mu);
    added = add_one_locked(m, &h, notes);
    ptd_mutex_unlock(&m->mu);
    return added;
}

size_t ptd_addrmgr_add(struct ptd_addrmgr *m, const struct ptd_addr_entry *list,
                       size_t n, const struct ptd_netaddr *source,
                       int64_t penalty_s)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    struct ptd_addrmgr_notes notes;
    char text[PTD_NETADDR_TEXT];
    size_t n_added = 0, n_tried, n_new;

    PTD_ASSERT(penalty_s >= 0 && penalty_s <= UINT32_MAX);
    ptd_addrmgr_notes_init(&notes);
    /* The lock is let go after each: a message has up to 1,000. */
    for (size_t i = 0; i < n; i++) {
        n_added += add_one(m, &list[i], source, penalty_s, now_s, &notes);
        ptd_addrmgr_notes_flush(&notes, m->cfg.netgroup);
    }
    ptd_addrmgr_enter(m);
    n_tried = m->n_tried;
    n_new = m->n_new;
    ptd_addrmgr_leave(m);
    if (n_added > 0 && notes.on)
        ptd_log_debug("Added %zu addresses (of %zu) from %s: %zu tried, "
                      "%zu new",
                      n_added, n,
                      ptd_netaddr_format_host(source, text, sizeof text),
                      n_tried, n_new);
    return n_added;
}
