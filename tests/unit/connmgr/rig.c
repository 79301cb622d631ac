#include <config.h>

#include "rig.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/util.h"
#include "net/wait.h"
#include "pentad/log.h"
#include "pentad/msg.h"
#include "sync/clock_int.h"

static const char *const no_seeds[] = { NULL };

/* ---- the address manager ------------------------------------------------- */

static size_t count(void *arg, enum ptd_net net)
{
    struct rig *r = arg;
    size_t n = 0;

    ptd_mutex_lock(&r->mu);
    for (size_t i = 0; i < r->n_addrs; i++)
        n += net == PTD_NET_NONE || r->addr[i].a.na.net == net;
    ptd_mutex_unlock(&r->mu);
    return n;
}

/* One after the other, so that a test knows whose turn it is. */
static bool pick(void *arg, struct ptd_connmgr_addr *out, bool only_new,
                 uint32_t nets)
{
    struct rig *r = arg;
    bool found = false;

    ptd_mutex_lock(&r->mu);
    for (size_t i = 0; !found && i < r->n_addrs; i++) {
        const struct rig_addr *a = &r->addr[r->next++ % r->n_addrs];

        if ((only_new && !a->is_new) || (nets & PTD_NET_BIT(a->a.na.net)) == 0)
            continue;
        *out = a->a;
        found = true;
    }
    ptd_mutex_unlock(&r->mu);
    return found;
}

static bool pick_collision(void *arg, struct ptd_connmgr_addr *out)
{
    struct rig *r = arg;

    ptd_mutex_lock(&r->mu);
    *out = (struct ptd_connmgr_addr){ .na = r->collision,
                                      .services = PTD_NODE_NETWORK };
    ptd_mutex_unlock(&r->mu);
    return out->na.net != PTD_NET_NONE;
}

static void resolve_collisions(void *arg)
{
    struct rig *r = arg;

    ptd_mutex_lock(&r->mu);
    ptd_mutex_unlock(&r->mu);
}

static struct rig_addr *find_addr(struct rig *r, const struct ptd_netaddr *na)
{
    for (size_t i = 0; i < r->n_addrs; i++)
        if (ptd_netaddr_is_equal(&r->addr[i].a.na, na))
            return &r->addr[i];
    return NULL;
}

static void attempt(void *arg, const struct ptd_netaddr *na, bool counted)
{
    struct rig *r = arg;
    struct rig_addr *a;

    ptd_mutex_lock(&r->mu);
    if ((a = find_addr(r, na)) != NULL) {
        a->a.last_try_s = ptd_clock_wall_s(r->clk);
        a->n_attempts++;
        a->n_counted += counted;
    }
    ptd_mutex_unlock(&r->mu);
}

static void good(void *arg, const struct ptd_netaddr *na)
{
    struct rig *r = arg;
    struct rig_addr *a;

    ptd_mutex_lock(&r->mu);
    if ((a = find_addr(r, na)) != NULL)
        a->n_good++;
    ptd_mutex_unlock(&r->mu);
}

static void add(void *arg, const struct ptd_connmgr_addr *list, size_t n,
                const char *source)
{
    struct rig *r = arg;

    PTD_ASSERT(source != NULL);
    ptd_mutex_lock(&r->mu);
    for (size_t i = 0; i < n && r->n_addrs < RIG_ADDRS; i++)
        r->addr[r->n_addrs++] = (struct rig_addr){ .a = list[i] };
    ptd_mutex_unlock(&r->mu);
}

/* The first two bytes. */
static size_t group(void *arg, const struct ptd_netaddr *na,
                    uint8_t out[PTD_GROUP_MAX])
{
    resolve_collisions(arg); /* takes and gives back the lock */
    out[0] = na->net;
    out[1] = na->addr[0];
    out[2] = na->addr[1];
    return 3;
}

/* ---- the server ---------------------------------------------------------- */

static bool is_like(struct rig *r, const struct ptd_netaddr *a,
                    const struct ptd_netaddr *b, bool any_port)
{
    bool is;

    ptd_mutex_lock(&r->mu);
    is = a->net != PTD_NET_NONE && (any_port ? ptd_netaddr_is_same_host(a, b)
                                             : ptd_netaddr_is_equal(a, b));
    ptd_mutex_unlock(&r->mu);
    return is;
}

static enum ptd_connmgr_found find(void *arg, const struct ptd_netaddr *na,
                                   bool any_port)
{
    struct rig *r = arg;

    return is_like(r, &r->inbound, na, any_port) ? PTD_FOUND_INBOUND
                                                 : PTD_FOUND_NOT;
}

static bool is_ending(void *arg, uint64_t token)
{
    struct rig *r = arg;

    return atomic_load(&r->ending) == token;
}

static bool is_own(void *arg, const struct ptd_netaddr *na)
{
    struct rig *r = arg;

    return is_like(r, &r->own, na, true);
}

static bool is_unwanted(void *arg, const struct ptd_netaddr *na)
{
    struct rig *r = arg;

    return is_like(r, &r->unwanted, na, true);
}

static bool has_services(void *arg, uint64_t services)
{
    struct rig *r = arg;

    return (services & r->services) == r->services;
}

static void copy_link(struct rig *r, struct rig_link *out,
                      const struct ptd_connmgr_link *l, enum ptd_err e)
{
    memset(out, 0, sizeof *out);
    out->l = *l;
    out->err = e;
    out->at_us = ptd_clock_now_us(r->clk);
    if (l->name != NULL)
        snprintf(out->name, sizeof out->name, "%s", l->name);
    out->l.name = NULL;
}

static enum ptd_err connected(void *arg, const struct ptd_connmgr_link *l,
                              int fd)
{
    struct rig *r = arg;
    enum ptd_err e = (enum ptd_err)atomic_load(&r->refuses);
    struct rig_link link;

    if (e != PTD_OK)
        return e;
    close(fd);
    copy_link(r, &link, l, PTD_OK);
    PTD_ASSERT(ptd_chan_try_send(r->links, &link) == PTD_OK);
    return PTD_OK;
}

static void failed(void *arg, const struct ptd_connmgr_link *l, enum ptd_err e,
                   const struct ptd_dial_why *why)
{
    struct rig *r = arg;
    struct rig_link link;

    PTD_ASSERT(why != NULL);
    copy_link(r, &link, l, e);
    PTD_ASSERT(ptd_chan_try_send(r->failures, &link) == PTD_OK);
}

/* ---- the network --------------------------------------------------------- */

static enum ptd_err outcome(struct rig *r, const struct ptd_latch *cancel)
{
    struct ptd_wait w = ptd_wait_until(-1, cancel);
    enum ptd_err e = PTD_EIO;

    switch ((enum rig_net)atomic_load(&r->net)) {
    case RIG_ANSWERS: return (enum ptd_err)atomic_load(&r->answer);
    case RIG_CHANCE: return ptd_random_below(10) < 6 ? PTD_EREFUSED : PTD_OK;
    case RIG_HANGS: return ptd_wait_fd(&w, -1, 0);
    case RIG_HELD: (void)!ptd_chan_recv(r->answers, &e); break;
    }
    return e;
}

static enum ptd_err dial(void *arg, int *fd, const struct ptd_dial_target *to,
                         const struct ptd_proxy *proxy, int timeout_ms,
                         const struct ptd_latch *cancel,
                         struct ptd_dial_why *why)
{
    struct rig *r = arg;
    struct rig_call c = { .proxied = proxy != NULL,
                          .at_us = ptd_clock_now_us(r->clk) };
    enum ptd_err e;

    PTD_ASSERT(timeout_ms > 0);
    if (to->na.net != PTD_NET_NONE)
        ptd_netaddr_format(&to->na, c.text, sizeof c.text);
    else
        snprintf(c.text, sizeof c.text, "%s:%u", to->host, (unsigned)to->port);
    PTD_ASSERT(ptd_chan_try_send(r->calls, &c) == PTD_OK);
    e = outcome(r, cancel);
    why->reply = -1;
    snprintf(why->text, sizeof why->text, "%s", ptd_err_text(e));
    if (e == PTD_OK)
        *fd = eventfd(0, EFD_CLOEXEC);
    return e;
}

static enum ptd_err resolve(void *arg, struct ptd_netaddr *out, size_t cap,
                            size_t *n, const char *host, uint16_t port)
{
    struct rig *r = arg;
    struct rig_call c = { .look_up = true, .at_us = ptd_clock_now_us(r->clk) };
    size_t n_found = (size_t)atomic_load(&r->n_resolved);

    snprintf(c.text, sizeof c.text, "%s", host);
    PTD_ASSERT(ptd_chan_try_send(r->calls, &c) == PTD_OK);
    for (*n = 0; *n < n_found && *n < cap; (*n)++) {
        out[*n] = rig_parse("20.0.0.1:1");
        out[*n].addr[1] = (uint8_t)*n;
        out[*n].port = port;
    }
    return (enum ptd_err)atomic_load(&r->resolves);
}

/* ---- the log ------------------------------------------------------------- */

static void hear(const struct ptd_log_line *line, void *arg)
{
    struct rig *r = arg;

    for (size_t i = 0; i < RIG_PHRASES && r->phrase[i] != NULL; i++)
        if (strstr(line->text, r->phrase[i]) != NULL)
            atomic_fetch_add(&r->n_said[i], 1);
}

unsigned rig_said(struct rig *r, const char *phrase)
{
    for (size_t i = 0; i < RIG_PHRASES && r->phrase[i] != NULL; i++)
        if (strcmp(r->phrase[i], phrase) == 0)
            return atomic_load(&r->n_said[i]);
    ck_abort_msg("not listened for: %s", phrase);
    return 0;
}

/* ---- life ---------------------------------------------------------------- */

void rig_init(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->params = *ptd_params_of(PTD_CHAIN_REGTEST);
    r->params.dns_seeds = no_seeds;
    r->params.seeds = NULL;
    r->params.seeds_size = 0;
    ptd_mutex_init(&r->mu, PTD_RANK_ADDRMGR);
    r->clk = ptd_clock_new();
    ck_assert_ptr_nonnull(r->clk);
    ptd_clock_set_wall_us(r->clk, 1700000000 * SECOND_US);
    r->links = ptd_chan_new(sizeof(struct rig_link), RIG_QUEUE);
    r->failures = ptd_chan_new(sizeof(struct rig_link), RIG_QUEUE);
    r->calls = ptd_chan_new(sizeof(struct rig_call), RIG_QUEUE);
    r->answers = ptd_chan_new(sizeof(enum ptd_err), RIG_QUEUE);
    ck_assert(r->links != NULL && r->failures != NULL && r->calls != NULL &&
              r->answers != NULL);
    r->services = PTD_NODE_NETWORK;
    ptd_connmgr_config_init(&r->cfg, &r->params);
    r->cfg.clk = r->clk;
    r->cfg.dns_seed = false;
    r->cfg.fixed_seeds = false;
    r->cfg.addrs = (struct ptd_connmgr_addrs){
        r,       count, pick, pick_collision, resolve_collisions,
        attempt, good,  add,  group
    };
    r->cfg.server = (struct ptd_connmgr_server){
        r, find, is_ending, is_own, is_unwanted, has_services, connected, failed
    };
    r->cfg.dialler = (struct ptd_connmgr_dialler){ r, dial, resolve };
}

void rig_start(struct rig *r)
{
    ck_assert_int_eq(ptd_log_enable("net"), PTD_OK);
    ck_assert_int_eq(ptd_log_add_sink(&r->sink, hear, r), PTD_OK);
    ck_assert_int_eq(ptd_connmgr_new(&r->cm, &r->cfg), PTD_OK);
    ck_assert_int_eq(ptd_connmgr_start(r->cm), PTD_OK);
}

void rig_fini(struct rig *r)
{
    if (r->cm != NULL) {
        ptd_connmgr_stop(r->cm);
        ptd_chan_close(r->answers);
        ptd_connmgr_join(r->cm);
        ptd_connmgr_free(r->cm);
        ptd_log_remove_sink(r->sink);
    }
    ptd_chan_free(r->links);
    ptd_chan_free(r->failures);
    ptd_chan_free(r->calls);
    ptd_chan_free(r->answers);
    ptd_clock_free(r->clk);
    ptd_mutex_fini(&r->mu);
}

/* ---- addresses ----------------------------------------------------------- */

struct ptd_netaddr rig_parse(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, text, 18444) == PTD_OK, "%s", text);
    return na;
}

size_t rig_add(struct rig *r, const char *text)
{
    struct rig_addr a = { .a = { .na = rig_parse(text),
                                 .services = PTD_NODE_NETWORK } };
    size_t at;

    ptd_mutex_lock(&r->mu);
    ck_assert_uint_lt(r->n_addrs, RIG_ADDRS);
    at = r->n_addrs++;
    r->addr[at] = a;
    ptd_mutex_unlock(&r->mu);
    return at;
}

void rig_add_many(struct rig *r, size_t n)
{
    char text[PTD_NETADDR_TEXT];

    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "16.%zu.0.1:8333", i);
        rig_add(r, text);
    }
}

/* ---- time ---------------------------------------------------------------- */

/* What is refused at once is still a request, one a round. The first may be
 * answered in a round that began before what is waited for; when the third is,
 * the next round lies behind it too; what that one has woken is done with the
 * fourth. */
void rig_settle(struct rig *r)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(
            ptd_connmgr_dial(r->cm, "no node", PTD_LINK_MANUAL, false),
            PTD_EINVAL);
}

int64_t rig_sleeps(struct rig *r)
{
    int64_t next_us;

    rig_settle(r);
    ptd_clock_await_waiters(r->clk, 1);
    next_us = ptd_clock_next_deadline_us(r->clk);
    ck_assert_int_gt(next_us, ptd_clock_now_us(r->clk)); /* it does not spin */
    return next_us;
}

void rig_advance(struct rig *r, int64_t us)
{
    ptd_clock_advance_us(r->clk, us);
    rig_settle(r);
}

/* ---- what happened ------------------------------------------------------- */

struct rig_link rig_link(struct rig *r)
{
    struct rig_link l;

    ck_assert_int_eq(ptd_chan_recv(r->links, &l), PTD_OK);
    return l;
}

struct rig_link rig_failure(struct rig *r)
{
    struct rig_link l;

    ck_assert_int_eq(ptd_chan_recv(r->failures, &l), PTD_OK);
    return l;
}

struct rig_call rig_call(struct rig *r)
{
    struct rig_call c;

    ck_assert_int_eq(ptd_chan_recv(r->calls, &c), PTD_OK);
    return c;
}

/* A dial that was begun has a slot, or has ended and left a link or a failure
 * behind. */
static bool is_dialling(struct rig *r)
{
    struct ptd_connmgr_slot slots[64];
    size_t n = ptd_connmgr_list_slots(r->cm, slots, 64);

    for (size_t i = 0; i < n && i < 64; i++)
        if (slots[i].state == PTD_SLOT_DIALS && slots[i].due_us == PTD_NEVER)
            return true;
    return false;
}

void rig_no_link(struct rig *r)
{
    rig_settle(r);
    ck_assert(!is_dialling(r));
    ck_assert_uint_eq(ptd_chan_len(r->links), 0);
}

void rig_no_call(struct rig *r)
{
    rig_settle(r);
    ck_assert(!is_dialling(r));
    ck_assert_uint_eq(ptd_chan_len(r->calls), 0);
}

struct rig_link rig_next_link(struct rig *r)
{
    for (int i = 0; i < 10000; i++) {
        rig_settle(r);
        if (is_dialling(r) || ptd_chan_len(r->links) > 0)
            return rig_link(r);
        rig_advance(r, rig_sleeps(r) - ptd_clock_now_us(r->clk));
    }
    ck_abort_msg("no link");
    return rig_link(r);
}

void rig_forget_calls(struct rig *r)
{
    while (ptd_chan_try_recv(r->calls, NULL) == PTD_OK)
        ;
}

void rig_gone(struct rig *r, const struct rig_link *l, bool was_ready)
{
    if (was_ready)
        ptd_connmgr_ready(r->cm, l->l.token);
    ptd_connmgr_gone(r->cm, l->l.token);
    rig_settle(r);
}

void rig_fill(struct rig *r, struct rig_link links[RIG_FULL])
{
    for (size_t n = 0; n < RIG_FULL;) {
        links[n] = rig_link(r);
        if (links[n].l.type == PTD_LINK_FEELER)
            rig_gone(r, &links[n], true);
        else
            n++;
        if (n < RIG_FULL)
            rig_advance(r, SECOND_US);
    }
    rig_settle(r);
}

/* ---- slots --------------------------------------------------------------- */

struct ptd_connmgr_slot rig_slot(struct rig *r, const char *name)
{
    struct ptd_connmgr_slot slots[64];
    size_t n = ptd_connmgr_list_slots(r->cm, slots, 64);

    for (size_t i = 0; i < n && i < 64; i++)
        if (strcmp(slots[i].name, name) == 0)
            return slots[i];
    ck_abort_msg("no slot of %s", name);
    return slots[0];
}

size_t rig_n_slots(struct rig *r)
{
    return ptd_connmgr_list_slots(r->cm, NULL, 0);
}

size_t rig_n_type(struct rig *r, enum ptd_link_type type)
{
    struct ptd_connmgr_slot slots[64];
    size_t n, n_type = 0;

    rig_settle(r);
    n = ptd_connmgr_list_slots(r->cm, slots, 64);
    for (size_t i = 0; i < n && i < 64; i++)
        n_type += slots[i].type == type;
    return n_type;
}

size_t rig_n_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}
