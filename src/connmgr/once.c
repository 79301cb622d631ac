/* Dials that somebody asks for and waits for: addnode onetry, addconnection. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "connmgr/connmgr_int.h"

/* Is there room for one more? Manual ones have no limit: each has somebody who
 * waits for it. */
static bool has_room(struct ptd_connmgr *cm, enum ptd_link_type type)
{
    struct census c;

    connmgr_census(cm, &c);
    switch (type) {
    case PTD_LINK_MANUAL: return true;
    case PTD_LINK_FULL_RELAY:
        return c.n_full_relay < cm->max_full_relay &&
               c.n_automatic < cm->max_automatic;
    case PTD_LINK_BLOCK_RELAY:
        return c.n_block_relay < cm->max_block_relay &&
               c.n_automatic < cm->max_automatic;
    case PTD_LINK_ADDR_FETCH:
    case PTD_LINK_FEELER: return c.n_automatic < cm->max_automatic;
    case PTD_LINK_INBOUND:
    case PTD_N_LINK_TYPES: break;
    }
    return false;
}

/* Start the dial, or say why not. The request is its waiter's again after an
 * answer; here it is still ours. */
static enum ptd_err begin(struct ptd_connmgr *cm, const struct request *r)
{
    struct ptd_netaddr na;
    struct slot *s;
    enum ptd_err e = named_parse(cm, r->node, &na);

    if (e != PTD_OK)
        return e;
    slots_take_back(cm);
    if (!has_room(cm, r->type))
        return PTD_EFULL;
    if (!connmgr_flag(cm, &cm->active))
        return PTD_EREJECTED;
    s = slot_new(cm, r->type,
                 r->type == PTD_LINK_MANUAL ? USE_ONCE : USE_AUTOMATIC);
    if (s == NULL)
        return PTD_ENOMEM;
    memcpy(s->name, r->node, strlen(r->node));
    s->wants_v2 = r->wants_v2;
    s->done = ptd_chan_ref(r->done);
    slot_enter(s);
    slot_dial_named(s, &na);
    return PTD_OK;
}

/* Those that wait now; others wait for the next round. */
static void take_all(struct ptd_connmgr *cm, struct ptd_link *all)
{
    ptd_list_init(all);
    ptd_mutex_lock(&cm->mu);
    ptd_list_move_all(all, &cm->requests);
    ptd_mutex_unlock(&cm->mu);
}

static struct request *next_request(struct ptd_link *all)
{
    struct ptd_link *l = ptd_list_pop(all);

    return l != NULL ? PTD_CONTAINER_OF(l, struct request, link) : NULL;
}

/* The waiter may free the channel as soon as the answer is in. */
static void answer(struct request *r, enum ptd_err e)
{
    struct ptd_chan *done = ptd_chan_ref(r->done);

    (void)!ptd_chan_try_send(done, &e);
    ptd_chan_free(done);
}

void once_run(struct ptd_connmgr *cm)
{
    struct ptd_link all;
    struct request *r;

    take_all(cm, &all);
    while ((r = next_request(&all)) != NULL) {
        enum ptd_err e = begin(cm, r);

        if (e != PTD_OK)
            answer(r, e);
    }
}

void once_end(struct ptd_connmgr *cm)
{
    struct ptd_link all;
    struct request *r;

    ptd_mutex_lock(&cm->mu);
    cm->running = false;
    ptd_mutex_unlock(&cm->mu);
    take_all(cm, &all);
    while ((r = next_request(&all)) != NULL)
        answer(r, PTD_ECLOSED);
}

enum ptd_err ptd_connmgr_dial(struct ptd_connmgr *cm, const char *node,
                              enum ptd_link_type type, bool wants_v2)
{
    struct request r = { .node = node, .type = type, .wants_v2 = wants_v2 };
    enum ptd_err answered, e = PTD_ECLOSED;

    if (type <= PTD_LINK_INBOUND || type >= PTD_N_LINK_TYPES)
        return PTD_EINVAL;
    r.done = ptd_chan_new(sizeof answered, 1);
    if (r.done == NULL)
        return PTD_ENOMEM;
    ptd_mutex_lock(&cm->mu);
    if (cm->running && !cm->stopping) {
        ptd_list_append(&cm->requests, &r.link);
        e = PTD_OK;
    }
    ptd_mutex_unlock(&cm->mu);
    if (e == PTD_OK) {
        connmgr_wake(cm);
        e = ptd_chan_recv(r.done, &answered);
        if (e == PTD_OK)
            e = answered;
    }
    ptd_chan_free(r.done);
    return e;
}
