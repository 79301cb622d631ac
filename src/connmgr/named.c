/* Nodes that the user named: a connection to each, for ever. */
#include <config.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "connmgr/connmgr_int.h"

#define BACKOFF_US     (5 * SECOND_US)
#define BACKOFF_MAX_US (300 * SECOND_US)
#define DOUBLE_US      (60 * SECOND_US) /* connected by another way */

/* Letters of names and addresses; more is for the resolver to judge. */
static bool is_host(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

/* The short forms of old ("127.1", "0x7f000001") are addresses too. */
static bool parse_short(struct ptd_netaddr *na, const char *host, uint16_t port)
{
    struct in_addr in;

    return strspn(host, "0123456789abcdefABCDEFxX.") == strlen(host) &&
           host[0] >= '0' && host[0] <= '9' && inet_aton(host, &in) != 0 &&
           ptd_netaddr_set(na, PTD_NET_IPV4, (const uint8_t *)&in.s_addr, 4,
                           port) == PTD_OK;
}

enum ptd_err named_parse(const struct ptd_connmgr *cm, const char *node,
                         struct ptd_netaddr *na)
{
    char host[256];
    uint16_t port;

    if (strnlen(node, NODE_TEXT_MAX + 1) > NODE_TEXT_MAX || !is_host(node))
        return PTD_EINVAL;
    if (ptd_netaddr_parse(na, node, cm->cfg.params->port) == PTD_OK)
        return PTD_OK;
    memset(na, 0, sizeof *na);
    if (ptd_hostport_split(node, host, sizeof host, &port,
                           cm->cfg.params->port) != PTD_OK)
        return PTD_EINVAL;
    if (!parse_short(na, host, port))
        memset(na, 0, sizeof *na);
    return PTD_OK;
}

/* ---- the list ------------------------------------------------------------ */

static bool is_same(const struct added *a, const struct added *b)
{
    return strcmp(a->name, b->name) == 0 ||
           (a->na.net != PTD_NET_NONE && ptd_netaddr_is_equal(&a->na, &b->na));
}

enum ptd_err named_add(struct ptd_connmgr *cm, const char *name, bool wants_v2,
                       bool connect)
{
    struct added *a = ptd_calloc(1, sizeof *a);
    enum ptd_err e;

    if (a == NULL)
        return PTD_ENOMEM;
    if ((e = named_parse(cm, name, &a->na)) == PTD_OK) {
        memcpy(a->name, name, strlen(name));
        a->wants_v2 = wants_v2;
        a->connect = connect;
        a->due_us = connmgr_now_us(cm);
        ptd_mutex_lock(&cm->mu);
        PTD_LIST_EACH(other, &cm->added, struct added, link)
        if (other->connect == connect && is_same(other, a))
            e = PTD_EEXIST;
        if (e == PTD_OK)
            ptd_list_append(&cm->added, &a->link);
        ptd_mutex_unlock(&cm->mu);
    }
    if (e != PTD_OK)
        ptd_free(a);
    return e;
}

enum ptd_err ptd_connmgr_add(struct ptd_connmgr *cm, const char *node,
                             bool wants_v2)
{
    enum ptd_err e;

    if (connmgr_flag(cm, &cm->stopping))
        return PTD_ECLOSED;
    e = named_add(cm, node, wants_v2, false);
    if (e == PTD_OK)
        connmgr_wake(cm);
    return e;
}

enum ptd_err ptd_connmgr_remove(struct ptd_connmgr *cm, const char *node)
{
    struct added *found = NULL;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    if (!a->connect && strcmp(a->name, node) == 0) {
        found = a;
        break;
    }
    if (found != NULL)
        ptd_list_remove(&found->link);
    ptd_mutex_unlock(&cm->mu);
    ptd_free(found);
    return found != NULL ? PTD_OK : PTD_ENOTFOUND;
}

void named_free_all(struct ptd_connmgr *cm)
{
    struct ptd_link *l;

    ptd_mutex_lock(&cm->mu);
    while ((l = ptd_list_pop(&cm->added)) != NULL)
        ptd_free(PTD_CONTAINER_OF(l, struct added, link));
    ptd_mutex_unlock(&cm->mu);
}

bool named_has(struct ptd_connmgr *cm, const struct ptd_netaddr *na)
{
    bool has = false;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    if (!a->connect && ptd_netaddr_is_equal(&a->na, na))
        has = true;
    ptd_mutex_unlock(&cm->mu);
    return has;
}

bool named_is_empty(struct ptd_connmgr *cm)
{
    bool empty = true;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    if (!a->connect)
        empty = false;
    ptd_mutex_unlock(&cm->mu);
    return empty;
}

/* ---- dialling ------------------------------------------------------------ */

static int64_t rest_us(unsigned n_fails)
{
    return PTD_MIN(BACKOFF_US * (int64_t)n_fails, BACKOFF_MAX_US);
}

unsigned named_rest_s(struct ptd_connmgr *cm, uint64_t token, bool *first)
{
    int64_t us = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    if (a->token == token) {
        us = rest_us(a->n_fails + 1);
        *first = !a->told;
        a->told = true;
    }
    ptd_mutex_unlock(&cm->mu);
    return (unsigned)(us / SECOND_US);
}

void named_ended(struct ptd_connmgr *cm, uint64_t token, enum slot_end how)
{
    int64_t now_us = connmgr_now_us(cm);

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    {
        if (a->token != token)
            continue;
        a->token = 0;
        a->due_us = now_us + DOUBLE_US;
        if (how == END_DOUBLE)
            break;
        a->n_fails = how == END_READY ? 1 : a->n_fails + 1;
        a->told = a->told && how != END_READY;
        a->due_us = now_us + rest_us(a->n_fails);
        break;
    }
    ptd_mutex_unlock(&cm->mu);
}

/* The node that has been due for longest, of those for which there is room;
 * NULL if none is due. next_us: when the next one is. */
static struct added *most_due_locked(struct ptd_connmgr *cm,
                                     const struct census *c, int64_t *next_us)
    PTD_REQUIRES(cm->mu);
static struct added *most_due_locked(struct ptd_connmgr *cm,
                                     const struct census *c, int64_t *next_us)
{
    struct added *found = NULL;

    *next_us = PTD_NEVER;
    if (!cm->active || c->n_manual_dials >= MAX_MANUAL_DIALS)
        return NULL;
    PTD_LIST_EACH(a, &cm->added, struct added, link)
    if (a->token == 0 && a->due_us < *next_us &&
        (a->connect || c->n_added < PTD_MAX_ADDNODE)) {
        found = a;
        *next_us = a->due_us;
    }
    return *next_us <= connmgr_now_us(cm) ? found : NULL;
}

/* Fill a slot with the next node. False: none is due. */
static bool fill(struct slot *s, const struct census *c, struct ptd_netaddr *na,
                 int64_t *next_us)
{
    struct added *a;

    ptd_mutex_lock(&s->cm->mu);
    a = most_due_locked(s->cm, c, next_us);
    if (a != NULL) {
        memcpy(s->name, a->name, sizeof s->name);
        s->wants_v2 = a->wants_v2;
        s->use = a->connect ? USE_CONNECT : USE_ADDED;
        *na = a->na;
        slot_enter_locked(s);
        a->token = s->token;
    }
    ptd_mutex_unlock(&s->cm->mu);
    return a != NULL;
}

static bool is_any_due(struct ptd_connmgr *cm, const struct census *c,
                       int64_t *next_us)
{
    bool any;

    ptd_mutex_lock(&cm->mu);
    any = most_due_locked(cm, c, next_us) != NULL;
    ptd_mutex_unlock(&cm->mu);
    return any;
}

int64_t named_run(struct ptd_connmgr *cm)
{
    struct ptd_netaddr na;
    int64_t next_us;

    for (;;) {
        struct census c;
        struct slot *s;

        connmgr_census(cm, &c);
        if (!is_any_due(cm, &c, &next_us))
            return next_us;
        slots_take_back(cm);
        s = slot_new(cm, PTD_LINK_MANUAL, USE_ADDED);
        if (s == NULL)
            return connmgr_now_us(cm) + BACKOFF_US;
        if (!fill(s, &c, &na, &next_us)) {
            ptd_free(s); /* it was removed this moment */
            continue;
        }
        slot_dial_named(s, &na);
    }
}
