/* Slots: from the decision to dial to the token given back. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "connmgr/connmgr_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(CMGR);

const char *slot_text(const struct slot *s, char *out, size_t cap)
{
    char text[PTD_NETADDR_TEXT];

    snprintf(out, cap, "%s",
             s->name[0] != '\0'
                 ? s->name
                 : ptd_netaddr_format(&s->na, text, sizeof text));
    return out;
}

struct slot *slot_new(struct ptd_connmgr *cm, enum ptd_link_type type,
                      enum slot_use use)
{
    struct slot *s = ptd_calloc(1, sizeof *s);

    if (s == NULL) {
        ptd_log_warn_every(60, "No memory for another connection");
        return NULL;
    }
    s->cm = cm;
    s->type = type;
    s->use = use;
    s->fd = -1;
    s->state = SLOT_WAITS;
    s->due_us = PTD_NEVER;
    return s;
}

void slot_enter_locked(struct slot *s)
{
    s->token = ++s->cm->last_token;
    ptd_list_append(&s->cm->slots, &s->link);
}

void slot_enter(struct slot *s)
{
    ptd_mutex_lock(&s->cm->mu);
    slot_enter_locked(s);
    ptd_mutex_unlock(&s->cm->mu);
}

static void set_state(struct slot *s, enum slot_state state)
{
    ptd_mutex_lock(&s->cm->mu);
    s->state = state;
    ptd_mutex_unlock(&s->cm->mu);
}

void slot_dial(struct slot *s)
{
    char text[NODE_TEXT_MAX + 1], name[PTD_THREAD_NAME_MAX + 1];
    int64_t seen_s = ptd_clock_wall_s(s->cm->clk) - s->seen_s;
    enum ptd_err e;

    ptd_log_debug("trying %s connection (%s) to %s, lastseen=%.1fhrs",
                  s->wants_v2 ? "v2" : "v1", ptd_link_type_text(s->type),
                  slot_text(s, text, sizeof text),
                  s->seen_s != 0 ? (double)seen_s / 3600 : 0.0);
    snprintf(name, sizeof name, "dial-%u", (unsigned)(s->token % 1000000000));
    set_state(s, SLOT_DIALS);
    e = ptd_thread_start(&s->thread, NULL, name, dial_main, s);
    if (e == PTD_OK)
        return;
    ptd_log_warn_every(60, "No thread left to dial with");
    s->err = e;
    snprintf(s->why.text, sizeof s->why.text, "no thread to dial with");
    s->why.reply = -1;
    set_state(s, SLOT_DIALLED);
    connmgr_wake(s->cm);
}

static bool is_live(const struct slot *s, const struct slot *but)
{
    return s != but && !s->gone;
}

bool slots_have_host(struct ptd_connmgr *cm, const struct ptd_netaddr *na)
{
    bool have = false;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (is_live(s, NULL) && ptd_netaddr_is_same_host(&s->na, na))
        have = true;
    ptd_mutex_unlock(&cm->mu);
    return have;
}

bool slot_claim(struct slot *s, const struct ptd_netaddr *na)
{
    struct ptd_connmgr *cm = s->cm;
    const struct ptd_connmgr_server *srv = &cm->cfg.server;
    bool taken =
        srv->find != NULL && srv->find(srv->arg, na, false) != PTD_FOUND_NOT;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(other, &cm->slots, struct slot, link)
    if (is_live(other, s) && ptd_netaddr_is_equal(&other->na, na))
        taken = true;
    if (!taken)
        s->na = *na;
    ptd_mutex_unlock(&cm->mu);
    return !taken;
}

bool slot_is_double(struct slot *s)
{
    struct ptd_connmgr *cm = s->cm;
    bool is_double = false;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(other, &cm->slots, struct slot, link)
    if (is_live(other, s) && strcmp(other->name, s->name) == 0)
        is_double = true;
    ptd_mutex_unlock(&cm->mu);
    return is_double;
}

void slot_dial_named(struct slot *s, const struct ptd_netaddr *na)
{
    char text[NODE_TEXT_MAX + 1];

    if (!slot_is_double(s) && (na->net == PTD_NET_NONE || slot_claim(s, na))) {
        slot_dial(s);
        return;
    }
    ptd_log_debug("Not opening a connection to %s, already connected",
                  slot_text(s, text, sizeof text));
    s->err = PTD_EEXIST;
    set_state(s, SLOT_DIALLED);
    connmgr_wake(s->cm);
}

void connmgr_census(struct ptd_connmgr *cm, struct census *c)
{
    memset(c, 0, sizeof *c);
    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    {
        bool full = s->type == PTD_LINK_FULL_RELAY;
        bool manual = s->type == PTD_LINK_MANUAL;

        if (s->gone)
            continue;
        c->n_full_relay += full;
        c->n_block_relay += s->type == PTD_LINK_BLOCK_RELAY;
        c->n_automatic += !manual;
        c->n_added += s->use == USE_ADDED;
        c->n_manual_dials += manual && s->state != SLOT_HANDED;
        c->n_full_handed += full && s->state == SLOT_HANDED;
        c->n_full_ready += full && s->ready;
        if (full || manual)
            c->n_by_net[s->na.net % PTD_REACH_NETS]++;
    }
    ptd_mutex_unlock(&cm->mu);
}

/* ---- ends ---------------------------------------------------------------- */

static void answer(struct ptd_chan *done, enum ptd_err e)
{
    if (done == NULL)
        return;
    (void)!ptd_chan_try_send(done, &e); /* room for one, and one comes */
    ptd_chan_free(done);
}

void slot_drop(struct slot *s)
{
    ptd_mutex_lock(&s->cm->mu);
    ptd_list_remove(&s->link);
    ptd_mutex_unlock(&s->cm->mu);
    ptd_free(s);
}

/* Free the slot, and let the node that it belongs to rest. */
static void slot_end(struct slot *s, enum slot_end how)
{
    struct ptd_connmgr *cm = s->cm;
    bool is_named = s->use == USE_ADDED || s->use == USE_CONNECT;
    uint64_t token = s->token;

    slot_drop(s);
    if (is_named)
        named_ended(cm, token, how);
}

/* Once without being asked, for who waits for a node that he named. */
static void log_failed(struct slot *s, enum ptd_err e)
{
    const char *why = s->why.text[0] != '\0' ? s->why.text : ptd_err_text(e);
    char text[NODE_TEXT_MAX + 1];
    bool first = false;
    unsigned rest_s = named_rest_s(s->cm, s->token, &first);

    slot_text(s, text, sizeof text);
    if (rest_s == 0)
        ptd_log_debug("connection to %s failed: %s", text, why);
    else if (first)
        ptd_log_info("connection to %s failed: %s; again in %u s", text, why,
                     rest_s);
    else
        ptd_log_debug("connection to %s failed: %s; again in %u s", text, why,
                      rest_s);
}

static void tell_failed(struct slot *s, const struct ptd_connmgr_link *l,
                        enum ptd_err e)
{
    const struct ptd_connmgr_server *srv = &s->cm->cfg.server;

    if (e != PTD_ECLOSED && e != PTD_EEXIST)
        log_failed(s, e);
    if (srv->failed != NULL)
        srv->failed(srv->arg, l, e, &s->why);
}

static enum ptd_err may_hand_over(struct ptd_connmgr *cm)
{
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&cm->mu);
    if (cm->stopping)
        e = PTD_ECLOSED;
    else if (!cm->active)
        e = PTD_EREJECTED;
    ptd_mutex_unlock(&cm->mu);
    return e;
}

/* Give a socket to the server. The slot counts as handed over before the
 * server hears of it: it may give the token back at once. */
static enum ptd_err hand_over(struct slot *s, const struct ptd_connmgr_link *l)
{
    struct ptd_connmgr *cm = s->cm;
    enum ptd_err e = may_hand_over(cm);

    if (e == PTD_OK) {
        set_state(s, SLOT_HANDED);
        e = cm->cfg.server.connected(cm->cfg.server.arg, l, s->fd);
    }
    if (e != PTD_OK)
        close(s->fd);
    s->fd = -1;
    return e;
}

/* A dial ended. */
static void dialled(struct slot *s)
{
    struct ptd_connmgr_link l = { .token = s->token,
                                  .type = s->type,
                                  .na = s->na,
                                  .name = s->name[0] != '\0' ? s->name : NULL,
                                  .services = s->services,
                                  .via_proxy = s->via_proxy,
                                  .wants_v2 = s->wants_v2,
                                  .anchor = s->anchor };
    struct ptd_chan *done = s->done;
    enum ptd_err e = s->err;

    ptd_thread_join(&s->thread);
    s->done = NULL;
    if (e == PTD_OK)
        e = hand_over(s, &l);
    if (e != PTD_OK) {
        tell_failed(s, &l, e);
        slot_end(s, e == PTD_EEXIST ? END_DOUBLE : END_FAILED);
    }
    answer(done, e);
}

/* The first slot with something to be done about it; NULL: none. */
static struct slot *next_slot(struct ptd_connmgr *cm, int64_t *next_us)
{
    int64_t now_us = connmgr_now_us(cm);
    struct slot *found = NULL;

    *next_us = PTD_NEVER;
    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    {
        if (s->gone || s->state == SLOT_DIALLED ||
            (s->state == SLOT_WAITS && (s->due_us <= now_us || !cm->active))) {
            found = s;
            break;
        }
        if (s->state == SLOT_WAITS)
            *next_us = PTD_MIN(*next_us, s->due_us);
    }
    ptd_mutex_unlock(&cm->mu);
    return found;
}

int64_t slots_run(struct ptd_connmgr *cm)
{
    struct slot *s;
    int64_t next_us;

    while ((s = next_slot(cm, &next_us)) != NULL) {
        if (s->gone)
            slot_end(s, s->ready ? END_READY : END_FAILED);
        else if (s->state == SLOT_DIALLED)
            dialled(s);
        else if (connmgr_flag(cm, &cm->active))
            slot_dial(s);
        else
            slot_end(s, END_FAILED);
    }
    return next_us;
}

/* The first connection that the server has, of those with a higher token than
 * this; 0: none. */
static uint64_t next_handed(struct ptd_connmgr *cm, uint64_t than)
{
    uint64_t token = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (s->token > than && s->state == SLOT_HANDED && !s->gone) {
        token = s->token;
        break;
    }
    ptd_mutex_unlock(&cm->mu);
    return token;
}

void slots_take_back(struct ptd_connmgr *cm)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;
    uint64_t token = 0;

    while (srv->is_ending != NULL && (token = next_handed(cm, token)) != 0)
        if (srv->is_ending(srv->arg, token))
            ptd_connmgr_gone(cm, token);
}

/* The first slot that the server has not got. */
static struct slot *next_unfinished(struct ptd_connmgr *cm)
{
    struct slot *found = NULL;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (s->state != SLOT_HANDED) {
        found = s;
        break;
    }
    ptd_mutex_unlock(&cm->mu);
    return found;
}

static void answer_all(struct ptd_connmgr *cm)
{
    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    {
        struct ptd_chan *done = s->done;

        s->done = NULL;
        answer(done, PTD_ECLOSED);
    }
    ptd_mutex_unlock(&cm->mu);
}

void slots_end(struct ptd_connmgr *cm)
{
    struct slot *s;

    answer_all(cm);
    while ((s = next_unfinished(cm)) != NULL) {
        ptd_thread_join(&s->thread);
        if (s->err == PTD_OK && s->fd >= 0)
            close(s->fd);
        slot_end(s, END_FAILED);
    }
}

void slots_free_all(struct ptd_connmgr *cm)
{
    struct ptd_link *l;

    ptd_mutex_lock(&cm->mu);
    while ((l = ptd_list_pop(&cm->slots)) != NULL)
        ptd_free(PTD_CONTAINER_OF(l, struct slot, link));
    ptd_mutex_unlock(&cm->mu);
}

/* ---- for the server ------------------------------------------------------ */

static struct slot *find_locked(struct ptd_connmgr *cm, uint64_t token)
    PTD_REQUIRES(cm->mu);
static struct slot *find_locked(struct ptd_connmgr *cm, uint64_t token)
{
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (s->token == token && s->state == SLOT_HANDED && !s->gone)
        return s;
    return NULL;
}

void ptd_connmgr_ready(struct ptd_connmgr *cm, uint64_t token)
{
    struct slot *s;

    ptd_mutex_lock(&cm->mu);
    if ((s = find_locked(cm, token)) != NULL)
        s->ready = true;
    ptd_mutex_unlock(&cm->mu);
    connmgr_wake(cm);
}

void ptd_connmgr_gone(struct ptd_connmgr *cm, uint64_t token)
{
    struct slot *s;

    ptd_mutex_lock(&cm->mu);
    if ((s = find_locked(cm, token)) != NULL)
        s->gone = true;
    ptd_mutex_unlock(&cm->mu);
    connmgr_wake(cm);
}

size_t ptd_connmgr_block_relay(struct ptd_connmgr *cm,
                               struct ptd_connmgr_addr *out, size_t cap)
{
    size_t n = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (n < cap && s->type == PTD_LINK_BLOCK_RELAY && s->state == SLOT_HANDED &&
        !s->gone && s->na.net != PTD_NET_NONE)
        out[n++] = (struct ptd_connmgr_addr){ .na = s->na,
                                              .services = s->services,
                                              .seen_s = s->seen_s };
    ptd_mutex_unlock(&cm->mu);
    return n;
}
