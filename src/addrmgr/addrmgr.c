#include <config.h>

#include "addrmgr/addrmgr.h"

#include <stdio.h>

#include "addrmgr/addrmgr_int.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

/* ---- making ---------------------------------------------------------- */

struct ptd_addrmgr *ptd_addrmgr_new(const struct ptd_addrmgr_config *cfg)
{
    struct ptd_addrmgr *m;

    if (ptd_crypto_thread_init() != PTD_OK ||
        (m = ptd_calloc(1, sizeof *m)) == NULL)
        return NULL;
    if (cfg != NULL)
        m->cfg = *cfg;
    if (m->cfg.deterministic) {
        m->rng_k0 = m->cfg.seed;
        m->index_k0 = ~m->cfg.seed;
    } else {
        m->rng_k0 = ptd_random_u64();
        m->rng_k1 = ptd_random_u64();
        m->index_k0 = ptd_random_u64();
        m->index_k1 = ptd_random_u64();
    }
    ptd_mutex_init(&m->mu, PTD_RANK_ADDRMGR);
    ptd_mutex_lock(&m->mu);
    ptd_addrmgr_reset_locked(m);
    ptd_mutex_unlock(&m->mu);
    return m;
}

void ptd_addrmgr_free(struct ptd_addrmgr *m)
{
    if (m == NULL)
        return;
    ptd_mutex_lock(&m->mu);
    ptd_free(m->info);
    ptd_free(m->order);
    ptd_mutex_unlock(&m->mu);
    ptd_mutex_fini(&m->mu);
    ptd_free(m);
}

void ptd_addrmgr_enter(struct ptd_addrmgr *m)
{
    ptd_mutex_lock(&m->mu);
    ptd_addrmgr_maybe_check_locked(m);
}

void ptd_addrmgr_leave(struct ptd_addrmgr *m)
{
    struct ptd_addrmgr_checked checked;

    ptd_addrmgr_maybe_check_locked(m);
    checked = m->checked;
    m->checked = (struct ptd_addrmgr_checked){ 0 };
    ptd_mutex_unlock(&m->mu);
    if (!checked.any)
        return;
    ptd_log_debug("CheckAddrman: new %zu, tried %zu, total %zu started",
                  checked.n_new, checked.n_tried,
                  checked.n_new + checked.n_tried);
    ptd_log_debug("CheckAddrman: completed (%.2fms)",
                  (double)checked.took_us / 1000);
}

/* ---- randomness: SipHash over a counter ------------------------------ */

uint64_t ptd_addrmgr_draw_locked(struct ptd_addrmgr *m, uint64_t bound)
{
    uint64_t v, reject = -bound % bound;

    do {
        uint64_t n = m->rng_n++;

        v = ptd_siphash24(m->rng_k0, m->rng_k1, &n, sizeof n);
    } while (v < reject);
    return v % bound;
}

uint64_t ptd_addrmgr_random_below(struct ptd_addrmgr *m, uint64_t bound)
{
    uint64_t v;

    PTD_ASSERT(bound > 0);
    ptd_mutex_lock(&m->mu);
    v = ptd_addrmgr_draw_locked(m, bound);
    ptd_mutex_unlock(&m->mu);
    return v;
}

/* ---- small questions ------------------------------------------------- */

static size_t count_of(enum ptd_addrmgr_table table, size_t n_new,
                       size_t n_tried)
{
    switch (table) {
    case PTD_ADDRMGR_NEW: return n_new;
    case PTD_ADDRMGR_TRIED: return n_tried;
    case PTD_ADDRMGR_BOTH: break;
    }
    return n_new + n_tried;
}

size_t ptd_addrmgr_size(struct ptd_addrmgr *m, enum ptd_net net,
                        enum ptd_addrmgr_table table)
{
    size_t n;

    PTD_ASSERT((unsigned)net < PTD_ADDRMGR_N_NETS);
    ptd_addrmgr_enter(m);
    n = net == PTD_NET_NONE
            ? count_of(table, m->n_new, m->n_tried)
            : count_of(table, m->net_new[net], m->net_tried[net]);
    ptd_addrmgr_leave(m);
    return n;
}

static void locate_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_where *out,
                          const struct ptd_addrmgr_info *info)
    PTD_REQUIRES(m->mu);
static void locate_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_where *out,
                          const struct ptd_addrmgr_info *info)
{
    out->tried = info->tried;
    if (info->tried) {
        out->n_refs = 1;
        out->bucket = ptd_addrmgr_tried_bucket_locked(m, &info->na);
        out->position = ptd_addrmgr_position_locked(m, PTD_ADDRMGR_TRIED,
                                                    out->bucket, &info->na);
    } else {
        out->n_refs = info->n_refs;
        out->bucket =
            ptd_addrmgr_new_bucket_locked(m, &info->na, &info->source);
        out->position = ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW,
                                                    out->bucket, &info->na);
    }
}

bool ptd_addrmgr_find(struct ptd_addrmgr *m, struct ptd_addrmgr_where *out,
                      const struct ptd_netaddr *na)
{
    uint32_t who;

    ptd_addrmgr_enter(m);
    who = ptd_addrmgr_lookup_locked(m, na);
    if (who != PTD_ADDRMGR_NOBODY)
        locate_locked(m, out, ptd_addrmgr_at_locked(m, who));
    ptd_addrmgr_leave(m);
    return who != PTD_ADDRMGR_NOBODY;
}

/* ---- all entries ----------------------------------------------------- */

static struct ptd_addrmgr_entry
entry_at_locked(struct ptd_addrmgr *m, uint32_t who, int bucket, int position)
    PTD_REQUIRES(m->mu);
static struct ptd_addrmgr_entry
entry_at_locked(struct ptd_addrmgr *m, uint32_t who, int bucket, int position)
{
    const struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

    return (struct ptd_addrmgr_entry){
        .e = ptd_addrmgr_told(info),
        .source = info->source,
        .last_success_s = info->last_success_s,
        .n_attempts = info->n_attempts,
        .where = { .tried = info->tried,
                   .n_refs = info->tried ? 1 : info->n_refs,
                   .bucket = bucket,
                   .position = position },
    };
}

static enum ptd_err entries_locked(struct ptd_addrmgr *m,
                                   struct ptd_addrmgr_entry **out, size_t *n,
                                   uint32_t (*place)[PTD_ADDRMGR_BUCKET_SIZE],
                                   int n_buckets) PTD_REQUIRES(m->mu);
static enum ptd_err
entries_locked(struct ptd_addrmgr *m, struct ptd_addrmgr_entry **out, size_t *n,
               uint32_t (*place)[PTD_ADDRMGR_BUCKET_SIZE], int n_buckets)
{
    struct ptd_addrmgr_entry *list;
    size_t count = 0;

    for (int b = 0; b < n_buckets; b++) {
        for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE; i++)
            count += place[b][i] != PTD_ADDRMGR_NOBODY;
    }
    if ((list = ptd_alloc_array(count, sizeof *list)) == NULL)
        return PTD_ENOMEM;
    *out = list;
    *n = count;
    for (int b = 0; b < n_buckets; b++) {
        for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE; i++) {
            if (place[b][i] != PTD_ADDRMGR_NOBODY)
                *list++ = entry_at_locked(m, place[b][i], b, i);
        }
    }
    return PTD_OK;
}

enum ptd_err ptd_addrmgr_entries(struct ptd_addrmgr *m,
                                 struct ptd_addrmgr_entry **out, size_t *n,
                                 enum ptd_addrmgr_table table)
{
    enum ptd_err e;

    PTD_ASSERT(table != PTD_ADDRMGR_BOTH);
    ptd_addrmgr_enter(m);
    e = table == PTD_ADDRMGR_NEW
            ? entries_locked(m, out, n, m->new, PTD_ADDRMGR_NEW_BUCKETS)
            : entries_locked(m, out, n, m->tried, PTD_ADDRMGR_TRIED_BUCKETS);
    ptd_addrmgr_leave(m);
    return e;
}

/* ---- notes ----------------------------------------------------------- */

void ptd_addrmgr_notes_init(struct ptd_addrmgr_notes *notes)
{
    notes->on = ptd_log_wants(PTD_LOG_DEBUG);
    notes->n = 0;
}

void ptd_addrmgr_note(struct ptd_addrmgr_notes *notes,
                      enum ptd_addrmgr_event event,
                      const struct ptd_netaddr *na,
                      const struct ptd_netaddr *other, int bucket, int position)
{
    if (!notes->on || notes->n == PTD_COUNT(notes->v))
        return;
    notes->v[notes->n++] = (struct ptd_addrmgr_note){
        .event = event,
        .na = *na,
        .other = other != NULL ? *other : (struct ptd_netaddr){ 0 },
        .bucket = bucket,
        .position = position,
    };
}

static void log_note(const struct ptd_addrmgr_note *note,
                     const struct ptd_netgroup *ng)
{
    char na[PTD_NETADDR_TEXT], other[PTD_NETADDR_TEXT], as[32] = "";
    uint32_t number = ptd_netgroup_as(ng, &note->na);

    ptd_netaddr_format(&note->na, na, sizeof na);
    ptd_netaddr_format(&note->other, other, sizeof other);
    if (number != 0)
        snprintf(as, sizeof as, " mapped to AS%u", number);
    switch (note->event) {
    case PTD_ADDRMGR_ADDED:
        ptd_log_debug("Added %s%s to new[%d][%d]", na, as, note->bucket,
                      note->position);
        break;
    case PTD_ADDRMGR_REMOVED:
        ptd_log_debug("Removed %s from new[%d][%d]", na, note->bucket,
                      note->position);
        break;
    case PTD_ADDRMGR_MOVED_TO_TRIED:
        ptd_log_debug("Moved %s%s to tried[%d][%d]", na, as, note->bucket,
                      note->position);
        break;
    case PTD_ADDRMGR_MOVED_TO_NEW:
        ptd_log_debug("Moved %s from tried to new[%d][%d] to make space", na,
                      note->bucket, note->position);
        break;
    case PTD_ADDRMGR_COLLIDED:
        ptd_log_debug("Collision with %s while attempting to move %s to tried "
                      "table",
                      other, na);
        break;
    case PTD_ADDRMGR_REPLACED:
        ptd_log_debug("Replacing %s with %s in tried table", other, na);
        break;
    case PTD_ADDRMGR_REPLACED_UNTESTED:
        ptd_log_debug("Unable to test; replacing %s with %s in tried table "
                      "anyway",
                      other, na);
        break;
    }
}

void ptd_addrmgr_notes_flush(struct ptd_addrmgr_notes *notes,
                             const struct ptd_netgroup *ng)
{
    for (size_t i = 0; i < notes->n; i++)
        log_note(&notes->v[i], ng);
    notes->n = 0;
}
