/* The tried table: addresses that answered, and test before evict. */
#include <config.h>

#include "addrmgr/addrmgr_int.h"
#include "base/util.h"

enum {
    MINUTE_S = 60,
    REPLACEMENT_S = 4 * 3600,      /* who answered since then stays in tried */
    TEST_WINDOW_S = 40 * MINUTE_S, /* a collision waits so long for its test */
    CONNECTED_STEP_S = 20 * MINUTE_S
};

/* Bucket and position in tried. */
struct place {
    int bucket;
    int position;
};

static struct place
place_of_locked(const struct ptd_addrmgr *m, const struct ptd_netaddr *na)
    PTD_REQUIRES(m->mu);
static struct place place_of_locked(const struct ptd_addrmgr *m,
                                    const struct ptd_netaddr *na)
{
    int bucket = ptd_addrmgr_tried_bucket_locked(m, na);

    return (struct place){ bucket, ptd_addrmgr_position_locked(
                                       m, PTD_ADDRMGR_TRIED, bucket, na) };
}

/* ---- moving ---------------------------------------------------------- */

/* Take it out of all its places in new. The first source's bucket is the
 * likeliest, so the search begins there. */
static void leave_new_locked(struct ptd_addrmgr *m, uint32_t who)
    PTD_REQUIRES(m->mu);
static void leave_new_locked(struct ptd_addrmgr *m, uint32_t who)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);
    int first = ptd_addrmgr_new_bucket_locked(m, &info->na, &info->source);

    for (int i = 0; i < PTD_ADDRMGR_NEW_BUCKETS && info->n_refs > 0; i++) {
        int bucket = (first + i) % PTD_ADDRMGR_NEW_BUCKETS;
        int at =
            ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW, bucket, &info->na);

        if (m->new[bucket][at] == who) {
            m->new[bucket][at] = PTD_ADDRMGR_NOBODY;
            info->n_refs--;
        }
    }
    PTD_ASSERT(info->n_refs == 0);
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_NEW, -1);
}

/* Move whoever is in a place of tried back to new, where its source puts it;
 * the one there has to go. */
static void evict_locked(struct ptd_addrmgr *m, struct place at,
                         struct ptd_addrmgr_notes *notes) PTD_REQUIRES(m->mu);
static void evict_locked(struct ptd_addrmgr *m, struct place at,
                         struct ptd_addrmgr_notes *notes)
{
    uint32_t who = m->tried[at.bucket][at.position];
    struct ptd_addrmgr_info *info;
    int bucket, position;

    if (who == PTD_ADDRMGR_NOBODY)
        return;
    info = ptd_addrmgr_at_locked(m, who);
    info->tried = false;
    m->tried[at.bucket][at.position] = PTD_ADDRMGR_NOBODY;
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_TRIED, -1);

    bucket = ptd_addrmgr_new_bucket_locked(m, &info->na, &info->source);
    position =
        ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW, bucket, &info->na);
    ptd_addrmgr_clear_new_locked(m, bucket, position, notes);
    m->new[bucket][position] = who;
    info->n_refs = 1;
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_NEW, 1);
    ptd_addrmgr_note(notes, PTD_ADDRMGR_MOVED_TO_NEW, &info->na, NULL, bucket,
                     position);
}

static void move_locked(struct ptd_addrmgr *m, uint32_t who, struct place at,
                        struct ptd_addrmgr_notes *notes) PTD_REQUIRES(m->mu);
static void move_locked(struct ptd_addrmgr *m, uint32_t who, struct place at,
                        struct ptd_addrmgr_notes *notes)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

    leave_new_locked(m, who);
    evict_locked(m, at, notes);
    m->tried[at.bucket][at.position] = who;
    info->tried = true;
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_TRIED, 1);
    ptd_addrmgr_note(notes, PTD_ADDRMGR_MOVED_TO_TRIED, &info->na, NULL,
                     at.bucket, at.position);
}

/* ---- collisions ------------------------------------------------------ */

/* Remember it once; while 10 wait, others do not get a turn. */
static void collide_locked(struct ptd_addrmgr *m, uint32_t who)
    PTD_REQUIRES(m->mu);
static void collide_locked(struct ptd_addrmgr *m, uint32_t who)
{
    uint64_t id = ptd_addrmgr_at_locked(m, who)->id;

    for (size_t i = 0; i < m->n_collisions; i++) {
        if (m->collision[i].id == id)
            return;
    }
    if (m->n_collisions < PTD_ADDRMGR_COLLISIONS)
        m->collision[m->n_collisions++] =
            (struct ptd_addrmgr_collision){ .id = id, .who = who };
}

/* The one that waits; NULL if it is gone or has arrived. */
static struct ptd_addrmgr_info *
waiting_locked(struct ptd_addrmgr *m, const struct ptd_addrmgr_collision *c)
    PTD_REQUIRES(m->mu);
static struct ptd_addrmgr_info *
waiting_locked(struct ptd_addrmgr *m, const struct ptd_addrmgr_collision *c)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, c->who);

    return info->na.net != PTD_NET_NONE && info->id == c->id && !info->tried
               ? info
               : NULL;
}

/* It answered just now: note that, and put it into tried. */
static void succeed_locked(struct ptd_addrmgr *m, uint32_t who, struct place at,
                           int64_t now_s, struct ptd_addrmgr_notes *notes)
    PTD_REQUIRES(m->mu);
static void succeed_locked(struct ptd_addrmgr *m, uint32_t who, struct place at,
                           int64_t now_s, struct ptd_addrmgr_notes *notes)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

    m->last_good_s = now_s;
    info->last_success_s = info->last_try_s = now_s;
    info->n_attempts = 0;
    move_locked(m, who, at, notes);
}

/* True if the collision is over, either way. */
static bool resolve_locked(struct ptd_addrmgr *m,
                           const struct ptd_addrmgr_collision *c, int64_t now_s,
                           struct ptd_addrmgr_notes *notes) PTD_REQUIRES(m->mu);
static bool resolve_locked(struct ptd_addrmgr *m,
                           const struct ptd_addrmgr_collision *c, int64_t now_s,
                           struct ptd_addrmgr_notes *notes)
{
    const struct ptd_addrmgr_info *info = waiting_locked(m, c), *old;
    enum ptd_addrmgr_event how = PTD_ADDRMGR_REPLACED;
    struct place at;
    uint32_t holder;

    if (info == NULL)
        return true;
    at = place_of_locked(m, &info->na);
    holder = m->tried[at.bucket][at.position];
    if (holder != PTD_ADDRMGR_NOBODY) {
        old = ptd_addrmgr_at_locked(m, holder);
        if (now_s - old->last_success_s < REPLACEMENT_S)
            return true; /* it answered: it stays */
        if (now_s - old->last_try_s < REPLACEMENT_S) {
            if (now_s - old->last_try_s <= MINUTE_S)
                return false; /* its test may be under way */
        } else if (now_s - info->last_success_s > TEST_WINDOW_S) {
            how = PTD_ADDRMGR_REPLACED_UNTESTED;
        } else {
            return false;
        }
        ptd_addrmgr_note(notes, how, &info->na, &old->na, 0, 0);
    }
    succeed_locked(m, c->who, at, now_s, notes);
    return true;
}

void ptd_addrmgr_resolve_collisions(struct ptd_addrmgr *m)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    struct ptd_addrmgr_notes notes;
    size_t n_left = 0;

    ptd_addrmgr_notes_init(&notes);
    ptd_addrmgr_enter(m);
    for (size_t i = 0; i < m->n_collisions; i++) {
        struct ptd_addrmgr_collision c = m->collision[i];

        if (!resolve_locked(m, &c, now_s, &notes))
            m->collision[n_left++] = c;
    }
    m->n_collisions = n_left;
    ptd_addrmgr_leave(m);
    ptd_addrmgr_notes_flush(&notes, m->cfg.netgroup);
}

static bool
select_collision_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_pick *out)
    PTD_REQUIRES(m->mu);
static bool select_collision_locked(struct ptd_addrmgr *m,
                                    struct ptd_addrmgr_pick *out)
{
    const struct ptd_addrmgr_info *info, *old;
    struct place at;
    uint32_t holder;
    size_t i;

    if (m->n_collisions == 0)
        return false;
    i = (size_t)ptd_addrmgr_draw_locked(m, m->n_collisions);
    if ((info = waiting_locked(m, &m->collision[i])) == NULL) {
        m->collision[i] = m->collision[--m->n_collisions];
        return false;
    }
    at = place_of_locked(m, &info->na);
    holder = m->tried[at.bucket][at.position];
    if (holder == PTD_ADDRMGR_NOBODY)
        return false; /* resolve_collisions() will see that */
    old = ptd_addrmgr_at_locked(m, holder);
    out->e = ptd_addrmgr_told(old);
    out->last_try_s = old->last_try_s;
    return true;
}

bool ptd_addrmgr_select_collision(struct ptd_addrmgr *m,
                                  struct ptd_addrmgr_pick *out)
{
    bool found;

    ptd_addrmgr_enter(m);
    found = select_collision_locked(m, out);
    ptd_addrmgr_leave(m);
    return found;
}

/* ---- what connections tell ------------------------------------------- */

static bool good_locked(struct ptd_addrmgr *m, const struct ptd_netaddr *na,
                        int64_t now_s, struct ptd_addrmgr_notes *notes)
    PTD_REQUIRES(m->mu);
static bool good_locked(struct ptd_addrmgr *m, const struct ptd_netaddr *na,
                        int64_t now_s, struct ptd_addrmgr_notes *notes)
{
    uint32_t who = ptd_addrmgr_lookup_locked(m, na), holder;
    struct ptd_addrmgr_info *info;
    struct place at;

    m->last_good_s = now_s;
    if (who == PTD_ADDRMGR_NOBODY)
        return false;
    /* Its time is left alone: it is told to others, who could see from it whom
     * we are connected to. */
    info = ptd_addrmgr_at_locked(m, who);
    info->last_success_s = info->last_try_s = now_s;
    info->n_attempts = 0;
    if (info->tried)
        return false;
    at = place_of_locked(m, na);
    holder = m->tried[at.bucket][at.position];
    if (holder != PTD_ADDRMGR_NOBODY) {
        collide_locked(m, who);
        ptd_addrmgr_note(notes, PTD_ADDRMGR_COLLIDED, na,
                         &ptd_addrmgr_at_locked(m, holder)->na, 0, 0);
        return false;
    }
    move_locked(m, who, at, notes);
    return true;
}

bool ptd_addrmgr_good(struct ptd_addrmgr *m, const struct ptd_netaddr *na)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    struct ptd_addrmgr_notes notes;
    bool moved;

    ptd_addrmgr_notes_init(&notes);
    ptd_addrmgr_enter(m);
    moved = good_locked(m, na, now_s, &notes);
    ptd_addrmgr_leave(m);
    ptd_addrmgr_notes_flush(&notes, m->cfg.netgroup);
    return moved;
}

void ptd_addrmgr_attempt(struct ptd_addrmgr *m, const struct ptd_netaddr *na,
                         bool count_failure)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    uint32_t who;

    ptd_addrmgr_enter(m);
    if ((who = ptd_addrmgr_lookup_locked(m, na)) != PTD_ADDRMGR_NOBODY) {
        struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

        info->last_try_s = now_s;
        if (count_failure && info->last_count_s < m->last_good_s &&
            info->n_attempts < INT32_MAX) {
            info->last_count_s = now_s;
            info->n_attempts++;
        }
    }
    ptd_addrmgr_leave(m);
}

void ptd_addrmgr_connected(struct ptd_addrmgr *m, const struct ptd_netaddr *na)
{
    int64_t now_s = ptd_clock_wall_s(m->cfg.clock);
    uint32_t who;

    ptd_addrmgr_enter(m);
    if ((who = ptd_addrmgr_lookup_locked(m, na)) != PTD_ADDRMGR_NOBODY) {
        struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

        if (now_s - info->time_s > CONNECTED_STEP_S)
            info->time_s = now_s;
    }
    ptd_addrmgr_leave(m);
}

void ptd_addrmgr_set_services(struct ptd_addrmgr *m,
                              const struct ptd_netaddr *na, uint64_t services)
{
    uint32_t who;

    ptd_addrmgr_enter(m);
    if ((who = ptd_addrmgr_lookup_locked(m, na)) != PTD_ADDRMGR_NOBODY)
        ptd_addrmgr_at_locked(m, who)->services = services;
    ptd_addrmgr_leave(m);
}
