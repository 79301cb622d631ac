#include <config.h>

#include "rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/util.h"
#include "peer/peer_int.h"
#include "pentad/params.h"

#define WAIT_US (20 * SECOND_US)

/* ---- events ------------------------------------------------------------------ */

static void post(struct subject *s, struct ptd_peer *p, enum event_what what,
                 enum ptd_msg_type type)
{
    struct event ev = { p, what, type };

    (void)!ptd_chan_try_send(s->events, &ev); /* a flood may overrun it */
}

static struct ptd_msg *on_version(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg)
{
    (void)v;
    post(arg, p, EV_VERSION, PTD_MSG_VERSION);
    return NULL;
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    post(arg, p, EV_READY, PTD_MSG_UNKNOWN);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct event ev = { p, EV_GONE, PTD_MSG_UNKNOWN }, old;
    struct subject *s = arg;

    while (ptd_chan_try_send(s->events, &ev) == PTD_EFULL)
        (void)!ptd_chan_try_recv(s->events, &old); /* this one must not go */
}

static void on_unknown(struct ptd_peer *p, const char *command,
                       size_t wire_bytes, void *arg)
{
    (void)command;
    (void)wire_bytes;
    post(arg, p, EV_UNKNOWN, PTD_MSG_UNKNOWN);
}

static enum ptd_err on_msg(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    post(arg, p, EV_MSG, m->type);
    return PTD_OK;
}

void rig_config(struct ptd_peer_config *cfg, struct subject *s)
{
    ptd_peer_config_init(cfg, ptd_params_by_name("regtest"));
    cfg->services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    cfg->hooks.arg = s;
    cfg->hooks.on_version = on_version;
    cfg->hooks.on_ready = on_ready;
    cfg->hooks.on_gone = on_gone;
    cfg->hooks.on_unknown = on_unknown;
    for (size_t i = 0; i < PTD_MSG_N_TYPES; i++)
        cfg->on_msg[i] = (struct ptd_listener){ on_msg, s };
}

struct event rig_wait(struct subject *s, enum event_what what,
                      enum ptd_msg_type type)
{
    int64_t until = ptd_clock_now_us(NULL) + WAIT_US;
    struct event ev;

    for (;;) {
        enum ptd_err e = ptd_chan_recv_until(s->events, &ev, NULL, until);

        ck_assert_msg(e == PTD_OK, "waiting for event %d of %s: %s", what,
                      ptd_msg_type_command(type), ptd_err_text(e));
        if (ev.what == what && (type == PTD_MSG_UNKNOWN || ev.type == type))
            return ev;
    }
}

bool rig_has(struct subject *s, enum event_what what, enum ptd_msg_type type)
{
    struct event ev;

    while (ptd_chan_try_recv(s->events, &ev) == PTD_OK)
        if (ev.what == what && (type == PTD_MSG_UNKNOWN || ev.type == type))
            return true;
    return false;
}

static void subject_make(struct subject *s, struct ptd_env *env,
                         enum ptd_direction dir,
                         void (*tune)(struct ptd_peer_config *, bool))
{
    struct ptd_peer_config cfg;
    enum ptd_err e;

    s->env = env;
    s->events = ptd_chan_new(sizeof(struct event), 4096);
    ck_assert_ptr_nonnull(s->events);
    rig_config(&cfg, s);
    if (tune != NULL)
        tune(&cfg, dir == PTD_OUTBOUND);
    e = ptd_peer_new(&s->peer, env, &cfg, dir, NULL);
    ck_assert_msg(e == PTD_OK, "ptd_peer_new: %s", ptd_err_text(e));
}

static void subject_end(struct subject *s)
{
    ptd_peer_disconnect(s->peer, PTD_ECLOSED, "test is over");
    ptd_peer_join(s->peer);
    ptd_peer_free(s->peer);
    ptd_chan_free(s->events);
}

static struct ptd_env *make_env(struct ptd_clock *clk)
{
    struct ptd_env_config cfg;
    struct ptd_env *env;

    ptd_env_config_init(&cfg);
    cfg.clock = clk;
    cfg.allow_self = true;
    env = ptd_env_new(&cfg);
    ck_assert_ptr_nonnull(env);
    return env;
}

/* ---- sockets ---------------------------------------------------------------------- */

void rig_tcp_pair(int fd[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof a;
    int l = socket(AF_INET, SOCK_STREAM, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(l, 0);
    ck_assert_int_eq(bind(l, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(l, 4), 0);
    ck_assert_int_eq(getsockname(l, (struct sockaddr *)&a, &n), 0);
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd[0], 0);
    ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&a, sizeof a), 0);
    fd[1] = accept(l, NULL, NULL);
    ck_assert_int_ge(fd[1], 0);
    close(l);
}

/* ---- two peers --------------------------------------------------------------------- */

void rig_duo_make(struct duo *d, struct ptd_clock *clk,
                  void (*tune)(struct ptd_peer_config *, bool))
{
    d->env = make_env(clk);
    subject_make(&d->in, d->env, PTD_INBOUND, tune);
    subject_make(&d->out, d->env, PTD_OUTBOUND, tune);
}

void rig_duo_attach(struct duo *d)
{
    int fd[2];

    rig_tcp_pair(fd);
    ck_assert_int_eq(ptd_peer_attach(d->in.peer, fd[0]), PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(d->out.peer, fd[1]), PTD_OK);
}

void rig_duo_start(struct duo *d)
{
    rig_duo_attach(d);
    (void)rig_wait(&d->in, EV_READY, PTD_MSG_UNKNOWN);
    (void)rig_wait(&d->out, EV_READY, PTD_MSG_UNKNOWN);
}

void rig_duo_end(struct duo *d)
{
    subject_end(&d->out);
    subject_end(&d->in);
    ptd_env_free(d->env);
}

/* ---- a peer and the test ----------------------------------------------------------- */

void rig_solo_start(struct solo *r, enum ptd_direction dir, int clock,
                    void (*tune)(struct ptd_peer_config *, bool))
{
    const struct ptd_params *params = ptd_params_by_name("regtest");
    struct timeval tv = { .tv_sec = 20 };
    int fd[2];

    memset(r, 0, sizeof *r);
    if (clock == SOLO_VIRTUAL_CLOCK) {
        r->clk = ptd_clock_new();
        ck_assert_ptr_nonnull(r->clk);
        ptd_clock_set_wall_us(r->clk, INT64_C(1700000000) * SECOND_US);
    }
    memcpy(r->magic, params->magic, sizeof r->magic);
    r->pver = 70015;
    subject_make(&r->s, make_env(r->clk), dir, tune);
    rig_tcp_pair(fd);
    r->fd = fd[0];
    ck_assert_int_eq(setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv),
                     0);
    ck_assert_int_eq(ptd_peer_attach(r->s.peer, fd[1]), PTD_OK);
}

void rig_solo_end(struct solo *r)
{
    struct ptd_env *env = r->s.env;

    if (r->fd >= 0)
        close(r->fd);
    subject_end(&r->s);
    ptd_env_free(env);
    ptd_clock_free(r->clk);
}

void rig_send_bytes(struct solo *r, const void *p, size_t n)
{
    const uint8_t *at = p;

    while (n > 0) {
        ssize_t k = send(r->fd, at, n, MSG_NOSIGNAL);

        if (k < 0)
            return; /* the peer closed: the test sees it when it reads */
        at += k;
        n -= (size_t)k;
    }
}

void rig_send_raw(struct solo *r, const char *command, const void *payload,
                  size_t n)
{
    struct ptd_v1_header h = { .length = (uint32_t)n };
    uint8_t *frame = malloc(PTD_V1_HEADER_BYTES + n);

    ck_assert_ptr_nonnull(frame);
    memcpy(h.magic, r->magic, sizeof h.magic);
    strncpy(h.command, command, PTD_COMMAND_BYTES);
    ptd_v1_checksum(payload, n, h.checksum);
    ptd_v1_header_encode(&h, frame);
    if (n > 0)
        memcpy(frame + PTD_V1_HEADER_BYTES, payload, n);
    rig_send_bytes(r, frame, PTD_V1_HEADER_BYTES + n);
    r->n_sent++;
    free(frame);
}

void rig_send(struct solo *r, struct ptd_msg *m)
{
    struct ptd_codec cx = { .pver = r->pver, .encoding = PTD_ENC_WITNESS };
    enum ptd_err e = PTD_OK;
    size_t n, cap;
    uint8_t *buf;

    ck_assert_ptr_nonnull(m);
    cap = ptd_msg_encoded_bytes(m, &cx, &e);
    ck_assert_msg(e == PTD_OK, "%s", ptd_err_text(e));
    buf = malloc(cap + 1);
    ck_assert_ptr_nonnull(buf);
    ck_assert_int_eq(ptd_msg_encode(m, buf, cap, &n, &cx), PTD_OK);
    rig_send_raw(r, ptd_msg_type_command(m->type), buf, n);
    free(buf);
    ptd_msg_free(m);
}

static bool recv_all(struct solo *r, uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t k = recv(r->fd, p, n, 0);

        ck_assert_msg(k >= 0 || errno == ECONNRESET, "no bytes for 20 s: %s",
                      strerror(errno));
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

bool rig_recv(struct solo *r, struct rig_frame *f)
{
    struct ptd_v1_header h;
    uint8_t head[PTD_V1_HEADER_BYTES], sum[4];

    if (!recv_all(r, head, sizeof head))
        return false;
    ck_assert_int_eq(ptd_v1_header_decode(&h, head, r->magic), PTD_OK);
    memcpy(f->command, h.command, sizeof f->command);
    f->type = ptd_msg_type_of(h.command, strlen(h.command));
    f->n = h.length;
    f->payload = malloc(f->n + 1);
    ck_assert_ptr_nonnull(f->payload);
    if (!recv_all(r, f->payload, f->n)) {
        free(f->payload);
        return false;
    }
    ptd_v1_checksum(f->payload, f->n, sum);
    ck_assert_mem_eq(sum, h.checksum, 4);
    return true;
}

void rig_frame_free(struct rig_frame *f)
{
    free(f->payload);
    f->payload = NULL;
}

bool rig_recv_type(struct solo *r, enum ptd_msg_type type, struct rig_frame *f)
{
    while (rig_recv(r, f)) {
        if (f->type == type)
            return true;
        rig_frame_free(f);
    }
    return false;
}

size_t rig_recv_all(struct solo *r, enum ptd_msg_type type)
{
    struct rig_frame f;
    size_t n = 0;

    while (rig_recv(r, &f)) {
        n += f.type == type;
        rig_frame_free(&f);
    }
    return n;
}

struct ptd_msg *rig_version(struct solo *r)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    struct ptd_msg_version *v = (struct ptd_msg_version *)(void *)m;

    ck_assert_ptr_nonnull(m);
    v->version = (int32_t)r->pver;
    v->services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    v->time = 1700000000;
    v->nonce = 0x1122334455667788;
    v->start_height = 100;
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &v->user_agent, "/rig:1/", 7),
                     PTD_OK);
    return m;
}

void rig_solo_handshake(struct solo *r)
{
    struct rig_frame f;

    rig_send(r, rig_version(r));
    ck_assert(rig_recv_type(r, PTD_MSG_VERSION, &f));
    rig_frame_free(&f);
    ck_assert(rig_recv_type(r, PTD_MSG_VERACK, &f));
    rig_frame_free(&f);
    rig_send(r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r->s, EV_READY, PTD_MSG_UNKNOWN);
}

void rig_sync(struct solo *r)
{
    static uint64_t nonce = 0x5000;
    _Atomic uint64_t *n_pongs = &r->s.peer->sent[PTD_MSG_PONG].n;
    uint64_t n_before = atomic_load(n_pongs);
    struct rig_frame f;
    uint64_t got = 0;

    rig_send(r, ptd_msg_new_nonce(PTD_MSG_PING, ++nonce));
    do {
        ck_assert_msg(rig_recv_type(r, PTD_MSG_PONG, &f),
                      "closed before the pong");
        if (f.n == sizeof got)
            memcpy(&got, f.payload, sizeof got);
        rig_frame_free(&f);
    } while (got != nonce);
    /* It is counted when its write has returned, which may be later. */
    while (atomic_load(n_pongs) == n_before &&
           ptd_peer_state(r->s.peer) == PTD_PEER_READY)
        sched_yield();
}

static uint64_t n_handled(struct ptd_peer *p)
{
    uint64_t n = 0;

    for (size_t i = 0; i <= PTD_MSG_N_TYPES; i++)
        n += atomic_load(&p->recv[i].n);
    return n;
}

void rig_settle(struct solo *r)
{
    /* A frame is counted while handlers are active: once all are counted and
     * none is active, in has gone back to reading. */
    while (n_handled(r->s.peer) != r->n_sent ||
           atomic_load(&r->s.peer->handlers_us) < 0)
        sched_yield();
}

/* Since when a write is blocked, but for one that began at `not_us`; 0: the
 * peer is stopping. */
static int64_t await_write(struct ptd_peer *p, int64_t not_us)
{
    for (;;) {
        int64_t since = atomic_load(&p->write_since_us);

        if (ptd_peer_state(p) == PTD_PEER_STOPPING)
            return 0;
        if (since != 0 && since != not_us)
            return since;
        sched_yield();
    }
}

void rig_step_over_write(struct solo *r, int64_t write_us)
{
    struct ptd_peer *p = r->s.peer;
    int64_t since = await_write(p, 0);

    while (since != 0) {
        int64_t due = since + write_us;

        ptd_clock_advance_us(r->clk, due - 1 - ptd_clock_now_us(r->clk));
        ck_assert_int_eq(ptd_peer_state(p), PTD_PEER_READY);
        ptd_clock_advance_us(r->clk, 1);
        since = await_write(p, since);
    }
}

/* ---- the log ------------------------------------------------------------------------ */

static void keep_line(const struct ptd_log_line *line, void *arg)
{
    struct rig_log *log = arg;

    if (log->n_lines < PTD_COUNT(log->lines))
        snprintf(log->lines[log->n_lines], sizeof log->lines[0], "%s",
                 line->text);
    log->n_lines++;
}

void rig_log_start(struct rig_log *log, enum ptd_log_level level)
{
    log->n_lines = 0;
    ptd_log_set_level_all(level);
    ck_assert_int_eq(ptd_log_add_sink(&log->sink, keep_line, log), PTD_OK);
}

void rig_log_stop(struct rig_log *log)
{
    ptd_log_remove_sink(log->sink);
    ptd_log_set_level_all(PTD_LOG_INFO);
}

size_t rig_log_count(const struct rig_log *log, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i < PTD_MIN(log->n_lines, PTD_COUNT(log->lines)); i++)
        n += strstr(log->lines[i], text) != NULL;
    return n;
}

/* ---- what there is in the process ------------------------------------------------ */

static size_t n_entries(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

size_t rig_n_threads(void)
{
    return n_entries("/proc/self/task");
}

void rig_await_threads(size_t n)
{
    int64_t until = ptd_clock_now_us(NULL) + WAIT_US;

    while (rig_n_threads() != n) {
        ck_assert_msg(ptd_clock_now_us(NULL) < until, "%zu threads, not %zu",
                      rig_n_threads(), n);
        sched_yield();
    }
}

size_t rig_n_fds(void)
{
    return n_entries("/proc/self/fd") - 1; /* less the one that reads it */
}
