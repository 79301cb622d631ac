/* How many bytes each call site has written in the current window.
 *
 * There are as many sites as calls in the program's text, so the table grows
 * to that size and no further. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "log/log_int.h"

#define WINDOW_US (INT64_C(1000000) * PTD_LOG_LIMIT_WINDOW_S)

enum { N_BUCKETS = 256 };

struct volume {
    struct ptd_log_site site; /* its texts are static */
    uint64_t n_left;          /* bytes that may still be written */
    uint64_t n_held;          /* bytes that were not */
    struct volume *next;
};

struct ptd_log_volume {
    int64_t until_us; /* end of the window */
    bool is_holding;
    struct volume *bucket[N_BUCKETS];
};

struct ptd_log_volume *ptd_log_volume_new(int64_t now_us)
{
    struct ptd_log_volume *v = ptd_calloc(1, sizeof *v);

    if (v != NULL)
        v->until_us = now_us + WINDOW_US;
    return v;
}

void ptd_log_volume_free(struct ptd_log_volume *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < N_BUCKETS; i++)
        for (struct volume *e = v->bucket[i], *next; e != NULL; e = next) {
            next = e->next;
            ptd_free(e);
        }
    ptd_free(v);
}

static struct volume *find(struct ptd_log_volume *v,
                           const struct ptd_log_site *site)
{
    struct volume **head = &v->bucket[(unsigned)site->line % N_BUCKETS], *e;

    for (e = *head; e != NULL; e = e->next)
        if (e->site.line == site->line && strcmp(e->site.file, site->file) == 0)
            return e;
    e = ptd_calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->site = *site;
    e->n_left = PTD_LOG_LIMIT_BYTES;
    e->next = *head;
    *head = e;
    return e;
}

enum ptd_log_verdict ptd_log_volume_take(struct ptd_log_volume *v,
                                         const struct ptd_log_site *site,
                                         size_t n)
{
    struct volume *e = find(v, site);
    bool was_held;

    if (e == NULL)
        return PTD_LOG_PASS; /* no memory: better a line too many */
    if (n <= e->n_left && e->n_held == 0) {
        e->n_left -= n;
        return PTD_LOG_PASS;
    }
    was_held = e->n_held > 0;
    e->n_left = 0;
    e->n_held += n;
    v->is_holding = true;
    return was_held ? PTD_LOG_HOLD : PTD_LOG_LAST;
}

bool ptd_log_volume_is_holding(const struct ptd_log_volume *v)
{
    return v->is_holding;
}

void ptd_log_volume_turn(struct ptd_log_volume *v, int64_t now_us,
                         void (*tell)(const struct ptd_log_site *site,
                                      uint64_t n_bytes, void *arg),
                         void *arg)
{
    if (now_us < v->until_us)
        return;
    v->until_us = now_us + WINDOW_US;
    v->is_holding = false;
    for (size_t i = 0; i < N_BUCKETS; i++)
        for (struct volume *e = v->bucket[i]; e != NULL; e = e->next) {
            uint64_t held = e->n_held;

            e->n_left = PTD_LOG_LIMIT_BYTES;
            e->n_held = 0;
            if (held > 0)
                tell(&e->site, held, arg);
        }
}
