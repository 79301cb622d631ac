/* What there is, for those who ask. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "connmgr/connmgr_int.h"

static const char *const type_texts[] = {
#define X(name, text) text,
    PTD_LINK_TYPES(X)
#undef X
};

const char *ptd_link_type_text(enum ptd_link_type t)
{
    return (unsigned)t < PTD_N_LINK_TYPES ? type_texts[t] : "unknown";
}

enum ptd_err ptd_link_type_of(enum ptd_link_type *t, const char *text)
{
    for (size_t i = 0; i < PTD_N_LINK_TYPES; i++)
        if (strcmp(type_texts[i], text) == 0) {
            *t = (enum ptd_link_type)i;
            return PTD_OK;
        }
    return PTD_EINVAL;
}

/* ---- slots --------------------------------------------------------------- */

static enum ptd_slot_state state_of(const struct slot *s)
{
    switch (s->state) {
    case SLOT_WAITS:
    case SLOT_DIALS:
    case SLOT_DIALLED: return PTD_SLOT_DIALS;
    case SLOT_HANDED: break;
    }
    return s->ready ? PTD_SLOT_READY : PTD_SLOT_CONNECTED;
}

static void describe(struct ptd_connmgr_slot *out, const struct slot *s)
{
    *out = (struct ptd_connmgr_slot){ .token = s->token,
                                      .state = state_of(s),
                                      .type = s->type,
                                      .na = s->na,
                                      .due_us = s->state == SLOT_WAITS
                                                    ? s->due_us
                                                    : PTD_NEVER };
    snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1,
             s->name);
}

static void describe_resting(struct ptd_connmgr_slot *out,
                             const struct added *a)
{
    *out = (struct ptd_connmgr_slot){ .state = PTD_SLOT_RESTS,
                                      .type = PTD_LINK_MANUAL,
                                      .na = a->na,
                                      .n_fails = a->n_fails,
                                      .due_us = a->due_us };
    snprintf(out->name, sizeof out->name, "%.*s", (int)sizeof out->name - 1,
             a->name);
}

size_t ptd_connmgr_list_slots(struct ptd_connmgr *cm,
                              struct ptd_connmgr_slot *out, size_t cap)
{
    size_t n = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (!s->gone && n++ < cap)
        describe(&out[n - 1], s);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    {
        if (a->token == 0) {
            if (n++ < cap)
                describe_resting(&out[n - 1], a);
            continue;
        }
        for (size_t i = 0; i < PTD_MIN(n, cap); i++)
            if (out[i].token == a->token)
                out[i].n_fails = a->n_fails;
    }
    ptd_mutex_unlock(&cm->mu);
    return n;
}

/* ---- added nodes --------------------------------------------------------- */

void ptd_connmgr_added_free(struct ptd_connmgr_added *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ptd_free(list[i].node);
    ptd_free(list);
}

/* The connection to a node that one of our slots has. */
static void find_slot_locked(struct ptd_connmgr *cm, const struct added *a,
                             struct ptd_connmgr_added *out)
    PTD_REQUIRES(cm->mu);
static void find_slot_locked(struct ptd_connmgr *cm, const struct added *a,
                             struct ptd_connmgr_added *out)
{
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    {
        bool same =
            strcmp(s->name, a->name) == 0 ||
            (a->na.net != PTD_NET_NONE && ptd_netaddr_is_equal(&s->na, &a->na));

        if (!same || s->state != SLOT_HANDED || s->gone)
            continue;
        out->found = PTD_FOUND_OUTBOUND;
        out->na = s->na;
        return;
    }
    out->na = a->na;
}

/* PTD_EAGAIN: the list has grown. */
static enum ptd_err copy_added(struct ptd_connmgr *cm,
                               struct ptd_connmgr_added *list, size_t cap,
                               size_t *n)
{
    enum ptd_err e = PTD_OK;

    *n = 0;
    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    {
        if (a->connect)
            continue;
        if (*n == cap) {
            e = PTD_EAGAIN;
            break;
        }
        if ((list[*n].node = ptd_strdup(a->name)) == NULL) {
            e = PTD_ENOMEM;
            break;
        }
        list[*n].wants_v2 = a->wants_v2;
        find_slot_locked(cm, a, &list[(*n)++]);
    }
    ptd_mutex_unlock(&cm->mu);
    return e;
}

static size_t n_added(struct ptd_connmgr *cm)
{
    size_t n = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    n += !a->connect;
    ptd_mutex_unlock(&cm->mu);
    return n;
}

/* Connections that others made, and that the server alone knows. */
static void find_others(struct ptd_connmgr *cm, struct ptd_connmgr_added *a)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;

    if (a->found == PTD_FOUND_NOT && a->na.net != PTD_NET_NONE &&
        srv->find != NULL)
        a->found = srv->find(srv->arg, &a->na, false);
}

enum ptd_err ptd_connmgr_list_added(struct ptd_connmgr *cm,
                                    struct ptd_connmgr_added **list, size_t *n)
{
    enum ptd_err e;

    do {
        size_t cap = n_added(cm);

        *list = ptd_calloc(cap, sizeof **list);
        if (*list == NULL)
            return PTD_ENOMEM;
        e = copy_added(cm, *list, cap, n);
        if (e != PTD_OK)
            ptd_connmgr_added_free(*list, *n);
    } while (e == PTD_EAGAIN);
    for (size_t i = 0; e == PTD_OK && i < *n; i++)
        find_others(cm, &(*list)[i]);
    return e;
}
