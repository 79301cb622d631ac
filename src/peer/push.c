/* Messages that want some care when they are sent. */
#include <config.h>

#include "peer/peer_int.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(PEER);

/* addr carries IPv4 and IPv6 alone (and no time of its own is needed). */
static bool fits(const struct ptd_addr_entry *a, bool is_v2)
{
    return is_v2 || a->na.net == PTD_NET_IPV4 || a->na.net == PTD_NET_IPV6;
}

/* Reservoir sampling: each of the fitting entries is in the sample with the
 * same chance, none twice. Gives how many. */
static size_t sample(struct ptd_addr_entry *out, size_t max,
                     const struct ptd_addr_entry *list, size_t n, bool is_v2)
{
    size_t seen = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t k;

        if (!fits(&list[i], is_v2))
            continue;
        k = seen++;
        if (k >= max && (k = ptd_random_below(seen)) >= max)
            continue;
        out[k] = list[i];
    }
    return PTD_MIN(seen, max);
}

enum ptd_err ptd_peer_push_addr(struct ptd_peer *p,
                                const struct ptd_addr_entry *list, size_t n,
                                struct ptd_addr_entry *sent, size_t *n_sent)
{
    bool is_v2 = atomic_load_explicit(&p->wants_addrv2, memory_order_relaxed);
    size_t max = PTD_MAX_ADDR_PER_MSG;
    struct ptd_addr_entry *chosen;
    struct ptd_msg *m = NULL;
    enum ptd_err e = PTD_OK;

    if (sent != NULL)
        *n_sent = 0;
    /* Before version 209 a message holds one address. */
    if (atomic_load(&p->pver) < PTD_PVER_MULTIPLE_ADDRESS)
        max = 1;
    if (n == 0)
        return PTD_OK;
    chosen = ptd_alloc_array(PTD_MIN(n, max), sizeof *chosen);
    if (chosen == NULL)
        return PTD_ENOMEM;
    n = sample(chosen, max, list, n, is_v2);
    if (n > 0) {
        m = ptd_msg_new_addr(is_v2 ? PTD_MSG_ADDRV2 : PTD_MSG_ADDR, chosen, n);
        e = m != NULL ? ptd_peer_queue(p, m, NULL) : PTD_ENOMEM;
    }
    if (e == PTD_OK && sent != NULL) {
        memcpy(sent, chosen, n * sizeof *sent);
        *n_sent = n;
    }
    ptd_free(chosen);
    return e;
}

static enum ptd_err push_locator(struct ptd_peer *p, enum ptd_msg_type type,
                                 const struct ptd_hash *locator, size_t n,
                                 const struct ptd_hash *stop)
{
    size_t which = type == PTD_MSG_GETHEADERS;
    struct ptd_hash begin = { { 0 } };
    struct ptd_msg *m;
    enum ptd_err e;
    bool is_again;

    if (n > PTD_MAX_LOCATOR)
        return PTD_ETOOBIG;
    if (n > 0)
        begin = locator[0];
    ptd_mutex_lock(&p->mu);
    is_again = p->has_prev[which] &&
               ptd_hash_eq(&p->prev_begin[which], &begin) &&
               ptd_hash_eq(&p->prev_stop[which], stop);
    ptd_mutex_unlock(&p->mu);
    if (is_again) {
        ptd_log_trace("%s: the same %s again is not sent", p->name,
                      ptd_msg_type_command(type));
        return PTD_OK;
    }
    m = ptd_msg_new_locator(type, p->cfg.pver, locator, n, stop);
    e = m != NULL ? ptd_peer_queue(p, m, NULL) : PTD_ENOMEM;
    if (e == PTD_OK) { /* only what is on its way need not be sent again */
        ptd_mutex_lock(&p->mu);
        p->has_prev[which] = true;
        p->prev_begin[which] = begin;
        p->prev_stop[which] = *stop;
        ptd_mutex_unlock(&p->mu);
    }
    return e;
}

enum ptd_err ptd_peer_push_getblocks(struct ptd_peer *p,
                                     const struct ptd_hash *locator, size_t n,
                                     const struct ptd_hash *stop)
{
    return push_locator(p, PTD_MSG_GETBLOCKS, locator, n, stop);
}

enum ptd_err ptd_peer_push_getheaders(struct ptd_peer *p,
                                      const struct ptd_hash *locator, size_t n,
                                      const struct ptd_hash *stop)
{
    return push_locator(p, PTD_MSG_GETHEADERS, locator, n, stop);
}

enum ptd_err ptd_peer_push_reject(struct ptd_peer *p, const char *command,
                                  enum ptd_reject_code code, const char *reason,
                                  const struct ptd_hash *hash,
                                  enum ptd_reject_wait wait)
{
    struct ptd_chan *done = NULL;
    struct ptd_msg *m;
    enum ptd_err e;

    /* BIP 61: neither older nor newer peers know the message. */
    if (!peer_takes_reject(p))
        return PTD_OK;
    if ((strcmp(command, "tx") == 0 || strcmp(command, "block") == 0) &&
        hash == NULL)
        ptd_log_warn("%s: reject of %s without its hash", p->name, command);
    m = ptd_msg_new_reject(command, code, reason, hash);
    if (m == NULL)
        return PTD_ENOMEM;
    if (wait == PTD_REJECT_WAIT && (done = ptd_chan_new(0, 1)) == NULL) {
        ptd_msg_free(m);
        return PTD_ENOMEM;
    }
    e = ptd_peer_queue(p, m, done);
    if (done != NULL && e != PTD_EFULL)
        (void)!ptd_chan_recv(done, NULL);
    ptd_chan_free(done);
    return e;
}
