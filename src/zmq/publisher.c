#include <config.h>

#include "zmq/publisher.h"

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "pentad/log.h"
#include "wire/tx.h"
#include "zmq/publisher_int.h"

PTD_LOG_TAG(ZMQP);

/* The pool holds its transactions anyway; those that it has let go are held
 * by us alone. */
enum { QUEUE_MAX_BYTES = 32 * 1000 * 1000 };

/* ---- making and freeing ---------------------------------------------- */

/* "unix:PATH" is how Bitcoin Core writes ZeroMQ's "ipc://PATH". */
static char *address_of(const char *text)
{
    static const char ours[] = "unix:", theirs[] = "ipc://";
    char *out;
    size_t n;

    if (strncmp(text, ours, strlen(ours)) != 0)
        return ptd_strdup(text);
    text += strlen(ours);
    n = strlen(text) + 1;
    out = ptd_alloc(strlen(theirs) + n);
    if (out != NULL) {
        memcpy(out, theirs, strlen(theirs));
        memcpy(out + strlen(theirs), text, n);
    }
    return out;
}

static enum ptd_err add_publications(struct ptd_publisher *p,
                                     const struct ptd_publisher_config *cfg)
{
    p->pub = ptd_calloc(cfg->n_pub, sizeof *p->pub);
    if (p->pub == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < cfg->n_pub; i++) {
        struct publication *to = &p->pub[i];

        to->topic = pub_topic_of(cfg->pub[i].topic);
        if (to->topic == N_TOPICS)
            return PTD_EINVAL;
        to->address = address_of(cfg->pub[i].address);
        if (to->address == NULL)
            return PTD_ENOMEM;
        to->hwm = cfg->pub[i].hwm;
        p->wants[to->topic] = true;
        p->n_pub++;
    }
    return PTD_OK;
}

enum ptd_err ptd_publisher_new(struct ptd_publisher **out,
                               const struct ptd_publisher_config *cfg)
{
    struct ptd_publisher *p = ptd_calloc(1, sizeof *p);
    enum ptd_err e;

    if (p == NULL)
        return PTD_ENOMEM;
    ptd_mutex_init(&p->mu, PTD_RANK_PUBLISHER);
    p->chain = cfg->chain;
    p->queue = ptd_chan_new(sizeof(struct change),
                            cfg->queue != 0 ? cfg->queue : PTD_PUBLISHER_QUEUE);
    e = p->queue != NULL ? add_publications(p, cfg) : PTD_ENOMEM;
    if (e == PTD_OK)
        e = pub_open(p);
    if (e != PTD_OK) {
        ptd_publisher_free(p);
        return e;
    }
    *out = p;
    return PTD_OK;
}

static void taken(struct ptd_publisher *p, const struct change *c)
{
    if (c->tx == NULL)
        return;
    ptd_msg_free(c->tx);
    ptd_mutex_lock(&p->mu);
    p->n_bytes -= c->n_bytes;
    ptd_mutex_unlock(&p->mu);
}

static void publisher_main(void *publisher)
{
    struct ptd_publisher *p = publisher;
    struct change c;

    if (ptd_crypto_thread_init() != PTD_OK) {
        ptd_log_error("Nothing is published: no memory to hash with");
        return;
    }
    while (!atomic_load(&p->stopping) &&
           ptd_chan_recv(p->queue, &c) == PTD_OK) {
        pub_publish(p, &c);
        taken(p, &c);
    }
}

enum ptd_err ptd_publisher_start(struct ptd_publisher *p)
{
    return ptd_thread_start(&p->thread, NULL, "zmq", publisher_main, p);
}

void ptd_publisher_free(struct ptd_publisher *p)
{
    struct change c;

    if (p == NULL)
        return;
    atomic_store(&p->stopping, true);
    if (p->queue != NULL)
        ptd_chan_close(p->queue);
    ptd_thread_join(&p->thread);
    while (p->queue != NULL && ptd_chan_try_recv(p->queue, &c) == PTD_OK)
        taken(p, &c);
    ptd_chan_free(p->queue);
    pub_close(p);
    for (size_t i = 0; i < p->n_pub; i++)
        ptd_free(p->pub[i].address);
    ptd_free(p->pub);
    ptd_mutex_fini(&p->mu);
    ptd_free(p);
}

bool ptd_publisher_at(const struct ptd_publisher *p, size_t i,
                      struct ptd_zmq_pub *out)
{
    const struct publication *pub;

    if (i >= p->n_pub)
        return false;
    pub = &p->pub[i];
    *out = (struct ptd_zmq_pub){ pub_topic_name(pub->topic), pub->address,
                                 pub->hwm };
    return true;
}

/* ---- what happens ---------------------------------------------------- */

/* Queue a change, or remember how many messages were lost with it. */
static void report(struct ptd_publisher *p, struct change *c)
{
    struct tally would;
    bool queued;

    pub_count(p, &would, c);
    ptd_mutex_lock(&p->mu);
    c->dropped = p->dropped;
    queued = c->n_bytes <= QUEUE_MAX_BYTES - p->n_bytes &&
             ptd_chan_try_send(p->queue, c) == PTD_OK;
    if (queued) {
        p->n_bytes += c->n_bytes;
        p->dropped = (struct tally){ { 0 } };
    } else {
        for (int i = 0; i < N_TOPICS; i++)
            p->dropped.n[i] += would.n[i];
    }
    ptd_mutex_unlock(&p->mu);
    if (queued)
        return;
    ptd_msg_free(c->tx);
    ptd_log_warn_every(60, "Too much waits to be published: some is dropped");
}

void ptd_publisher_tip(struct ptd_publisher *p, const struct ptd_tip_change *t)
{
    struct change c = { .what = CHANGE_TIP, .tip = *t };

    report(p, &c);
}

static size_t tx_bytes(const struct ptd_tx *tx)
{
    struct ptd_writer w;

    if (tx->raw.n > 0)
        return tx->raw.n;
    ptd_writer_init(&w, NULL, 0);
    ptd_write_tx(&w, tx, PTD_ENC_WITNESS);
    return w.n;
}

void ptd_publisher_tx_added(struct ptd_publisher *p,
                            const struct ptd_hash *txid, struct ptd_msg *tx,
                            uint64_t sequence)
{
    struct change c = { .what = CHANGE_ADDED,
                        .txid = *txid,
                        .sequence = sequence };

    if (!p->wants[TOPIC_HASHTX] && !p->wants[TOPIC_RAWTX] &&
        !p->wants[TOPIC_SEQUENCE])
        return;
    if (p->wants[TOPIC_RAWTX]) {
        c.tx = ptd_msg_ref(tx);
        c.n_bytes = tx_bytes(&PTD_MSG_CONST(tx, tx)->tx);
    }
    report(p, &c);
}

void ptd_publisher_tx_removed(struct ptd_publisher *p,
                              const struct ptd_hash *txid, uint64_t sequence)
{
    struct change c = { .what = CHANGE_REMOVED,
                        .txid = *txid,
                        .sequence = sequence };

    if (p->wants[TOPIC_SEQUENCE])
        report(p, &c);
}
