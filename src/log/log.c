#include <config.h>

#include "pentad/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/clock.h"
#include "sync/mutex.h"

enum {
    TEXT_ON_STACK = 1024, /* bytes; longer lines are allocated */
    TEXT_MAX = 64 * 1024  /* bytes; what is longer is cut */
};

struct sink {
    ptd_log_sink_fn *fn; /* NULL: the place is free */
    void *arg;
};

/* The log is the process's: the one room with state of its own. */
static struct {
    atomic_int level[PTD_LOG_N_TAGS]; /* minus PTD_LOG_INFO: zero at start */
    _Atomic(struct ptd_clock *) clock;
    atomic_int n_sinks; /* so that silence costs one load */
    struct ptd_mutex mu;
    struct sink sinks[PTD_LOG_MAX_SINKS] PTD_GUARDED_BY(mu);
} the_log = { .mu = { .m = PTHREAD_MUTEX_INITIALIZER, .rank = PTD_RANK_LOG } };

static const struct {
    const char *name, *category;
} tags[] = {
#define X(tag, category) { #tag, category },
    PTD_LOG_TAGS(X)
#undef X
};

/* ---- levels --------------------------------------------------------- */

bool ptd_log_is_on(enum ptd_log_tag tag, enum ptd_log_level level)
{
    return atomic_load_explicit(&the_log.n_sinks, memory_order_relaxed) != 0 &&
           level <= ptd_log_level_of(tag);
}

enum ptd_log_level ptd_log_level_of(enum ptd_log_tag tag)
{
    return (enum ptd_log_level)(
        PTD_LOG_INFO +
        atomic_load_explicit(&the_log.level[tag], memory_order_relaxed));
}

void ptd_log_set_level(enum ptd_log_tag tag, enum ptd_log_level level)
{
    PTD_ASSERT((unsigned)tag < PTD_LOG_N_TAGS);
    atomic_store_explicit(&the_log.level[tag], (int)level - PTD_LOG_INFO,
                          memory_order_relaxed);
}

void ptd_log_set_level_all(enum ptd_log_level level)
{
    for (int tag = 0; tag < PTD_LOG_N_TAGS; tag++)
        ptd_log_set_level((enum ptd_log_tag)tag, level);
}

enum ptd_err ptd_log_set_category(const char *category,
                                  enum ptd_log_level level)
{
    bool every = strcmp(category, "") == 0 || strcmp(category, "1") == 0 ||
                 strcmp(category, "all") == 0;
    enum ptd_err e = PTD_ENOTFOUND;

    for (int tag = 0; tag < PTD_LOG_N_TAGS; tag++) {
        if (every || strcmp(tags[tag].category, category) == 0) {
            ptd_log_set_level((enum ptd_log_tag)tag, level);
            e = PTD_OK;
        }
    }
    return e;
}

const char *ptd_log_tag_name(enum ptd_log_tag tag)
{
    return (unsigned)tag < PTD_LOG_N_TAGS ? tags[tag].name : "?";
}

const char *ptd_log_tag_category(enum ptd_log_tag tag)
{
    return (unsigned)tag < PTD_LOG_N_TAGS ? tags[tag].category : "?";
}

const char *ptd_log_level_name(enum ptd_log_level level)
{
    switch (level) {
    case PTD_LOG_OFF: return "off";
    case PTD_LOG_ERROR: return "error";
    case PTD_LOG_WARN: return "warning";
    case PTD_LOG_INFO: return "info";
    case PTD_LOG_DEBUG: return "debug";
    case PTD_LOG_TRACE: return "trace";
    }
    return "?";
}

/* ---- sinks ---------------------------------------------------------- */

enum ptd_err ptd_log_add_sink(int *id, ptd_log_sink_fn *fn, void *arg)
{
    enum ptd_err e = PTD_ELIMIT;

    ptd_mutex_lock(&the_log.mu);
    for (int i = 0; i < PTD_LOG_MAX_SINKS && e != PTD_OK; i++) {
        if (the_log.sinks[i].fn != NULL)
            continue;
        the_log.sinks[i] = (struct sink){ fn, arg };
        atomic_fetch_add(&the_log.n_sinks, 1);
        *id = i;
        e = PTD_OK;
    }
    ptd_mutex_unlock(&the_log.mu);
    return e;
}

void ptd_log_remove_sink(int id)
{
    PTD_ASSERT(id >= 0 && id < PTD_LOG_MAX_SINKS);
    ptd_mutex_lock(&the_log.mu);
    if (the_log.sinks[id].fn != NULL) {
        the_log.sinks[id] = (struct sink){ NULL, NULL };
        atomic_fetch_sub(&the_log.n_sinks, 1);
    }
    ptd_mutex_unlock(&the_log.mu);
}

void ptd_log_set_clock(struct ptd_clock *clk)
{
    atomic_store(&the_log.clock, clk);
}

/* ---- one line ------------------------------------------------------- */

static void thread_name(char name[16])
{
    name[0] = '\0';
#ifdef HAVE_SYS_PRCTL_H
    if (prctl(PR_GET_NAME, name, 0, 0, 0) != 0)
        name[0] = '\0';
#endif
}

/* A line is a line: whatever slipped into the text cannot begin another one,
 * nor steer a terminal. */
static void tame(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
}

static void send_line(const struct ptd_log_line *line)
{
    ptd_mutex_lock(&the_log.mu);
    for (size_t i = 0; i < PTD_LOG_MAX_SINKS; i++) {
        const struct sink *s = &the_log.sinks[i];

        if (s->fn != NULL)
            s->fn(line, s->arg);
    }
    ptd_mutex_unlock(&the_log.mu);
}

PTD_PRINTF(3, 0)
static void write_line(const struct ptd_log_site *site, uint32_t n_held_back,
                       const char *format, va_list args)
{
    char on_stack[TEXT_ON_STACK], thread[16], *text = on_stack;
    struct ptd_log_line line;
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(on_stack, sizeof on_stack, format, args);
    if (n >= (int)sizeof on_stack) {
        size_t cap = PTD_MIN((size_t)n + 1, (size_t)TEXT_MAX);

        text = ptd_alloc(cap);
        if (text == NULL)
            text = on_stack; /* cut, but said */
        else
            vsnprintf(text, cap, format, again);
    }
    va_end(again);
    if (n >= 0) {
        tame(text);
        thread_name(thread);
        line = (struct ptd_log_line){
            .site = site,
            .wall_us = ptd_clock_wall_us(atomic_load(&the_log.clock)),
            .thread = thread,
            .text = text,
            .n_held_back = n_held_back,
        };
        send_line(&line);
    }
    if (text != on_stack)
        ptd_free(text);
}

void ptd_log_write(const struct ptd_log_site *site, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(site, 0, format, args);
    va_end(args);
}

void ptd_log_write_held(const struct ptd_log_site *site, uint32_t n_held_back,
                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(site, n_held_back, format, args);
    va_end(args);
}

/* Seconds are compared by their difference, so that they may wrap around.
 * Who moves next_s on is the one who may speak. */
bool ptd_log_limit_pass(struct ptd_log_limit *limit, uint32_t seconds,
                        uint32_t *n_held_back)
{
    int64_t now_us = ptd_clock_now_us(atomic_load(&the_log.clock));
    /* 0 stands for "never spoken". */
    uint32_t now = (uint32_t)(now_us / 1000000) | 1;
    uint32_t next = __atomic_load_n(&limit->next_s, __ATOMIC_RELAXED);
    uint32_t then = (now + seconds) | 1;

    if ((next == 0 || (int32_t)(now - next) >= 0) &&
        __atomic_compare_exchange_n(&limit->next_s, &next, then, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        *n_held_back =
            __atomic_exchange_n(&limit->n_held_back, 0, __ATOMIC_RELAXED);
        return true;
    }
    __atomic_fetch_add(&limit->n_held_back, 1, __ATOMIC_RELAXED);
    return false;
}
