/* Entries and the ways to them: the index by address (open addressing, linear
 * probing, no tombstones), the random order, the places. */
#include <config.h>

#include <string.h>

#include "addrmgr/addrmgr_int.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"

enum { INDEX_MASK = PTD_ADDRMGR_INDEX_SIZE - 1 };

/* Each entry has a place, but for the one that is just being added. */
_Static_assert(PTD_ADDRMGR_MAX_NEW + PTD_ADDRMGR_MAX_TRIED + 1 <
                   PTD_ADDRMGR_INDEX_SIZE / 3,
               "an index with room");

/* ---- the index ------------------------------------------------------- */

static size_t home_of(const struct ptd_addrmgr *m, const struct ptd_netaddr *na)
{
    return ptd_netaddr_hash(na, m->index_k0, m->index_k1) & INDEX_MASK;
}

/* The slot of an address, or the empty one where it would go. */
static size_t slot_of_locked(const struct ptd_addrmgr *m,
                             const struct ptd_netaddr *na) PTD_REQUIRES(m->mu);
static size_t slot_of_locked(const struct ptd_addrmgr *m,
                             const struct ptd_netaddr *na)
{
    size_t at = home_of(m, na);

    while (m->index[at] != PTD_ADDRMGR_NOBODY &&
           !ptd_netaddr_is_equal(&m->info[m->index[at] - 1].na, na))
        at = (at + 1) & INDEX_MASK;
    return at;
}

uint32_t ptd_addrmgr_lookup_locked(const struct ptd_addrmgr *m,
                                   const struct ptd_netaddr *na)
{
    return m->index[slot_of_locked(m, na)];
}

/* Empty a slot; those behind it that were pushed past it move up. */
static void index_remove_locked(struct ptd_addrmgr *m, size_t hole)
    PTD_REQUIRES(m->mu);
static void index_remove_locked(struct ptd_addrmgr *m, size_t hole)
{
    size_t at = hole;

    for (;;) {
        size_t home;

        at = (at + 1) & INDEX_MASK;
        if (m->index[at] == PTD_ADDRMGR_NOBODY)
            break;
        home = home_of(m, &m->info[m->index[at] - 1].na);
        /* It may move if its home does not lie behind the hole. */
        if (((at - home) & INDEX_MASK) < ((at - hole) & INDEX_MASK))
            continue;
        m->index[hole] = m->index[at];
        hole = at;
    }
    m->index[hole] = PTD_ADDRMGR_NOBODY;
}

/* ---- order and counts ------------------------------------------------ */

void ptd_addrmgr_swap_order_locked(struct ptd_addrmgr *m, size_t a, size_t b)
{
    uint32_t who_a = m->order[a], who_b = m->order[b];

    m->order[a] = who_b;
    m->order[b] = who_a;
    ptd_addrmgr_at_locked(m, who_a)->order_at = (uint32_t)b;
    ptd_addrmgr_at_locked(m, who_b)->order_at = (uint32_t)a;
}

void ptd_addrmgr_count_locked(struct ptd_addrmgr *m,
                              const struct ptd_addrmgr_info *info,
                              enum ptd_addrmgr_table table, int step)
{
    if (table == PTD_ADDRMGR_NEW) {
        m->n_new += (size_t)step;
        m->net_new[info->net] += (size_t)step;
    } else {
        m->n_tried += (size_t)step;
        m->net_tried[info->net] += (size_t)step;
    }
}

/* ---- entries --------------------------------------------------------- */

/* Room for one entry more; false for lack of memory. */
static bool reserve_locked(struct ptd_addrmgr *m) PTD_REQUIRES(m->mu);
static bool reserve_locked(struct ptd_addrmgr *m)
{
    void *grown;

    if (m->free == PTD_ADDRMGR_NOBODY && m->n_info == m->cap_info) {
        grown = ptd_array_grow(m->info, &m->cap_info, m->n_info + 1,
                               sizeof *m->info);
        if (grown == NULL)
            return false;
        m->info = grown;
    }
    if (m->n == m->cap_order) {
        grown =
            ptd_array_grow(m->order, &m->cap_order, m->n + 1, sizeof *m->order);
        if (grown == NULL)
            return false;
        m->order = grown;
    }
    return true;
}

static uint32_t take_free_locked(struct ptd_addrmgr *m) PTD_REQUIRES(m->mu);
static uint32_t take_free_locked(struct ptd_addrmgr *m)
{
    uint32_t who = m->free;

    if (who != PTD_ADDRMGR_NOBODY)
        m->free = ptd_addrmgr_at_locked(m, who)->order_at;
    else
        who = (uint32_t)++m->n_info;
    return who;
}

uint32_t ptd_addrmgr_create_locked(struct ptd_addrmgr *m,
                                   const struct ptd_addr_entry *e,
                                   const struct ptd_netaddr *source)
{
    struct ptd_addrmgr_info *info;
    uint32_t who;

    if (!reserve_locked(m))
        return PTD_ADDRMGR_NOBODY;
    who = take_free_locked(m);
    info = ptd_addrmgr_at_locked(m, who);
    *info = (struct ptd_addrmgr_info){
        .na = e->na,
        .source = *source,
        .id = m->next_id++,
        .services = e->services,
        .time_s = e->time,
        .order_at = (uint32_t)m->n,
        .net = ptd_netaddr_is_routable(&e->na) ? e->na.net : PTD_NET_NONE,
    };
    info->source.port = 0;
    m->order[m->n++] = who;
    m->index[slot_of_locked(m, &e->na)] = who;
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_NEW, 1);
    return who;
}

void ptd_addrmgr_delete_locked(struct ptd_addrmgr *m, uint32_t who)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);

    PTD_ASSERT(!info->tried && info->n_refs == 0);
    ptd_addrmgr_swap_order_locked(m, info->order_at, m->n - 1);
    m->n--;
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_NEW, -1);
    index_remove_locked(m, slot_of_locked(m, &info->na));
    *info = (struct ptd_addrmgr_info){ .order_at = m->free };
    m->free = who;
}

void ptd_addrmgr_clear_new_locked(struct ptd_addrmgr *m, int bucket,
                                  int position, struct ptd_addrmgr_notes *notes)
{
    uint32_t who = m->new[bucket][position];
    struct ptd_addrmgr_info *info;

    if (who == PTD_ADDRMGR_NOBODY)
        return;
    info = ptd_addrmgr_at_locked(m, who);
    PTD_ASSERT(info->n_refs > 0);
    ptd_addrmgr_note(notes, PTD_ADDRMGR_REMOVED, &info->na, NULL, bucket,
                     position);
    m->new[bucket][position] = PTD_ADDRMGR_NOBODY;
    if (--info->n_refs == 0)
        ptd_addrmgr_delete_locked(m, who);
}

void ptd_addrmgr_reset_locked(struct ptd_addrmgr *m)
{
    ptd_free(m->info);
    ptd_free(m->order);
    m->info = NULL;
    m->order = NULL;
    m->n = m->n_info = m->cap_info = m->cap_order = 0;
    m->free = PTD_ADDRMGR_NOBODY;
    m->n_new = m->n_tried = m->n_collisions = 0;
    memset(m->net_new, 0, sizeof m->net_new);
    memset(m->net_tried, 0, sizeof m->net_tried);
    memset(m->index, 0, sizeof m->index);
    memset(m->new, 0, sizeof m->new);
    memset(m->tried, 0, sizeof m->tried);
    m->last_good_s = 1;
    memset(m->key, 0, sizeof m->key);
    m->key[0] = 1;
    if (!m->cfg.deterministic)
        ptd_random_bytes(m->key, sizeof m->key);
}

struct ptd_addr_entry ptd_addrmgr_told(const struct ptd_addrmgr_info *info)
{
    return (struct ptd_addr_entry){
        .time = (uint32_t)PTD_MIN(info->time_s, UINT32_MAX),
        .services = info->services,
        .na = info->na,
    };
}
