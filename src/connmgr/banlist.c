/* Changes are made under the lock; the file is written without it, by one
 * thread at a time, from a copy. Changes are counted; who comes to write and
 * finds that its own was in somebody else's copy has nothing left to do. */
#include <config.h>

#include "connmgr/banlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "connmgr/banfile.h"
#include "connmgr/bantable.h"
#include "pentad/chan.h"
#include "pentad/log.h"
#include "sync/mutex.h"

PTD_LOG_TAG(SRVR);

struct ptd_banlist {
    /* Set once. */
    struct ptd_clock *clock;
    char *path;            /* NULL: no file */
    int64_t default_s;     /* > 0 */
    struct ptd_chan *turn; /* holds a signal while nobody writes the file */

    struct ptd_mutex mu; /* rank PTD_RANK_GUARD */
    struct ptd_bantable table PTD_GUARDED_BY(mu);
    int64_t earliest_s PTD_GUARDED_BY(mu); /* no ban ends before; may be too
                                              early */
    uint64_t n_changes PTD_GUARDED_BY(mu); /* so far */
    uint64_t n_saved PTD_GUARDED_BY(mu);   /* of them, how many are on disk */
};

/* ---- the ones that have ended ------------------------------------------- */

/* Bans taken out under the lock, to be named in the log after it. */
struct ended {
    struct ptd_ban *e; /* malloc; NULL */
    size_t n, cap;
};

static void ended_add(struct ended *out, const struct ptd_ban *ban)
{
    struct ptd_ban *grown;

    if (!ptd_log_wants(PTD_LOG_DEBUG))
        return;
    grown = ptd_array_grow(out->e, &out->cap, out->n + 1, sizeof *out->e);
    if (grown == NULL)
        return; /* a line less in the log */
    out->e = grown;
    out->e[out->n++] = *ban;
}

static void ended_log(struct ended *out)
{
    char text[PTD_SUBNET_TEXT];

    for (size_t i = 0; i < out->n; i++)
        ptd_log_debug("Removed banned node address/subnet: %s",
                      ptd_subnet_format(&out->e[i].subnet, text, sizeof text));
    ptd_free(out->e);
}

/* Looks at the bans only if one of them may have ended: a list that is full of
 * long bans is not walked at each try to add one. */
static void sweep_locked(struct ptd_banlist *b, int64_t now_s,
                         struct ended *out) PTD_REQUIRES(b->mu)
{
    struct ptd_bantable *t = &b->table;

    if (now_s < b->earliest_s)
        return;
    b->earliest_s = INT64_MAX;
    for (size_t i = 0; i < t->n;) {
        if (now_s < t->e[i].until_s) {
            b->earliest_s = PTD_MIN(b->earliest_s, t->e[i].until_s);
            i++;
            continue;
        }
        ended_add(out, &t->e[i]);
        ptd_bantable_remove(t, &t->e[i]);
        b->n_changes++;
    }
}

static void sweep(struct ptd_banlist *b)
{
    struct ended gone = { 0 };

    ptd_mutex_lock(&b->mu);
    sweep_locked(b, ptd_clock_wall_s(b->clock), &gone);
    ptd_mutex_unlock(&b->mu);
    ended_log(&gone);
}

/* ---- writing the file --------------------------------------------------- */

/* A copy of all bans, and how many changes are in it. */
static enum ptd_err snapshot(struct ptd_banlist *b, struct ptd_ban **out,
                             size_t *n, uint64_t *n_changes)
{
    size_t room = 0;

    *out = NULL;
    for (;;) {
        bool fits;

        ptd_mutex_lock(&b->mu);
        *n = b->table.n;
        *n_changes = b->n_changes;
        fits = *out != NULL && *n <= room;
        if (fits && *n > 0)
            memcpy(*out, b->table.e, *n * sizeof **out);
        ptd_mutex_unlock(&b->mu);
        if (fits)
            return PTD_OK;
        ptd_free(*out);
        room = *n + 16; /* others may add some meanwhile */
        if ((*out = ptd_alloc_array(room, sizeof **out)) == NULL)
            return PTD_ENOMEM;
    }
}

static int by_subnet(const void *a, const void *b)
{
    return ptd_subnet_cmp(&((const struct ptd_ban *)a)->subnet,
                          &((const struct ptd_ban *)b)->subnet);
}

enum ptd_err ptd_banlist_list(struct ptd_banlist *b, struct ptd_ban **out,
                              size_t *n)
{
    uint64_t n_changes;
    enum ptd_err e;

    sweep(b);
    if ((e = snapshot(b, out, n, &n_changes)) == PTD_OK)
        qsort(*out, *n, sizeof **out, by_subnet);
    return e;
}

static enum ptd_err write_file(struct ptd_banlist *b, uint64_t *n_changes)
{
    int64_t start_us = ptd_clock_now_us(NULL);
    struct ptd_ban *bans;
    size_t n, size;
    enum ptd_err e;
    char *text;

    if ((e = snapshot(b, &bans, &n, n_changes)) != PTD_OK)
        return e;
    qsort(bans, n, sizeof *bans, by_subnet);
    e = ptd_banfile_encode(&text, &size, bans, n);
    ptd_free(bans);
    if (e != PTD_OK)
        return e;
    e = ptd_file_replace(b->path, text, size);
    ptd_free(text);
    if (e == PTD_OK)
        ptd_log_debug("Flushed %zu banned node addresses/subnets to disk  "
                      "%" PRId64 "ms",
                      n, (ptd_clock_now_us(NULL) - start_us) / 1000);
    return e;
}

/* Have the first n_changes changes on disk. */
static enum ptd_err save(struct ptd_banlist *b, uint64_t n_changes)
{
    enum ptd_err e = PTD_OK;
    bool is_saved;

    if (b->path == NULL)
        return PTD_OK;
    PTD_ASSERT(ptd_chan_recv(b->turn, NULL) == PTD_OK);
    ptd_mutex_lock(&b->mu);
    is_saved = b->n_saved >= n_changes;
    ptd_mutex_unlock(&b->mu);
    if (!is_saved && (e = write_file(b, &n_changes)) == PTD_OK) {
        ptd_mutex_lock(&b->mu);
        b->n_saved = n_changes;
        ptd_mutex_unlock(&b->mu);
    } else if (e == PTD_EIO) {
        ptd_log_error("Cannot write banlist %s: %s", b->path, strerror(errno));
    } else if (e != PTD_OK) {
        ptd_log_error("Cannot write banlist %s: %s", b->path, ptd_err_text(e));
    }
    PTD_ASSERT(ptd_chan_try_send(b->turn, NULL) == PTD_OK);
    return e;
}

static enum ptd_err save_all(struct ptd_banlist *b)
{
    uint64_t n_changes;

    sweep(b);
    ptd_mutex_lock(&b->mu);
    n_changes = b->n_changes;
    ptd_mutex_unlock(&b->mu);
    return save(b, n_changes);
}

/* ---- changes ------------------------------------------------------------ */

/* Put a ban in, in place of another one for the same range. */
static enum ptd_err put_locked(struct ptd_banlist *b, const struct ptd_ban *ban)
    PTD_REQUIRES(b->mu)
{
    struct ptd_ban *old = ptd_bantable_find(&b->table, &ban->subnet);
    enum ptd_err e = PTD_OK;

    if (old != NULL)
        *old = *ban;
    else if (b->table.n == PTD_BANLIST_MAX)
        e = PTD_ELIMIT;
    else
        e = ptd_bantable_add(&b->table, ban);
    if (e != PTD_OK)
        return e;
    b->earliest_s = PTD_MIN(b->earliest_s, ban->until_s);
    b->n_changes++;
    return PTD_OK;
}

static int64_t until(const struct ptd_banlist *b, int64_t now_s,
                     int64_t seconds, enum ptd_ban_time what)
{
    if (seconds <= 0) {
        seconds = b->default_s;
        what = PTD_BAN_FOR;
    }
    if (what == PTD_BAN_UNTIL)
        return seconds;
    return seconds < INT64_MAX - now_s ? now_s + seconds : INT64_MAX;
}

enum ptd_err ptd_banlist_ban(struct ptd_banlist *b, const struct ptd_subnet *s,
                             int64_t seconds, enum ptd_ban_time what)
{
    int64_t now_s = ptd_clock_wall_s(b->clock);
    const struct ptd_ban ban = { .subnet = *s,
                                 .created_s = now_s,
                                 .until_s = until(b, now_s, seconds, what) };
    struct ended gone = { 0 };
    const struct ptd_ban *old;
    enum ptd_err e = PTD_OK;
    uint64_t n_changes;
    bool changes;

    ptd_mutex_lock(&b->mu);
    sweep_locked(b, now_s, &gone);
    old = ptd_bantable_find(&b->table, s);
    changes = old == NULL || old->until_s < ban.until_s;
    if (changes)
        e = put_locked(b, &ban);
    n_changes = b->n_changes;
    ptd_mutex_unlock(&b->mu);
    ended_log(&gone);
    if (e != PTD_OK || !changes)
        return e;
    return save(b, n_changes);
}

enum ptd_err ptd_banlist_unban(struct ptd_banlist *b,
                               const struct ptd_subnet *s)
{
    struct ptd_ban *ban;
    uint64_t n_changes;

    sweep(b);
    ptd_mutex_lock(&b->mu);
    ban = ptd_bantable_find(&b->table, s);
    if (ban != NULL) {
        ptd_bantable_remove(&b->table, ban);
        b->n_changes++;
    }
    n_changes = b->n_changes;
    ptd_mutex_unlock(&b->mu);
    return ban != NULL ? save(b, n_changes) : PTD_ENOTFOUND;
}

enum ptd_err ptd_banlist_clear(struct ptd_banlist *b)
{
    uint64_t n_changes;

    ptd_mutex_lock(&b->mu);
    ptd_bantable_clear(&b->table);
    b->earliest_s = INT64_MAX;
    n_changes = ++b->n_changes;
    ptd_mutex_unlock(&b->mu);
    return save(b, n_changes);
}

/* ---- questions ---------------------------------------------------------- */

bool ptd_banlist_has_addr(struct ptd_banlist *b, const struct ptd_netaddr *na)
{
    int64_t now_s = ptd_clock_wall_s(b->clock);
    bool has;

    ptd_mutex_lock(&b->mu);
    has = ptd_bantable_has_addr(&b->table, na, now_s);
    ptd_mutex_unlock(&b->mu);
    return has;
}

bool ptd_banlist_has_subnet(struct ptd_banlist *b, const struct ptd_subnet *s)
{
    int64_t now_s = ptd_clock_wall_s(b->clock);
    const struct ptd_ban *ban;
    bool has;

    ptd_mutex_lock(&b->mu);
    ban = ptd_bantable_find(&b->table, s);
    has = ban != NULL && now_s < ban->until_s;
    ptd_mutex_unlock(&b->mu);
    return has;
}

/* ---- reading the file --------------------------------------------------- */

struct load {
    struct ptd_banlist *b;
    int64_t now_s;
    size_t n_too_many; /* beyond PTD_BANLIST_MAX */
    bool differs;      /* the file holds what the list does not */
    struct ended ended;
};

static enum ptd_err load_one(const struct ptd_ban *ban, void *arg)
{
    struct load *l = arg;
    enum ptd_err e;

    if (ban->until_s <= l->now_s) {
        ended_add(&l->ended, ban);
        l->differs = true;
        return PTD_OK;
    }
    ptd_mutex_lock(&l->b->mu);
    e = put_locked(l->b, ban);
    ptd_mutex_unlock(&l->b->mu);
    if (e != PTD_ELIMIT)
        return e;
    l->n_too_many++;
    return PTD_OK;
}

/* Keep a file that is about to be written over. */
static void keep(const char *path)
{
    enum ptd_err e = ptd_file_set_aside(path);

    if (e == PTD_OK)
        ptd_log_warn("%s is kept as %s.bak", path, path);
    else if (e == PTD_EIO)
        ptd_log_warn("Cannot rename %s: %s", path, strerror(errno));
    else
        ptd_log_warn("Cannot rename %s: %s", path, ptd_err_text(e));
}

/* The file is of no use: begin anew. */
static void recreate(struct ptd_banlist *b)
{
    ptd_log_info("Recreating the banlist database");
    ptd_mutex_lock(&b->mu);
    ptd_bantable_clear(&b->table);
    b->earliest_s = INT64_MAX;
    b->n_changes++;
    ptd_mutex_unlock(&b->mu);
}

static void loaded(struct load *l, int64_t start_us)
{
    struct ptd_banlist *b = l->b;
    size_t n;

    if (l->n_too_many > 0) {
        ptd_log_warn("%s holds more than %d bans: the last %zu are dropped",
                     b->path, PTD_BANLIST_MAX, l->n_too_many);
        keep(b->path);
    }
    ptd_mutex_lock(&b->mu);
    n = b->table.n;
    if (!l->differs && l->n_too_many == 0)
        b->n_saved = b->n_changes;
    ptd_mutex_unlock(&b->mu);
    ptd_log_debug("Loaded %zu banned node addresses/subnets  %" PRId64 "ms", n,
                  (ptd_clock_now_us(NULL) - start_us) / 1000);
}

static enum ptd_err load(struct ptd_banlist *b)
{
    struct load l = { .b = b, .now_s = ptd_clock_wall_s(b->clock) };
    int64_t start_us = ptd_clock_now_us(NULL);
    char why[PTD_BANFILE_WHY];
    uint8_t *text;
    enum ptd_err e;
    size_t n;

    e = ptd_file_read(&text, &n, b->path, PTD_BANLIST_FILE_MAX);
    if (e == PTD_ENOMEM)
        return e;
    if (e != PTD_OK) {
        if (e != PTD_ENOTFOUND) {
            ptd_log_warn("Cannot load banlist %s: %s", b->path,
                         e == PTD_EIO ? strerror(errno) : ptd_err_text(e));
            keep(b->path);
        }
        recreate(b);
        return PTD_OK;
    }
    e = ptd_banfile_decode((char *)text, n, load_one, &l, why);
    ptd_free(text);
    ended_log(&l.ended);
    if (e == PTD_OK) {
        loaded(&l, start_us);
    } else if (e == PTD_EBADVALUE) {
        ptd_log_warn("Cannot parse banlist %s: %s", b->path, why);
        keep(b->path);
        recreate(b);
        e = PTD_OK;
    }
    return e;
}

/* ---- life --------------------------------------------------------------- */

static struct ptd_banlist *banlist_new(const struct ptd_banlist_config *cfg)
{
    struct ptd_banlist *b = ptd_calloc(1, sizeof *b);

    if (b == NULL)
        return NULL;
    if (cfg->path != NULL && (b->path = ptd_strdup(cfg->path)) == NULL)
        goto free_list;
    if ((b->turn = ptd_chan_new(0, 1)) == NULL)
        goto free_path;
    PTD_ASSERT(ptd_chan_try_send(b->turn, NULL) == PTD_OK);
    b->clock = cfg->clock;
    b->default_s = cfg->default_s > 0 ? cfg->default_s : PTD_BAN_DEFAULT_S;
    ptd_mutex_init(&b->mu, PTD_RANK_GUARD);
    ptd_mutex_lock(&b->mu);
    ptd_bantable_init(&b->table);
    b->earliest_s = INT64_MAX;
    ptd_mutex_unlock(&b->mu);
    return b;

free_path:
    ptd_free(b->path);
free_list:
    ptd_free(b);
    return NULL;
}

static void banlist_destroy(struct ptd_banlist *b)
{
    ptd_mutex_lock(&b->mu);
    ptd_bantable_fini(&b->table);
    ptd_mutex_unlock(&b->mu);
    ptd_mutex_fini(&b->mu);
    ptd_chan_free(b->turn);
    ptd_free(b->path);
    ptd_free(b);
}

enum ptd_err ptd_banlist_open(struct ptd_banlist **out,
                              const struct ptd_banlist_config *cfg)
{
    struct ptd_banlist *b = banlist_new(cfg);
    enum ptd_err e;

    if (b == NULL)
        return PTD_ENOMEM;
    if (b->path != NULL && (e = load(b)) != PTD_OK) {
        banlist_destroy(b);
        return e;
    }
    if ((e = save_all(b)) == PTD_ENOMEM) {
        banlist_destroy(b);
        return e;
    }
    *out = b;
    return PTD_OK;
}

void ptd_banlist_free(struct ptd_banlist *b)
{
    if (b == NULL)
        return;
    (void)save_all(b); /* what failed is in the log */
    banlist_destroy(b);
}
