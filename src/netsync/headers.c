/* Headers that come, and asking for them. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

enum { SYNCED_S = 24 * 60 * 60 };

#define RESPONSE_US   (2 * MINUTE_US)  /* a question may be put again then */
#define HINTED_US     (3 * SECOND_US)  /* … or then, if there is reason to */
#define FIRST_BASE_US (15 * MINUTE_US) /* of the first sync, and … */
#define FIRST_EACH_US INT64_C(1000) /* … for each header that is expected */

/* ---- asking ---------------------------------------------------------- */

/* `first`, if any, then the locator of a header of ours (NULL: the best). */
static struct ptd_msg *make_getheaders(struct ptd_netsync *ns,
                                       const struct ptd_hash *first,
                                       const struct ptd_hash *from)
{
    static const struct ptd_hash none;
    struct ptd_hash *list =
        ptd_alloc_array(PTD_HEADERS_LOCATOR_MAX + 1, sizeof *list);
    struct ptd_msg *m;
    size_t n;

    if (list == NULL)
        return NULL;
    n = ptd_headers_locator(ns->headers, list + 1, from);
    if (first != NULL) {
        list[0] = *first;
        n = PTD_MIN(n + 1, (size_t)PTD_HEADERS_LOCATOR_MAX);
    }
    m = ptd_msg_new_locator(PTD_MSG_GETHEADERS, PTD_PVER_WTXIDRELAY,
                            first != NULL ? list : list + 1, n, &none);
    ptd_free(list);
    return m;
}

/* A flood of hints is one question. */
static bool may_ask(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t now = ptd_clock_now_us(ns->clk);
    bool may;

    ptd_mutex_lock(&sp->ns->mu);
    may = sp->asked_us == 0 || now - sp->asked_us > RESPONSE_US;
    if (may)
        sp->asked_us = now;
    ptd_mutex_unlock(&sp->ns->mu);
    return may;
}

static void answered(struct ptd_sync_peer *sp)
{
    ptd_mutex_lock(&sp->ns->mu);
    sp->asked_us = 0;
    ptd_mutex_unlock(&sp->ns->mu);
}

bool headers_ask(struct ptd_sync_peer *sp, const struct ptd_hash *from)
{
    if (!may_ask(sp))
        return false;
    return sync_send(sp, make_getheaders(sp->ns, NULL, from)) == PTD_OK;
}

bool headers_try_ask(struct ptd_sync_peer *sp, const struct ptd_hash *from)
{
    if (!may_ask(sp))
        return false;
    if (sync_try_send(sp, make_getheaders(sp->ns, NULL, from)) == PTD_OK)
        return true;
    answered(sp); /* it never was asked */
    return false;
}

/* Some peers answer a question to which they have no headers with silence. What
 * they announce afterwards is asked for all the same, a little later. */
static void hint(struct ptd_sync_peer *sp)
{
    ptd_mutex_lock(&sp->ns->mu);
    sp->hinted = true;
    ptd_mutex_unlock(&sp->ns->mu);
    sync_wake(sp->ns);
}

void headers_ask_late(struct ptd_sync_peer *sp, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t now = ptd_clock_now_us(ns->clk);
    bool ask = false;

    ptd_mutex_lock(&sp->ns->mu);
    sync_look_again_locked(sp);
    if (ptd_hash_is_zero(&sp->unknown))
        sp->hinted = false;
    if (sp->ready && sp->hinted) {
        ask = sp->asked_us == 0 || now - sp->asked_us > HINTED_US;
        if (ask) {
            sp->hinted = false;
            sp->asked_us = 0;
        } else {
            *due_us = PTD_MIN(*due_us, sp->asked_us + HINTED_US + 1);
        }
    }
    ptd_mutex_unlock(&sp->ns->mu);
    if (ask && headers_try_ask(sp, NULL))
        ptd_log_debug("getheaders (%" PRIu32 ") to %s, for what it announced",
                      ptd_headers_height(ns->headers), ptd_peer_name(sp->peer));
}

/* ---- the first question ---------------------------------------------- */

/* One peer at a time while our headers are old; all of them later. If it is
 * this one's turn, it has begun. */
static bool
begin_locked(struct ptd_sync_peer *sp, const struct ptd_header_info *tip)
    PTD_REQUIRES(sp->ns->mu);
static bool begin_locked(struct ptd_sync_peer *sp,
                         const struct ptd_header_info *tip)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t age = ptd_clock_wall_s(ns->clk) - (int64_t)tip->time;

    if (!sp->ready || sp->sync_started || !sync_serves_blocks(sp) ||
        (age >= SYNCED_S &&
         (ns->n_sync_started > 0 || !fetch_is_from_locked(sp))))
        return false;
    sp->sync_started = true;
    ns->n_sync_started++;
    sp->headers_until_us =
        ptd_clock_now_us(ns->clk) + FIRST_BASE_US +
        FIRST_EACH_US * PTD_MAX(age, 0) / ns->params->pow_spacing_s;
    return true;
}

/* It could not be asked. */
static void end_first(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;

    ptd_mutex_lock(&sp->ns->mu);
    if (sp->ready && sp->sync_started) {
        sp->sync_started = false;
        ns->n_sync_started--;
    }
    ptd_mutex_unlock(&sp->ns->mu);
}

/* It begins one block below our best header, so that a peer that has nothing
 * new sends one, too, and we see that it is on our branch. */
void headers_start(struct ptd_sync_peer *sp, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_header_info tip, from;
    bool begins;

    ptd_headers_tip(ns->headers, &tip);
    ptd_mutex_lock(&sp->ns->mu);
    begins = begin_locked(sp, &tip);
    ptd_mutex_unlock(&sp->ns->mu);
    if (!begins)
        return;
    from = tip;
    if (tip.height > 0)
        (void)!ptd_headers_ancestor(ns->headers, &from, &tip.hash,
                                    tip.height - 1);
    if (headers_try_ask(sp, &from.hash)) {
        ptd_log_debug("initial getheaders (%" PRIu32
                      ") to %s (startheight:%" PRId32 ")",
                      from.height, ptd_peer_name(sp->peer), sp->start_height);
        return;
    }
    end_first(sp);
    *due_us = PTD_MIN(*due_us, ptd_clock_now_us(ns->clk) + RESPONSE_US + 1);
}

/* Not while it sends us its chain: announcements would come in between. BIP 130
 */
void headers_tell(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    bool tell;

    if (ptd_peer_pver(sp->peer) < PTD_PVER_SENDHEADERS)
        return;
    ptd_mutex_lock(&sp->ns->mu);
    sync_look_again_locked(sp);
    tell = sp->ready && !sp->told_headers && sp->best.is &&
           ptd_u256_cmp(&sp->best.work, &ns->min_work) > 0;
    sp->told_headers |= tell;
    ptd_mutex_unlock(&sp->ns->mu);
    if (!tell ||
        sync_try_send(sp, ptd_msg_new(PTD_MSG_SENDHEADERS)) != PTD_EFULL)
        return;
    ptd_mutex_lock(&sp->ns->mu);
    sp->told_headers = false;
    ptd_mutex_unlock(&sp->ns->mu);
}

enum lateness { IN_TIME, TOO_LATE, TOO_LATE_BUT_STAYS };

static enum lateness lateness_locked(struct ptd_sync_peer *sp, bool recent,
                                     int64_t now, int64_t *due_us)
    PTD_REQUIRES(sp->ns->mu);
static enum lateness lateness_locked(struct ptd_sync_peer *sp, bool recent,
                                     int64_t now, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;

    if (!sp->ready || !sp->sync_started || sp->headers_until_us == PTD_NEVER)
        return IN_TIME;
    if (recent) { /* caught up once: never again */
        sp->headers_until_us = PTD_NEVER;
        return IN_TIME;
    }
    if (now <= sp->headers_until_us) {
        *due_us = PTD_MIN(*due_us, sp->headers_until_us + 1);
        return IN_TIME;
    }
    /* Only if there is somebody else to ask. */
    if (ns->n_sync_started != 1 || ns->n_preferred - sp->preferred < 1)
        return IN_TIME;
    if (!sp->cfg.noban)
        return TOO_LATE;
    sp->sync_started = false;
    ns->n_sync_started--;
    sp->headers_until_us = 0;
    return TOO_LATE_BUT_STAYS;
}

void headers_check(struct ptd_sync_peer *sp, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t now = ptd_clock_now_us(ns->clk);
    struct ptd_header_info tip;
    enum lateness late;
    bool recent;

    ptd_headers_tip(ns->headers, &tip);
    recent = (int64_t)tip.time > ptd_clock_wall_s(ns->clk) - SYNCED_S;
    ptd_mutex_lock(&sp->ns->mu);
    late = lateness_locked(sp, recent, now, due_us);
    ptd_mutex_unlock(&sp->ns->mu);
    if (late == TOO_LATE) {
        (void)!sync_end(sp, PTD_ETIMEOUT, "Timeout downloading headers");
    } else if (late == TOO_LATE_BUT_STAYS) {
        ptd_log_info("Timeout downloading headers from noban peer, not "
                     "disconnecting %s",
                     ptd_peer_name(sp->peer));
        sync_wake(ns);
    }
}

/* ---- faults ---------------------------------------------------------- */

enum ptd_err headers_punish(struct ptd_sync_peer *sp,
                            const struct ptd_block_verdict *v, bool compact,
                            bool is_header, const char *what)
{
    bool fault = false;

    switch (v->class) {
    case PTD_BLOCK_VALID:
    case PTD_BLOCK_TIME_FUTURE:
    case PTD_BLOCK_LOW_WORK:
    case PTD_BLOCK_NO_MEMORY:
    case PTD_BLOCK_IO: break;
    /* BIP 152: a compact block may be passed on before it is checked. */
    case PTD_BLOCK_INVALID:
    case PTD_BLOCK_MUTATED: fault = is_header || !compact; break;
    /* Who calls us may follow other rules; whom we call should follow ours. */
    case PTD_BLOCK_KNOWN_BAD: fault = !compact && sp->cfg.outbound; break;
    case PTD_BLOCK_BAD_PREV:
    case PTD_BLOCK_MISSING_PREV: fault = true; break;
    }
    if (!fault) {
        if (v->class != PTD_BLOCK_VALID)
            ptd_log_debug("%s: %s (%s)", ptd_peer_name(sp->peer), what,
                          v->reason);
        return PTD_OK;
    }
    return sync_misbehaved(sp, PTD_EBADVALUE, "%s%s%s", what,
                           *v->reason != '\0' ? ": " : "", v->reason);
}

/* ---- what comes ------------------------------------------------------ */

/* What a message brought. */
struct incoming {
    uint8_t *raw;       /* n headers */
    const uint8_t *use; /* … or those that were proven */
    size_t n;
    bool full;    /* more may follow */
    bool trusted; /* their work is known to be enough */
    bool syncing; /* the chain has yet to show its work */
    bool compact; /* it came with a compact block */
    struct ptd_hash last;
};

static void hash_of(const uint8_t *raw, struct ptd_hash *out)
{
    struct ptd_block_header h;

    ptd_block_header_decode(&h, raw);
    ptd_block_header_hash(&h, out);
}

/* Which header they stand on; false: none of ours. */
static bool find_start(struct ptd_netsync *ns, const struct incoming *in,
                       struct ptd_header_info *out)
{
    struct ptd_block_header h;

    ptd_block_header_decode(&h, in->use);
    return ptd_headers_find(ns->headers, out, &h.prev);
}

static void note_presync(struct ptd_sync_peer *sp)
{
    int32_t height = -1;

    if (sp->presync != NULL &&
        ptd_presync_state(sp->presync) == PTD_PRESYNC_FIRST)
        height = (int32_t)ptd_presync_height(sp->presync);
    ptd_mutex_lock(&sp->ns->mu);
    sp->presynced = height;
    ptd_mutex_unlock(&sp->ns->mu);
    if (height >= 0)
        ptd_log_info_every(
            1, "Pre-synchronizing blockheaders, height: %" PRId32, height);
}

static void end_presync(struct ptd_sync_peer *sp)
{
    ptd_presync_free(sp->presync);
    sp->presync = NULL;
    note_presync(sp);
}

static void ask_presync(struct ptd_sync_peer *sp)
{
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_hash next;

    ptd_presync_next(sp->presync, &next);
    if (!may_ask(sp))
        return;
    ptd_log_debug("more getheaders (from %s) to %s",
                  ptd_hash_to_hex(&next, hex), ptd_peer_name(sp->peer));
    (void)!sync_send(sp, make_getheaders(sp->ns, &next, NULL));
}

/* Give them to the synchronisation of a chain that has yet to show its work.
 * True: that is all to be done with them; else in->use says which are left. */
static bool feed_presync(struct ptd_sync_peer *sp, struct incoming *in)
{
    struct ptd_presync_result res;

    ptd_presync_add(sp->presync, &res, in->use, in->n, in->full);
    if (!res.ok) {
        ptd_log_debug("%s: headers do not fit: %s", ptd_peer_name(sp->peer),
                      res.why != NULL ? res.why : "");
        end_presync(sp);
        return false;
    }
    answered(sp);
    note_presync(sp);
    if (res.ask_more)
        ask_presync(sp);
    if (res.n_proven == 0) {
        if (ptd_presync_state(sp->presync) == PTD_PRESYNC_DONE)
            end_presync(sp);
        return true;
    }
    in->use = ptd_presync_proven(sp->presync);
    in->n = res.n_proven;
    in->trusted = true;
    in->syncing = ptd_presync_state(sp->presync) != PTD_PRESYNC_DONE;
    return false;
}

/* A branch of too little work: perhaps it shows more, if there is more of it.
 */
static enum ptd_err too_little_work(struct ptd_sync_peer *sp,
                                    struct incoming *in)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_header_info start;
    struct ptd_u256 wanted;

    if (!find_start(ns, in, &start))
        return PTD_OK;
    answered(sp);
    if (!in->full || in->compact || sp->presync != NULL) {
        ptd_log_debug("Ignoring low-work chain (height=%zu) from %s",
                      start.height + in->n, ptd_peer_name(sp->peer));
        return PTD_OK;
    }
    ptd_blockchain_work_wanted(ns->chain, &wanted);
    sp->presync =
        ptd_presync_new(ns->params, &start, &wanted, ptd_clock_wall_s(ns->clk));
    if (sp->presync == NULL)
        return PTD_ENOMEM;
    ptd_log_debug("Initial headers sync started with %s: height=%" PRIu32,
                  ptd_peer_name(sp->peer), start.height);
    (void)feed_presync(sp, in);
    return PTD_OK;
}

/* Something is missing in between; perhaps it is a new block. */
static enum ptd_err not_connected(struct ptd_sync_peer *sp,
                                  const struct incoming *in)
{
    char first[PTD_HASH_HEX_SIZE], prev[PTD_HASH_HEX_SIZE];
    struct ptd_block_header h;
    struct ptd_hash hash;

    ptd_block_header_decode(&h, in->use);
    ptd_block_header_hash(&h, &hash);
    if (headers_ask(sp, NULL))
        ptd_log_debug(
            "received header %s: missing prev block %s, sending "
            "getheaders (%" PRIu32 ") to end (%s)",
            ptd_hash_to_hex(&hash, first), ptd_hash_to_hex(&h.prev, prev),
            ptd_headers_height(sp->ns->headers), ptd_peer_name(sp->peer));
    ptd_mutex_lock(&sp->ns->mu);
    sync_has_locked(sp, &in->last);
    ptd_mutex_unlock(&sp->ns->mu);
    return PTD_OK;
}

static enum ptd_err not_added(struct ptd_sync_peer *sp, struct incoming *in,
                              enum ptd_header_err e)
{
    struct ptd_block_verdict v = ptd_header_err_verdict(e);

    switch (e) {
    case PTD_HEADER_EPOW:
    case PTD_HEADER_ETARGET:
        return sync_misbehaved(sp, PTD_EPOW,
                               "header with invalid proof of work");
    case PTD_HEADER_EUNLINKED:
        return sync_misbehaved(sp, PTD_EPROTO,
                               "non-continuous headers sequence");
    case PTD_HEADER_EORPHAN: return not_connected(sp, in);
    case PTD_HEADER_EWORK: return too_little_work(sp, in);
    case PTD_HEADER_EIO:
        if (sp->ns->cfg.trouble != NULL)
            sp->ns->cfg.trouble(sp->ns->cfg.arg);
        return PTD_OK;
    case PTD_HEADER_ENOMEM: return PTD_ENOMEM;
    case PTD_HEADER_OK:
    case PTD_HEADER_EBITS:
    case PTD_HEADER_EOLD:
    case PTD_HEADER_EWARP:
    case PTD_HEADER_ENEW:
    case PTD_HEADER_EVERSION:
    case PTD_HEADER_ELIMIT:
    case PTD_HEADER_EPREV:
    case PTD_HEADER_EKNOWN:
    case PTD_N_HEADER_ERRORS: break;
    }
    answered(sp);
    return headers_punish(sp, &v, in->compact, true, "invalid header received");
}

/* Tell of new ones. */
static void tell(struct ptd_sync_peer *sp, const struct ptd_headers_result *res,
                 const struct ptd_header_info *last)
{
    struct ptd_netsync *ns = sp->ns;
    char hex[PTD_HASH_HEX_SIZE];

    if (res->n_new == 0)
        return;
    if (ptd_blockchain_is_initial_download(ns->chain)) {
        if (res->new_tip)
            ptd_log_info("Synchronizing blockheaders, height: %" PRIu32,
                         last->height);
        ptd_log_debug("Saw new header hash=%s height=%" PRIu32 " %s",
                      ptd_hash_to_hex(&last->hash, hex), last->height,
                      ptd_peer_name(sp->peer));
    } else {
        ptd_log_info_every(1, "Saw new header hash=%s height=%" PRIu32 " %s",
                           ptd_hash_to_hex(&last->hash, hex), last->height,
                           ptd_peer_name(sp->peer));
    }
    if (res->new_tip && ns->cfg.on_headers != NULL)
        ns->cfg.on_headers(ns->cfg.arg, sp->cfg.user, last->height);
}

/* What its last header says of a peer. True: it is of no use to us. */
static bool note_locked(struct ptd_sync_peer *sp,
                        const struct ptd_header_info *last,
                        const struct ptd_block_info *tip, bool is_new,
                        bool has_more, bool initial) PTD_REQUIRES(sp->ns->mu);
static bool note_locked(struct ptd_sync_peer *sp,
                        const struct ptd_header_info *last,
                        const struct ptd_block_info *tip, bool is_new,
                        bool has_more, bool initial)
{
    enum { PROTECT_MAX = 4 };
    struct ptd_netsync *ns = sp->ns;

    sync_has_locked(sp, &last->hash);
    if (is_new && ptd_u256_cmp(&last->work, &tip->header.work) > 0)
        sp->last_announced_s = ptd_clock_wall_s(ns->clk);
    if (initial && !has_more && sync_is_ours(sp) &&
        ptd_u256_cmp(&sp->best.work, &ns->min_work) < 0)
        return true;
    if (sp->ready && sync_is_ours(sp) && !sp->cfg.block_relay_only &&
        !sp->protect && ns->n_protected < PROTECT_MAX &&
        ptd_u256_cmp(&sp->best.work, &tip->header.work) >= 0) {
        ptd_log_debug("Protecting outbound %s from eviction",
                      ptd_peer_name(sp->peer));
        sp->protect = true;
        ns->n_protected++;
    }
    return false;
}

static enum ptd_err added(struct ptd_sync_peer *sp, const struct incoming *in,
                          const struct ptd_headers_result *res)
{
    struct ptd_netsync *ns = sp->ns;
    bool initial = ptd_blockchain_is_initial_download(ns->chain), useless;
    struct ptd_header_info last;
    struct ptd_block_info tip;

    answered(sp);
    if (!ptd_headers_find(ns->headers, &last, &in->last))
        return PTD_OK;
    tell(sp, res, &last);
    if (in->full && !in->syncing && headers_ask(sp, &last.hash))
        ptd_log_debug("more getheaders (%" PRIu32
                      ") to end to %s (startheight:%" PRId32 ")",
                      last.height, ptd_peer_name(sp->peer), sp->start_height);
    ptd_blockchain_tip(ns->chain, &tip);
    ptd_mutex_lock(&sp->ns->mu);
    useless = note_locked(sp, &last, &tip, res->n_new > 0, in->full, initial);
    ptd_mutex_unlock(&sp->ns->mu);
    ptd_peer_set_last_announced(sp->peer, &last.hash);
    ptd_peer_update_last_block(sp->peer, (int32_t)last.height);
    if (useless)
        return sync_end(sp, PTD_EREJECTED,
                        "outbound peer headers chain has insufficient work");
    fetch_directly(sp, &last.hash);
    fetch_more(sp);
    sync_wake(ns); /* others may have announced it, or can be asked now; and
                      this one's chain is perhaps no longer behind */
    return PTD_OK;
}

static enum ptd_err take(struct ptd_sync_peer *sp, struct incoming *in)
{
    struct ptd_headers_result res;
    enum ptd_header_err e;
    enum ptd_err err;

    if (sp->presync != NULL && !in->compact && feed_presync(sp, in))
        return PTD_OK;
    hash_of(in->use + (in->n - 1) * PTD_HEADER_BYTES, &in->last);
    e = ptd_blockchain_add_headers(
        sp->ns->chain, &res, in->use, in->n,
        in->trusted || sp->cfg.noban ? PTD_FROM_TRUSTED : PTD_FROM_STRANGER);
    err = e == PTD_HEADER_OK ? added(sp, in, &res) : not_added(sp, in, e);
    if (in->trusted && sp->presync != NULL &&
        ptd_presync_state(sp->presync) == PTD_PRESYNC_DONE)
        end_presync(sp);
    return err;
}

enum ptd_err headers_on_headers(struct ptd_peer *p, struct ptd_msg *msg,
                                void *arg)
{
    const struct ptd_msg_headers *m = SYNC_MSG(headers, msg);
    struct ptd_sync_peer *sp = arg;
    struct incoming in = { .n = m->n, .full = m->n == PTD_MAX_HEADERS_PER_MSG };
    enum ptd_err e;

    if (atomic_load(&sp->ns->loading)) {
        ptd_log_debug("Unexpected headers message received from %s",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    if (m->n == 0) {
        /* It has nothing more, whatever it has told us before. */
        if (sp->presync != NULL)
            end_presync(sp);
        answered(sp);
        return PTD_OK;
    }
    in.raw = ptd_alloc_array(m->n, PTD_HEADER_BYTES);
    if (in.raw == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; i < m->n; i++)
        ptd_block_header_encode(&m->list[i],
                                in.raw + (size_t)i * PTD_HEADER_BYTES);
    in.use = in.raw;
    fetch_hold(sp);
    e = take(sp, &in);
    fetch_release(sp);
    ptd_free(in.raw);
    return e;
}

enum ptd_err headers_on_one(struct ptd_sync_peer *sp,
                            const struct ptd_block_header *h)
{
    uint8_t raw[PTD_HEADER_BYTES];
    struct incoming in = { .use = raw, .n = 1, .compact = true };
    enum ptd_err e;

    ptd_block_header_encode(h, raw);
    fetch_hold(sp);
    e = take(sp, &in);
    fetch_release(sp);
    return e;
}

/* ---- inventory ------------------------------------------------------- */

/* A block that we do not know: its header is asked for, and all before it. On
 * a first start one peer's chain is fetched at a time; but with each new block
 * one more is asked, in case that the first does not answer. */
static enum ptd_err ask_for_news(struct ptd_sync_peer *sp,
                                 const struct ptd_hash *news)
{
    struct ptd_netsync *ns = sp->ns;
    char hex[PTD_HASH_HEX_SIZE];
    bool ask, early;

    ptd_mutex_lock(&sp->ns->mu);
    early = !sp->sync_started;
    ask = !early || (!sp->inv_asked && !ptd_hash_eq(news, &ns->inv_asked));
    if (ask && early) {
        sp->inv_asked = true;
        ns->inv_asked = *news;
    }
    ptd_mutex_unlock(&sp->ns->mu);
    if (ask && headers_ask(sp, NULL))
        ptd_log_debug("getheaders (%" PRIu32 ") %s to %s",
                      ptd_headers_height(ns->headers),
                      ptd_hash_to_hex(news, hex), ptd_peer_name(sp->peer));
    else if (ask)
        hint(sp);
    return PTD_OK;
}

static bool is_news(struct ptd_sync_peer *sp, const struct ptd_inv *inv)
{
    struct ptd_netsync *ns = sp->ns;
    bool known = ptd_headers_has(ns->headers, &inv->hash), asked;

    ptd_peer_add_known_inv(sp->peer, inv);
    ptd_mutex_lock(&sp->ns->mu);
    sync_has_locked(sp, &inv->hash);
    asked = flight_first_locked(sp->ns, &inv->hash) != NULL;
    ptd_mutex_unlock(&sp->ns->mu);
    return !known && !asked && !atomic_load(&ns->loading);
}

enum ptd_err headers_on_inv(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_inv *m = SYNC_MSG(inv, msg);
    const struct ptd_hash *news = NULL, *last = NULL;
    struct ptd_sync_peer *sp = arg;
    bool any = false;

    for (uint32_t i = 0; i < m->n; i++) {
        const struct ptd_inv *inv = &m->list[i];
        char hex[PTD_HASH_HEX_SIZE];

        if (inv->type == PTD_INV_BLOCK) {
            if (last != NULL && ptd_hash_eq(last, &inv->hash))
                continue;
            last = &inv->hash;
            any = true;
            if (is_news(sp, inv))
                news = &inv->hash;
        } else if ((inv->type == PTD_INV_TX || inv->type == PTD_INV_WTX) &&
                   serve_declines_txs(sp)) {
            return sync_end(sp, PTD_EPROTO,
                            "transaction (%s) inv sent in violation of "
                            "protocol",
                            ptd_hash_to_hex(&inv->hash, hex));
        }
    }
    if (any)
        ptd_log_debug("got inv: block %s %s", news != NULL ? "new" : "have",
                      ptd_peer_name(p));
    if (news != NULL)
        return ask_for_news(sp, news);
    if (any)
        fetch_more(sp);
    return PTD_OK;
}
