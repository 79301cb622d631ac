/* A sink that remembers lines until a file is open. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "log/log_int.h"

enum { MAX_BYTES = 1000000 };

struct kept {
    struct kept *next;
    struct ptd_log_site site;
    struct ptd_log_line line; /* thread and text point behind */
    size_t size;
    char thread[16];
    char text[];
};

struct ptd_log_early {
    int sink; /* -1: stopped */
    /* Under the log's lock. */
    struct kept *first, *last;
    size_t n_bytes;
    unsigned n_forgotten;
};

static void forget_first(struct ptd_log_early *e)
{
    struct kept *k = e->first;

    e->first = k->next;
    if (e->first == NULL)
        e->last = NULL;
    e->n_bytes -= k->size;
    e->n_forgotten++;
    ptd_free(k);
}

static void keep(const struct ptd_log_line *line, void *arg)
{
    struct ptd_log_early *e = arg;
    size_t n = strlen(line->text) + 1;
    struct kept *k = ptd_calloc(1, sizeof *k + n);

    if (k == NULL) {
        e->n_forgotten++;
        return;
    }
    k->site = *line->site;
    k->line = *line;
    k->line.site = &k->site;
    snprintf(k->thread, sizeof k->thread, "%s", line->thread);
    memcpy(k->text, line->text, n);
    k->line.thread = k->thread;
    k->line.text = k->text;
    k->size = sizeof *k + n;
    if (e->last != NULL)
        e->last->next = k;
    else
        e->first = k;
    e->last = k;
    e->n_bytes += k->size;
    while (e->n_bytes > MAX_BYTES)
        forget_first(e);
}

enum ptd_err ptd_log_early_resume(struct ptd_log_early *e)
{
    return ptd_log_add_sink(&e->sink, keep, e);
}

enum ptd_err ptd_log_early_start(struct ptd_log_early **out)
{
    struct ptd_log_early *e = ptd_calloc(1, sizeof *e);
    enum ptd_err err;

    if (e == NULL)
        return PTD_ENOMEM;
    e->sink = -1;
    if ((err = ptd_log_early_resume(e)) != PTD_OK) {
        ptd_free(e);
        return err;
    }
    *out = e;
    return PTD_OK;
}

void ptd_log_early_stop(struct ptd_log_early *e)
{
    if (e->sink >= 0)
        ptd_log_remove_sink(e->sink);
    e->sink = -1;
}

void ptd_log_early_replay(struct ptd_log_early *e, ptd_log_sink_fn *fn,
                          void *arg)
{
    char text[96];

    if (e->n_forgotten > 0 && e->first != NULL) {
        struct ptd_log_line line = PTD_LOG_OWN_LINE(text, &e->first->line);
        struct ptd_log_site site = *line.site;

        site.level = PTD_LOG_INFO;
        line.site = &site;
        snprintf(text, sizeof text,
                 "Early logging buffer overflowed, %u log lines discarded.",
                 e->n_forgotten);
        fn(&line, arg);
    }
    for (const struct kept *k = e->first; k != NULL; k = k->next)
        fn(&k->line, arg);
}

void ptd_log_early_free(struct ptd_log_early *e)
{
    if (e == NULL)
        return;
    ptd_log_early_stop(e);
    while (e->first != NULL)
        forget_first(e);
    ptd_free(e);
}
