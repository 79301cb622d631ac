#include <config.h>

#include "rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "chain/check_block.h"
#include "check_node.h"
#include "pentad/wire.h"

#define WAIT_US (30 * SECOND_US)

/* ---- nodes ------------------------------------------------------------------- */

void host_init(struct host *h)
{
    const struct ptd_params *params = ptd_params_by_name("regtest");

    memset(h, 0, sizeof *h);
    ptd_node_config_init(&h->cfg, params);
    h->events = ptd_chan_new(sizeof(struct ptd_node_event), 4096);
    ck_assert_ptr_nonnull(h->events);
    h->cfg.events = h->events;
    h->dir = temp_make();
    h->cfg.netdir = strdup(h->dir);
    h->cfg.blocksdir = malloc(strlen(h->dir) + sizeof "/blocks");
    ck_assert(h->cfg.netdir != NULL && h->cfg.blocksdir != NULL);
    sprintf(h->cfg.blocksdir, "%s/blocks", h->dir);
    h->cfg.connect_only = true;
    h->cfg.listen = true;
    h->cfg.bind = calloc(1, sizeof *h->cfg.bind);
    h->cfg.n_bind = 1;
    ck_assert_int_eq(ptd_netaddr_parse(&h->cfg.bind[0], "127.0.0.1:0", 0),
                     PTD_OK);
}

void host_start(struct host *h)
{
    struct ptd_complaint why;
    struct ptd_netaddr at;
    enum ptd_err e = ptd_node_start(&h->node, &h->cfg, &why);

    ck_assert_msg(e == PTD_OK, "%s", why.text);
    if (ptd_node_bound(h->node, 0, &at))
        h->port = at.port;
}

void host_stop(struct host *h)
{
    ptd_node_stop(h->node);
    ptd_chan_free(h->events);
    ptd_node_config_fini(&h->cfg);
    temp_remove(h->dir);
}

void host_connect(struct host *h, uint16_t port)
{
    char text[32];

    snprintf(text, sizeof text, "127.0.0.1:%u", port);
    ck_assert_int_eq(ptd_texts_add(&h->cfg.connect, text), PTD_OK);
}

struct ptd_node_event host_wait(struct host *h, enum ptd_node_what what,
                                int32_t height)
{
    int64_t until = ptd_clock_now_us(NULL) + WAIT_US;
    struct ptd_node_event ev;

    for (;;) {
        enum ptd_err e = ptd_chan_recv_until(h->events, &ev, NULL, until);

        ck_assert_msg(e == PTD_OK, "waiting for event %d: %s", what,
                      ptd_err_text(e));
        if (ev.what == what && (height < 0 || ev.height == height))
            return ev;
    }
}

/* ---- guests ------------------------------------------------------------------- */

static enum ptd_err on_msg(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    struct guest *g = arg;

    (void)p;
    m = ptd_msg_ref(m);
    if (ptd_chan_try_send(g->msgs, &m) != PTD_OK)
        ptd_msg_free(m);
    return PTD_OK;
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct guest *g = arg;

    (void)p;
    ptd_chan_close(g->ready);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct guest *g = arg;

    (void)p;
    ptd_chan_close(g->gone);
}

static enum ptd_err newest_block(struct ptd_hash *hash, int32_t *height,
                                 void *arg)
{
    const struct guest *g = arg;

    memset(hash, 0, sizeof *hash);
    *height = g->height;
    return PTD_OK;
}

static int dial(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

void guest_start(struct guest *g, uint16_t port, int32_t height)
{
    guest_start_as(g, port, height, PTD_NODE_NETWORK | PTD_NODE_WITNESS);
}

void guest_start_as(struct guest *g, uint16_t port, int32_t height,
                    uint64_t services)
{
    struct ptd_peer_config cfg;

    g->height = height;
    g->env = ptd_env_new(NULL);
    g->msgs = ptd_chan_new(sizeof(struct ptd_msg *), 4096);
    g->ready = ptd_chan_new(0, 0);
    g->gone = ptd_chan_new(0, 0);
    ck_assert(g->env && g->msgs && g->ready && g->gone);
    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    cfg.services = services;
    cfg.conduct = PTD_CONDUCT_TOLERANT;
    for (size_t i = 0; i < PTD_MSG_N_TYPES; i++)
        cfg.on_msg[i] = (struct ptd_listener){ on_msg, g };
    cfg.hooks = (struct ptd_peer_hooks){ .arg = g,
                                         .on_ready = on_ready,
                                         .on_gone = on_gone,
                                         .newest_block = newest_block };
    ck_assert_int_eq(ptd_peer_new(&g->peer, g->env, &cfg, PTD_OUTBOUND, NULL),
                     PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(g->peer, dial(port)), PTD_OK);
}

static void wait_closed(struct ptd_chan *c, const char *what)
{
    enum ptd_err e =
        ptd_chan_recv_until(c, NULL, NULL, ptd_clock_now_us(NULL) + WAIT_US);

    ck_assert_msg(e == PTD_ECLOSED, "guest is not %s", what);
}

void guest_wait_ready(struct guest *g)
{
    wait_closed(g->ready, "ready");
}

void guest_wait_gone(struct guest *g)
{
    wait_closed(g->gone, "gone");
}

void guest_end(struct guest *g)
{
    struct ptd_msg *m;

    ptd_peer_disconnect(g->peer, PTD_ECLOSED, "test is over");
    ptd_peer_join(g->peer);
    ptd_peer_free(g->peer);
    while (ptd_chan_try_recv(g->msgs, &m) == PTD_OK)
        ptd_msg_free(m);
    ptd_chan_free(g->msgs);
    ptd_chan_free(g->ready);
    ptd_chan_free(g->gone);
    ptd_env_free(g->env);
}

void guest_send(struct guest *g, struct ptd_msg *msg)
{
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(ptd_peer_queue(g->peer, msg, NULL), PTD_OK);
}

static struct ptd_msg *next(struct guest *g, const char *what)
{
    struct ptd_msg *m;
    enum ptd_err e = ptd_chan_recv_until(g->msgs, &m, NULL,
                                         ptd_clock_now_us(NULL) + WAIT_US);

    ck_assert_msg(e == PTD_OK, "waiting for %s: %s", what, ptd_err_text(e));
    return m;
}

struct ptd_msg *guest_wait(struct guest *g, enum ptd_msg_type type)
{
    for (;;) {
        struct ptd_msg *m = next(g, ptd_msg_type_command(type));

        if (m->type == type)
            return m;
        ptd_msg_free(m);
    }
}

size_t guest_sync(struct guest *g, enum ptd_msg_type type)
{
    const uint64_t nonce = 0x5eed5eed5eedULL;
    size_t n = 0;

    guest_send(g, ptd_msg_new_nonce(PTD_MSG_PING, nonce));
    for (bool done = false; !done;) {
        struct ptd_msg *m = next(g, "pong");

        n += m->type == type;
        done = m->type == PTD_MSG_PONG &&
               ((struct ptd_msg_nonce *)(void *)m)->nonce == nonce;
        ptd_msg_free(m);
    }
    return n;
}

/* ---- blocks --------------------------------------------------------------------- */

static size_t put_coinbase(uint8_t *at, uint32_t height, uint32_t salt,
                           uint8_t n_pad)
{
    uint8_t *p = at;
    size_t n_height;

    memcpy(p, "\1\0\0\0\1", 5);
    p += 5;
    memset(p, 0, 32);
    memset(p + 32, 0xff, 4);
    p += 36;
    /* Script: height and salt, each a push. */
    n_height = ptd_height_push(p + 1, height);
    *p = (uint8_t)(n_height + 5);
    p += 1 + n_height;
    *p++ = 4;
    ptd_put_le32(p, salt);
    memset(p + 4, 0xff, 4);
    p += 8;
    *p++ = 1;
    ptd_put_le64(p, UINT64_C(5000000000) >> (height / 150));
    p += 8;
    *p++ = (uint8_t)(1 + n_pad);
    memset(p, 0x51, 1 + n_pad);
    p += 1 + n_pad;
    memset(p, 0, 4);
    return (size_t)(p + 4 - at);
}

struct ptd_msg *mine_block(const struct ptd_hash *prev, uint32_t height,
                           uint32_t salt)
{
    return mine_fat_block(prev, height, salt, 0);
}

struct ptd_msg *mine_fat_block(const struct ptd_hash *prev, uint32_t height,
                               uint32_t salt, uint8_t n_pad)
{
    return mine_block_as(prev, height, salt, n_pad, 0x20000000);
}

struct ptd_msg *mine_block_as(const struct ptd_hash *prev, uint32_t height,
                              uint32_t salt, uint8_t n_pad, uint32_t version)
{
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    struct ptd_block_header h = { .version = version,
                                  .prev = *prev,
                                  .time = 1600000000 + 600 * height,
                                  .bits = 0x207fffff };
    uint8_t raw[512];
    size_t n = put_coinbase(raw + 81, height, salt, n_pad);
    struct ptd_hash hash;
    struct ptd_msg *m;

    raw[80] = 1;
    /* The tree has one leaf: the hash of the transaction. */
    ck_assert_int_eq(ptd_msg_decode(&m, PTD_MSG_TX, raw + 81, n, &cx, NULL),
                     PTD_OK);
    ck_assert_int_eq(
        ptd_tx_txid(&((struct ptd_msg_tx *)(void *)m)->tx, &h.merkle_root),
        PTD_OK);
    ptd_msg_free(m);
    do {
        h.nonce++;
        ptd_block_header_hash(&h, &hash);
    } while (hash.b[31] >= 0x80);
    ptd_block_header_encode(&h, raw);
    ck_assert_int_eq(ptd_msg_decode(&m, PTD_MSG_BLOCK, raw, 81 + n, &cx, NULL),
                     PTD_OK);
    return m;
}

struct ptd_hash block_hash(const struct ptd_msg *block)
{
    struct ptd_hash hash;

    ptd_block_header_hash(
        &((const struct ptd_msg_block *)(const void *)block)->header, &hash);
    return hash;
}

void mine_chain(struct ptd_msg **list, uint32_t n, uint32_t salt)
{
    struct ptd_hash prev = ptd_params_by_name("regtest")->genesis.hash;

    for (uint32_t i = 0; i < n; i++) {
        list[i] = mine_block(&prev, i + 1, salt);
        prev = block_hash(list[i]);
    }
}

struct ptd_msg *headers_of(struct ptd_msg **list, uint32_t n)
{
    struct ptd_block_header *h = calloc(n + 1, sizeof *h);
    struct ptd_msg *m;

    for (uint32_t i = 0; i < n; i++)
        h[i] = ((struct ptd_msg_block *)(void *)list[i])->header;
    m = ptd_msg_new_headers(h, n);
    free(h);
    return m;
}

void free_chain(struct ptd_msg **list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ptd_msg_free(list[i]);
}

size_t count_in(const char *proc_dir)
{
    DIR *d = opendir(proc_dir);
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}
