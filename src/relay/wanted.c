#include <config.h>

#include "relay/wanted.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "crypto/siphash.h"

enum state {
    LATER,   /* its time has not come; in the heap */
    WAITING, /* it may be asked, but another one is */
    READY,   /* it is to be asked now; in its peer's list */
    ASKED,   /* in the heap, until its time is up */
    DONE     /* it answered, or let the time pass */
};

struct thing {
    struct hash_link link; /* in w->things */
    struct wanted_id id;
    struct ptd_link notices; /* struct notice.of_thing */
    uint32_t n_open;         /* of them, those that are not done */
    struct notice *chosen;   /* the one that is ready or asked; NULL: none */
};

struct notice {
    struct ptd_link of_thing, of_peer, ready;
    struct thing *thing;
    struct wanted_peer *peer;
    enum state state;
    uint64_t chance; /* of those that may be asked the highest is */
    int64_t due_us;
    size_t place; /* in the heap, from 1; 0: not there */
};

/* ---- what is due, in a heap -------------------------------------------- */

static void put(struct wanted *w, size_t i, struct notice *n)
{
    w->heap[i] = n;
    n->place = i + 1;
}

static void rise(struct wanted *w, size_t i, struct notice *n)
{
    while (i > 0 && w->heap[(i - 1) / 2]->due_us > n->due_us) {
        put(w, i, w->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(w, i, n);
}

static void sink(struct wanted *w, size_t i, struct notice *n)
{
    for (size_t k; (k = 2 * i + 1) < w->n_heap; i = k) {
        if (k + 1 < w->n_heap && w->heap[k + 1]->due_us < w->heap[k]->due_us)
            k++;
        if (w->heap[k]->due_us >= n->due_us)
            break;
        put(w, i, w->heap[k]);
    }
    put(w, i, n);
}

static void heap_remove(struct wanted *w, struct notice *n)
{
    size_t i = n->place - 1;
    struct notice *last;

    if (n->place == 0)
        return;
    n->place = 0;
    last = w->heap[--w->n_heap];
    if (last == n)
        return;
    if (i > 0 && w->heap[(i - 1) / 2]->due_us > last->due_us)
        rise(w, i, last);
    else
        sink(w, i, last);
}

/* There is room: reserve() came before. */
static void heap_add(struct wanted *w, struct notice *n, int64_t due_us)
{
    n->due_us = due_us;
    rise(w, w->n_heap++, n);
}

/* ---- things -------------------------------------------------------------- */

static uint64_t digest(const struct wanted *w, const struct wanted_id *id)
{
    return ptd_siphash24_hash(w->k0 ^ id->is_wtxid, w->k1, &id->hash);
}

static bool same(const struct wanted_id *a, const struct wanted_id *b)
{
    return a->is_wtxid == b->is_wtxid && ptd_hash_eq(&a->hash, &b->hash);
}

static struct thing *find_thing(struct wanted *w, const struct wanted_id *id)
{
    struct hash_link *l = hashtab_first(&w->things, digest(w, id));

    for (; l != NULL; l = hashtab_next(l)) {
        struct thing *t = PTD_CONTAINER_OF(l, struct thing, link);

        if (same(&t->id, id))
            return t;
    }
    return NULL;
}

static struct notice *find_notice(struct thing *t, const struct wanted_peer *p)
{
    if (t == NULL)
        return NULL;
    PTD_LIST_EACH(n, &t->notices, struct notice, of_thing)
    if (n->peer == p)
        return n;
    return NULL;
}

static struct thing *get_thing(struct wanted *w, const struct wanted_id *id)
{
    struct thing *t = find_thing(w, id);

    if (t != NULL || (t = ptd_calloc(1, sizeof *t)) == NULL)
        return t;
    t->id = *id;
    ptd_list_init(&t->notices);
    hashtab_add(&w->things, &t->link, digest(w, id));
    return t;
}

static void free_notice(struct wanted *w, struct notice *n)
{
    heap_remove(w, n);
    ptd_list_remove(&n->of_thing);
    ptd_list_remove(&n->of_peer);
    ptd_list_remove(&n->ready);
    n->peer->n--;
    n->peer->n_in_flight -= n->state == ASKED;
    ptd_free(n);
}

static void free_thing(struct wanted *w, struct thing *t)
{
    PTD_LIST_EACH_SAFE(n, next, &t->notices, struct notice, of_thing)
    free_notice(w, n);
    hashtab_remove(&w->things, &t->link);
    ptd_free(t);
}

/* ---- choosing ------------------------------------------------------------- */

static struct notice *best(struct thing *t)
{
    struct notice *b = NULL;

    PTD_LIST_EACH(n, &t->notices, struct notice, of_thing)
    if (n->state == WAITING && (b == NULL || n->chance > b->chance))
        b = n;
    return b;
}

/* A better one takes the place of one who is not asked yet. */
static void choose(struct thing *t)
{
    struct notice *n, *old = t->chosen;

    if (old != NULL && old->state == ASKED)
        return;
    if ((n = best(t)) == NULL || (old != NULL && old->chance > n->chance))
        return;
    if (old != NULL) {
        old->state = WAITING;
        ptd_list_remove(&old->ready);
    }
    n->state = READY;
    ptd_list_append(&n->peer->ready, &n->ready);
    t->chosen = n;
}

/* The thing goes with the last one that could be asked: so it may be announced
 * anew. */
static void done(struct wanted *w, struct notice *n)
{
    struct thing *t = n->thing;

    if (n->state == DONE)
        return;
    heap_remove(w, n);
    ptd_list_remove(&n->ready);
    n->peer->n_in_flight -= n->state == ASKED;
    n->state = DONE;
    if (t->chosen == n)
        t->chosen = NULL;
    if (--t->n_open == 0)
        free_thing(w, t);
    else
        choose(t);
}

/* ---- from outside ----------------------------------------------------------- */

bool wanted_init(struct wanted *w)
{
    *w = (struct wanted){ .k0 = ptd_random_u64(), .k1 = ptd_random_u64() };
    return hashtab_init(&w->things);
}

void wanted_fini(struct wanted *w)
{
    hashtab_fini(&w->things);
    ptd_free(w->heap);
}

void wanted_enter(struct wanted *w, struct wanted_peer *p, bool preferred)
{
    (void)w;
    *p =
        (struct wanted_peer){ .preferred = preferred, .key = ptd_random_u64() };
    ptd_list_init(&p->all);
    ptd_list_init(&p->ready);
}

void wanted_leave(struct wanted *w, struct wanted_peer *p)
{
    struct ptd_link *l;

    while ((l = ptd_list_first(&p->all)) != NULL) {
        struct notice *n = PTD_CONTAINER_OF(l, struct notice, of_peer);
        struct thing *t = n->thing;

        if (n->state != DONE && t->n_open == 1) {
            free_thing(w, t);
            continue;
        }
        done(w, n);
        free_notice(w, n);
    }
}

/* Room in the heap for one more. */
static bool reserve(struct wanted *w)
{
    struct notice **grown;

    if (w->n_heap < w->heap_cap)
        return true;
    grown = ptd_array_grow(w->heap, &w->heap_cap, w->n_heap + 1, sizeof *grown);
    if (grown == NULL)
        return false;
    w->heap = grown;
    return true;
}

bool wanted_announce(struct wanted *w, struct wanted_peer *p,
                     const struct wanted_id *id, int64_t from_us)
{
    struct notice *n;
    struct thing *t;

    if (p->n >= WANTED_PER_PEER || find_notice(find_thing(w, id), p) != NULL ||
        !reserve(w))
        return false;
    if ((n = ptd_calloc(1, sizeof *n)) == NULL)
        return false;
    if ((t = get_thing(w, id)) == NULL) {
        ptd_free(n);
        return false;
    }
    n->thing = t;
    n->peer = p;
    n->state = LATER;
    n->chance = ptd_siphash24_hash(w->k0, p->key, &id->hash) >> 1;
    if (p->preferred)
        n->chance |= UINT64_C(1) << 63;
    t->n_open++;
    p->n++;
    ptd_list_append(&t->notices, &n->of_thing);
    ptd_list_append(&p->all, &n->of_peer);
    heap_add(w, n, from_us);
    return true;
}

int64_t wanted_run(struct wanted *w, int64_t now_us)
{
    while (w->n_heap > 0 && w->heap[0]->due_us <= now_us) {
        struct notice *n = w->heap[0];

        if (n->state == ASKED) {
            done(w, n);
            continue;
        }
        heap_remove(w, n);
        n->state = WAITING;
        choose(n->thing);
    }
    return w->n_heap > 0 ? w->heap[0]->due_us : INT64_MAX;
}

size_t wanted_ask(struct wanted *w, struct wanted_peer *p,
                  struct wanted_id *out, size_t max, int64_t until_us)
{
    struct ptd_link *l;
    size_t k = 0;

    while (k < max && (l = ptd_list_first(&p->ready)) != NULL && reserve(w)) {
        struct notice *n = PTD_CONTAINER_OF(l, struct notice, ready);

        ptd_list_remove(l);
        out[k++] = n->thing->id;
        n->state = ASKED;
        p->n_in_flight++;
        heap_add(w, n, until_us);
    }
    return k;
}

bool wanted_answered(struct wanted *w, struct wanted_peer *p,
                     const struct wanted_id *id)
{
    struct notice *n = find_notice(find_thing(w, id), p);
    bool asked;

    if (n == NULL)
        return false;
    asked = n->state == ASKED;
    done(w, n);
    return asked;
}

void wanted_forget(struct wanted *w, const struct wanted_id *id)
{
    struct thing *t = find_thing(w, id);

    if (t != NULL)
        free_thing(w, t);
}

size_t wanted_count(const struct wanted *w)
{
    return w->things.n;
}
