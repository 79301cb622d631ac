#include <config.h>

#include "hall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "base/bytes.h"
#include "chain/mine.h"
#include "pentad/log.h"

static void on_tip(void *hall, const struct ptd_tip_change *t)
{
    struct hall *h = hall;

    ptd_publisher_tip(h->p, t);
}

/* ---- the listener ---------------------------------------------------- */

void hall_set_patience(struct hall *h, int ms)
{
    ck_assert_int_eq(zmq_setsockopt(h->ear, ZMQ_RCVTIMEO, &ms, sizeof ms), 0);
}

static void open_ear(struct hall *h)
{
    int none = 0;

    h->ctx = zmq_ctx_new();
    ck_assert_ptr_nonnull(h->ctx);
    h->ear = zmq_socket(h->ctx, ZMQ_SUB);
    ck_assert_ptr_nonnull(h->ear);
    ck_assert_int_eq(zmq_setsockopt(h->ear, ZMQ_LINGER, &none, sizeof none), 0);
    ck_assert_int_eq(zmq_setsockopt(h->ear, ZMQ_SUBSCRIBE, "", 0), 0);
    ck_assert_int_eq(zmq_connect(h->ear, h->address), 0);
    hall_set_patience(h, HALL_PATIENCE_MS);
}

static uint8_t *next_frame(struct hall *h, size_t *n, bool *more)
{
    zmq_msg_t msg;
    uint8_t *copy;

    ck_assert_int_eq(zmq_msg_init(&msg), 0);
    if (zmq_msg_recv(&msg, h->ear, 0) < 0) {
        ck_assert_int_eq(errno, EAGAIN);
        zmq_msg_close(&msg);
        return NULL;
    }
    *n = zmq_msg_size(&msg);
    *more = zmq_msg_more(&msg);
    copy = malloc(*n + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, zmq_msg_data(&msg), *n);
    copy[*n] = '\0';
    zmq_msg_close(&msg);
    return copy;
}

bool try_hear(struct hall *h, struct heard *m)
{
    uint8_t *topic, *number;
    bool more;
    size_t n;

    topic = next_frame(h, &n, &more);
    if (topic == NULL)
        return false;
    ck_assert(more);
    ck_assert_uint_lt(n, sizeof m->topic);
    memcpy(m->topic, topic, n + 1);
    m->body = next_frame(h, &m->n, &more);
    ck_assert_ptr_nonnull(m->body);
    ck_assert(more);
    number = next_frame(h, &n, &more);
    ck_assert_ptr_nonnull(number);
    ck_assert(!more);
    ck_assert_uint_eq(n, 4);
    m->number = ptd_get_le32(number);
    free(number);
    free(topic);
    return true;
}

struct heard hear(struct hall *h)
{
    struct heard m;

    ck_assert_msg(try_hear(h, &m), "nothing more came");
    return m;
}

void heard_fini(struct heard *m)
{
    free(m->body);
}

void hear_bytes(struct hall *h, const char *topic, const void *body, size_t n,
                uint32_t number)
{
    struct heard m = hear(h);

    ck_assert_str_eq(m.topic, topic);
    ck_assert_uint_eq(m.n, n);
    ck_assert_mem_eq(m.body, body, n);
    ck_assert_uint_eq(m.number, number);
    heard_fini(&m);
}

static void turn(uint8_t out[32], struct ptd_hash hash)
{
    for (int i = 0; i < 32; i++)
        out[i] = hash.b[31 - i];
}

void hear_hash(struct hall *h, const char *topic, struct ptd_hash hash,
               uint32_t number)
{
    uint8_t body[32];

    turn(body, hash);
    hear_bytes(h, topic, body, sizeof body, number);
}

void hear_block(struct hall *h, char label, struct ptd_hash hash,
                uint32_t number)
{
    uint8_t body[33];

    turn(body, hash);
    body[32] = (uint8_t)label;
    hear_bytes(h, "sequence", body, sizeof body, number);
}

static void pool_body(uint8_t body[41], char label, struct ptd_hash hash,
                      uint64_t sequence)
{
    turn(body, hash);
    body[32] = (uint8_t)label;
    for (int i = 0; i < 8; i++)
        body[33 + i] = (uint8_t)(sequence >> 8 * i);
}

void hear_pool(struct hall *h, char label, struct ptd_hash hash,
               uint64_t sequence, uint32_t number)
{
    uint8_t body[41];

    pool_body(body, label, hash, sequence);
    hear_bytes(h, "sequence", body, sizeof body, number);
}

/* ---- the pool -------------------------------------------------------- */

static const struct ptd_hash nobody = { { 0xaa } };

void hall_drop_tx(struct hall *h)
{
    ptd_publisher_tx_removed(h->p, &nobody, ++h->pool);
}

/* Throw away what comes, until the pool's last change. False: it is late. */
static bool hear_last(struct hall *h, uint32_t *number)
{
    uint8_t want[41];
    struct heard m;
    bool found = false;

    pool_body(want, 'R', nobody, h->pool);
    while (!found && try_hear(h, &m)) {
        found = strcmp(m.topic, "sequence") == 0 && m.n == sizeof want &&
                memcmp(m.body, want, m.n) == 0;
        *number = m.number;
        heard_fini(&m);
    }
    return found;
}

uint32_t hall_sync(struct hall *h)
{
    uint32_t number;

    hall_drop_tx(h);
    ck_assert(hear_last(h, &number));
    return number;
}

void hear_nothing(struct hall *h)
{
    struct heard m;

    hall_drop_tx(h);
    m = hear(h);
    ck_assert_str_eq(m.topic, "sequence");
    ck_assert_uint_eq(m.n, 41);
    ck_assert_uint_eq(ptd_get_le32(m.body + 33), (uint32_t)h->pool);
    heard_fini(&m);
}

/* ZeroMQ does not tell when a subscription has come: knock until one knock is
 * heard. */
static void wait_for_ear(struct hall *h)
{
    uint32_t number;

    hall_set_patience(h, HALL_KNOCK_MS);
    do
        hall_drop_tx(h);
    while (!hear_last(h, &number));
    hall_set_patience(h, HALL_PATIENCE_MS);
}

/* ---- all of it ------------------------------------------------------- */

static const char all[] = "hashblock hashtx rawblock rawtx sequence";

static void make_publisher(struct hall *h, const char *topics, size_t queue,
                           int hwm)
{
    struct ptd_zmq_pub pub[HALL_MAX_PUBS];
    struct ptd_publisher_config cfg = { .chain = h->r.c,
                                        .pub = pub,
                                        .queue = queue };
    char *names = strdup(topics), *rest = names, *name;

    while ((name = strsep(&rest, " ")) != NULL)
        pub[cfg.n_pub++] = (struct ptd_zmq_pub){ name, h->address, hwm };
    ck_assert_int_eq(ptd_publisher_new(&h->p, &cfg), PTD_OK);
    free(names);
}

void hall_init(struct hall *h, const char *topics, size_t queue, int hwm)
{
    struct ptd_block_info tip;

    memset(h, 0, sizeof *h);
    rig_init(&h->r, "regtest");
    h->r.cfg.on_tip = on_tip;
    h->r.cfg.arg = h;
    rig_open(&h->r);
    ptd_blockchain_tip(h->r.c, &tip);
    h->genesis = tip.header.hash;
    snprintf(h->address, sizeof h->address, "ipc://%s/zmq", h->r.dir);
    make_publisher(h, topics != NULL ? topics : all, queue, hwm);
    open_ear(h);
}

void hall_start(struct hall *h)
{
    ck_assert_int_eq(ptd_publisher_start(h->p), PTD_OK);
    wait_for_ear(h);
}

void hall_fini(struct hall *h)
{
    zmq_close(h->ear);
    zmq_ctx_term(h->ctx);
    ptd_publisher_free(h->p);
    rig_fini(&h->r);
}

/* ---- blocks and transactions ----------------------------------------- */

struct ptd_hash hall_grow(struct hall *h, struct ptd_hash on, uint32_t n_more,
                          uint32_t salt)
{
    const uint32_t height = rig_info(&h->r, on).header.height + 1;
    struct ptd_msg *m =
        rig_raw_block(&h->r, &on, height, (uint32_t)rig_now_s + height, salt);
    struct ptd_block_result res;

    rig_add_txs(m, n_more);
    rig_solve(&h->r, m);
    res = rig_accept(&h->r, m, RIG_ASKED);
    ck_assert_msg(res.is_new, "%s", res.verdict.reason);
    return res.hash;
}

struct ptd_msg *make_tx(size_t n_bytes, uint32_t salt)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
    struct ptd_tx *tx = &PTD_MSG_AS(tx, m)->tx;
    uint8_t *script = calloc(1, n_bytes);

    ck_assert_ptr_nonnull(m);
    tx->version = 2;
    tx->n_in = tx->n_out = 1;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    tx->out = ptd_msg_alloc(m, 1, sizeof *tx->out);
    tx->in->prev.index = salt;
    tx->out->value = 1;
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &tx->out->script, script, n_bytes),
                     PTD_OK);
    free(script);
    return m;
}

struct ptd_hash txid_of(const struct ptd_msg *m)
{
    struct ptd_hash txid;

    ck_assert_int_eq(ptd_tx_txid(&PTD_MSG_CONST(tx, m)->tx, &txid), PTD_OK);
    return txid;
}

/* ---- the log --------------------------------------------------------- */

char hall_log[8000];

static void remember(const struct ptd_log_line *line, void *arg)
{
    size_t n = strlen(hall_log);

    (void)arg;
    snprintf(hall_log + n, sizeof hall_log - n, "%s\n", line->text);
}

static struct ptd_clock *log_clock;
static int log_sink;

void listen_to_log(void)
{
    static int64_t hour = 500 * 1000;

    /* An hour later: what spoke in an earlier test may speak again. */
    log_clock = ptd_clock_new();
    ck_assert_ptr_nonnull(log_clock);
    ptd_clock_set_wall_us(log_clock, hour++ * 3600 * 1000000);
    ptd_log_set_clock(log_clock);
    hall_log[0] = '\0';
    ptd_log_reset_levels();
    ck_assert_int_eq(ptd_log_add_sink(&log_sink, remember, NULL), PTD_OK);
}

void unlisten_to_log(void)
{
    ptd_log_remove_sink(log_sink);
    ptd_log_set_clock(NULL);
    ptd_clock_free(log_clock);
}
