/* Features that both sides announce between version and verack (BIP 434). What
 * a feature means is the business of whoever offers it. */
#include <config.h>

#include "peer/peer_int.h"

#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/util.h"

enum { MIN_ID = 4 /* BIP 434 */ };

static bool is_good(const struct ptd_feature *f)
{
    size_t n = f->id != NULL ? strlen(f->id) : 0;

    for (size_t i = 0; i < n; i++) /* BIP 434: printable ASCII */
        if (f->id[i] < 0x20 || f->id[i] > 0x7e)
            return false;
    return n >= MIN_ID && n <= PTD_MAX_FEATURE_ID &&
           f->n_data <= PTD_MAX_FEATURE_DATA &&
           (f->data != NULL || f->n_data == 0);
}

bool ptd_features_are_good(const struct ptd_peer_config *cfg)
{
    if (cfg->n_features > PTD_MAX_FEATURES ||
        (cfg->n_features > 0 && (!cfg->feature || cfg->features == NULL)))
        return false;
    for (size_t i = 0; i < cfg->n_features; i++)
        if (!is_good(&cfg->features[i]))
            return false;
    return true;
}

static struct ptd_msg *make(const struct ptd_feature *f)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_FEATURE);
    struct ptd_msg_feature *to = (struct ptd_msg_feature *)(void *)m;

    if (m != NULL &&
        ptd_msg_copy_bytes(m, &to->id, f->id, strlen(f->id)) == PTD_OK &&
        ptd_msg_copy_bytes(m, &to->data, f->data, f->n_data) == PTD_OK)
        return m;
    ptd_msg_free(m);
    return NULL;
}

enum ptd_err ptd_features_init(struct ptd_peer *p)
{
    for (size_t i = 0; i < p->cfg.n_features; i++) {
        p->offers[i] = make(&p->cfg.features[i]);
        if (p->offers[i] == NULL)
            return PTD_ENOMEM;
        p->n_offers++;
    }
    p->cfg.features = NULL; /* the caller's */
    return PTD_OK;
}

/* No lock: nobody else has the peer any more. */
PTD_NO_TSA void ptd_features_fini(struct ptd_peer *p)
{
    while (p->n_offers > 0)
        ptd_msg_free(p->offers[--p->n_offers]);
    ptd_free(p->features);
}

void ptd_features_note(struct ptd_peer *p, const struct ptd_msg_feature *m)
{
    char id[PTD_MAX_FEATURE_ID + 1];
    struct ptd_peer_feature *to;

    ptd_escape(id, sizeof id, m->id.p, m->id.n);
    ptd_mutex_lock(&p->stats_mu);
    if (p->features == NULL)
        p->features = ptd_calloc(PTD_MAX_FEATURES, sizeof *p->features);
    if (p->features != NULL && p->n_features < PTD_MAX_FEATURES) {
        to = &p->features[p->n_features];
        memcpy(to->id, id, sizeof to->id);
        to->n_data = m->data.n;
    }
    p->n_features++; /* bounded by what may come before verack */
    ptd_mutex_unlock(&p->stats_mu);
}
