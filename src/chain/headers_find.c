#include <config.h>

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "chain/headers_int.h"

/* The header as on the wire: its parent's hash is with the parent. */
void ptd_headers_encode_locked(const struct ptd_headers *t,
                               const struct node *n,
                               uint8_t out[PTD_HEADER_BYTES])
{
    memset(out, 0, PTD_HEADER_BYTES);
    ptd_put_le32(out, (uint32_t)n->version);
    if (n->parent != NO_NODE)
        memcpy(out + 4, node_locked(t, n->parent)->hash.b, PTD_HASH_BYTES);
    memcpy(out + 36, n->merkle_root.b, PTD_HASH_BYTES);
    ptd_put_le32(out + 68, n->time);
    ptd_put_le32(out + 72, n->bits);
    ptd_put_le32(out + 76, n->nonce);
}

bool ptd_headers_describe_locked(const struct ptd_headers *t,
                                 struct ptd_header_info *out, node_id id)
{
    const struct node *n;

    if (id == NO_NODE)
        return false;
    n = node_locked(t, id);
    out->hash = n->hash;
    out->height = n->height;
    out->on_best = ptd_headers_on_best_locked(t, id);
    out->time = n->time;
    out->bits = n->bits;
    out->median_time = ptd_headers_median_time_locked(t, id);
    out->work = node_work(n);
    ptd_headers_encode_locked(t, n, out->raw);
    return true;
}

bool ptd_headers_find(struct ptd_headers *t, struct ptd_header_info *out,
                      const struct ptd_hash *hash)
{
    bool found;

    ptd_mutex_lock(&t->mu);
    found =
        ptd_headers_describe_locked(t, out, ptd_headers_find_locked(t, hash));
    ptd_mutex_unlock(&t->mu);
    return found;
}

static node_id best_at_locked(const struct ptd_headers *t, uint32_t height)
    PTD_REQUIRES(t->mu)
{
    return height <= node_locked(t, t->tip)->height ? t->best[height] : NO_NODE;
}

bool ptd_headers_at(struct ptd_headers *t, struct ptd_header_info *out,
                    uint32_t height)
{
    bool found;

    ptd_mutex_lock(&t->mu);
    found = ptd_headers_describe_locked(t, out, best_at_locked(t, height));
    ptd_mutex_unlock(&t->mu);
    return found;
}

void ptd_headers_tip(struct ptd_headers *t, struct ptd_header_info *out)
{
    ptd_mutex_lock(&t->mu);
    ptd_headers_describe_locked(t, out, t->tip);
    ptd_mutex_unlock(&t->mu);
}

bool ptd_headers_ancestor(struct ptd_headers *t, struct ptd_header_info *out,
                          const struct ptd_hash *hash, uint32_t height)
{
    node_id id;
    bool found;

    ptd_mutex_lock(&t->mu);
    id = ptd_headers_find_locked(t, hash);
    if (id != NO_NODE)
        id = node_locked(t, id)->height >= height
                 ? ptd_headers_ancestor_locked(t, id, height)
                 : NO_NODE;
    found = ptd_headers_describe_locked(t, out, id);
    ptd_mutex_unlock(&t->mu);
    return found;
}

bool ptd_headers_has(struct ptd_headers *t, const struct ptd_hash *hash)
{
    bool found;

    ptd_mutex_lock(&t->mu);
    found = ptd_headers_find_locked(t, hash) != NO_NODE;
    ptd_mutex_unlock(&t->mu);
    return found;
}

uint32_t ptd_headers_height(struct ptd_headers *t)
{
    uint32_t height;

    ptd_mutex_lock(&t->mu);
    height = node_locked(t, t->tip)->height;
    ptd_mutex_unlock(&t->mu);
    return height;
}

size_t ptd_headers_count(struct ptd_headers *t)
{
    size_t n;

    ptd_mutex_lock(&t->mu);
    n = t->n_nodes;
    ptd_mutex_unlock(&t->mu);
    return n;
}

size_t ptd_headers_count_side(struct ptd_headers *t)
{
    size_t n;

    ptd_mutex_lock(&t->mu);
    n = t->n_nodes - 1 - node_locked(t, t->tip)->height;
    ptd_mutex_unlock(&t->mu);
    return n;
}

size_t ptd_headers_bytes(struct ptd_headers *t)
{
    size_t n;

    ptd_mutex_lock(&t->mu);
    n = sizeof *t + t->n_chunks * sizeof **t->chunks +
        t->n_block_chunks * CHUNK_NODES * sizeof(struct block_state) +
        t->cap_chunks * sizeof *t->chunks + t->table_size * sizeof *t->table +
        t->cap_best * sizeof *t->best;
    ptd_mutex_unlock(&t->mu);
    return n;
}

node_id ptd_headers_fork_locked(const struct ptd_headers *t, node_id a,
                                node_id b)
{
    uint32_t height =
        PTD_MIN(node_locked(t, a)->height, node_locked(t, b)->height);

    a = ptd_headers_ancestor_locked(t, a, height);
    b = ptd_headers_ancestor_locked(t, b, height);
    while (a != b) {
        const struct node *x = node_locked(t, a), *y = node_locked(t, b);

        /* Nodes of one height jump equally far. */
        if (x->jump != y->jump) {
            a = x->jump;
            b = y->jump;
        } else {
            a = x->parent;
            b = y->parent;
        }
    }
    return a;
}

/* ---- getheaders ----------------------------------------------------- */

size_t ptd_headers_locator(struct ptd_headers *t,
                           struct ptd_hash out[PTD_HEADERS_LOCATOR_MAX],
                           const struct ptd_hash *from)
{
    enum { ONE_BY_ONE = 10 };
    uint32_t height, step = 1;
    node_id id = NO_NODE;
    size_t n = 0;

    ptd_mutex_lock(&t->mu);
    if (from != NULL)
        id = ptd_headers_find_locked(t, from);
    if (id == NO_NODE)
        id = t->tip;
    height = node_locked(t, id)->height;
    for (;;) {
        PTD_ASSERT(n < PTD_HEADERS_LOCATOR_MAX); /* 2^32 heights need 43 */
        out[n++] = node_locked(t, id)->hash;
        if (height == 0)
            break;
        if (n > ONE_BY_ONE && step <= UINT32_MAX / 2)
            step *= 2;
        height = height > step ? height - step : 0;
        id = ptd_headers_ancestor_locked(t, id, height);
    }
    ptd_mutex_unlock(&t->mu);
    return n;
}

/* The height of the first header that a getheaders asks for; above the tip's
 * if there is none. */
static uint32_t first_asked_locked(const struct ptd_headers *t,
                                   const struct ptd_hash *locator,
                                   size_t n_locator) PTD_REQUIRES(t->mu)
{
    for (size_t i = 0; i < n_locator; i++) {
        node_id id = ptd_headers_find_locked(t, &locator[i]);

        if (id != NO_NODE && ptd_headers_on_best_locked(t, id))
            return node_locked(t, id)->height + 1;
    }
    return 1; /* the peer has the genesis block, or it is no peer */
}

static size_t copy_locked(const struct ptd_headers *t, uint8_t *out, size_t max,
                          uint32_t height, const struct ptd_hash *stop)
    PTD_REQUIRES(t->mu)
{
    size_t n = 0;
    node_id id;

    while (n < max && (id = best_at_locked(t, height)) != NO_NODE) {
        const struct node *at = node_locked(t, id);

        ptd_headers_encode_locked(t, at, out + n * PTD_HEADER_BYTES);
        n++;
        height++;
        if (ptd_hash_eq(&at->hash, stop))
            break;
    }
    return n;
}

size_t ptd_headers_after(struct ptd_headers *t, uint8_t *out, size_t max,
                         const struct ptd_hash *locator, size_t n_locator,
                         const struct ptd_hash *stop)
{
    size_t n = 0;
    node_id id;

    ptd_mutex_lock(&t->mu);
    if (n_locator > 0) {
        n = copy_locked(t, out, max, first_asked_locked(t, locator, n_locator),
                        stop);
    } else {
        id = ptd_headers_find_locked(t, stop);
        if (max > 0 && id != NO_NODE && ptd_headers_on_best_locked(t, id)) {
            ptd_headers_encode_locked(t, node_locked(t, id), out);
            n = 1;
        }
    }
    ptd_mutex_unlock(&t->mu);
    return n;
}
