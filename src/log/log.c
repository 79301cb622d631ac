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
#include "log/log_int.h"
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
    bool enabled[PTD_LOG_N_CATEGORIES] PTD_GUARDED_BY(mu);
    /* Of enum ptd_log_level, plus one: zero is "none of its own". */
    int own_threshold[PTD_LOG_N_CATEGORIES] PTD_GUARDED_BY(mu);
    int threshold PTD_GUARDED_BY(mu); /* minus PTD_LOG_DEBUG */
} the_log = { .mu = { .m = PTHREAD_MUTEX_INITIALIZER, .rank = PTD_RANK_LOG } };

static const char *const categories[] = {
#define X(name, text) [PTD_LOGC_##name] = text,
    PTD_LOG_CATEGORIES(X)
#undef X
};

static const struct {
    const char *name;
    enum ptd_log_category category;
} tags[] = {
#define X(tag, category) { #tag, PTD_LOGC_##category },
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

/* ---- categories ----------------------------------------------------- */

static bool is_every(const char *category)
{
    return strcmp(category, "") == 0 || strcmp(category, "1") == 0 ||
           strcmp(category, "all") == 0;
}

/* PTD_LOG_N_CATEGORIES if there is none of this name. */
static size_t find_category(const char *category)
{
    size_t i = 0;

    while (i < PTD_LOG_N_CATEGORIES && strcmp(categories[i], category) != 0)
        i++;
    return i;
}

/* Give each tag the level that follows from its category. */
static void settle_levels_locked(void) PTD_REQUIRES(the_log.mu)
{
    for (size_t tag = 0; tag < PTD_LOG_N_TAGS; tag++) {
        size_t c = tags[tag].category;
        int level = PTD_LOG_INFO;

        if (the_log.enabled[c])
            level = the_log.own_threshold[c] != 0
                        ? the_log.own_threshold[c] - 1
                        : the_log.threshold + PTD_LOG_DEBUG;
        ptd_log_set_level((enum ptd_log_tag)tag, (enum ptd_log_level)level);
    }
}

static enum ptd_err enable(const char *category, bool enabled)
{
    bool every = is_every(category);
    size_t found = find_category(category);

    if (!every && found == PTD_LOG_N_CATEGORIES)
        return PTD_ENOTFOUND;
    ptd_mutex_lock(&the_log.mu);
    for (size_t i = 0; i < PTD_LOG_N_CATEGORIES; i++)
        if (every || i == found)
            the_log.enabled[i] = enabled;
    settle_levels_locked();
    ptd_mutex_unlock(&the_log.mu);
    return PTD_OK;
}

enum ptd_err ptd_log_enable(const char *category)
{
    return enable(category, true);
}

enum ptd_err ptd_log_disable(const char *category)
{
    return enable(category, false);
}

void ptd_log_set_threshold(enum ptd_log_level level)
{
    ptd_mutex_lock(&the_log.mu);
    the_log.threshold = (int)level - PTD_LOG_DEBUG;
    settle_levels_locked();
    ptd_mutex_unlock(&the_log.mu);
}

enum ptd_err ptd_log_set_category_threshold(const char *category,
                                            enum ptd_log_level level)
{
    size_t found = find_category(category);

    if (is_every(category))
        return PTD_OK;
    if (found == PTD_LOG_N_CATEGORIES)
        return PTD_ENOTFOUND;
    ptd_mutex_lock(&the_log.mu);
    the_log.own_threshold[found] = (int)level + 1;
    settle_levels_locked();
    ptd_mutex_unlock(&the_log.mu);
    return PTD_OK;
}

void ptd_log_reset_levels(void)
{
    ptd_mutex_lock(&the_log.mu);
    for (size_t i = 0; i < PTD_LOG_N_CATEGORIES; i++) {
        the_log.enabled[i] = false;
        the_log.own_threshold[i] = 0;
    }
    the_log.threshold = 0;
    settle_levels_locked();
    ptd_mutex_unlock(&the_log.mu);
}

const char *ptd_log_category_at(size_t i, bool *is_enabled)
{
    if (i >= PTD_LOG_N_CATEGORIES)
        return NULL;
    ptd_mutex_lock(&the_log.mu);
    *is_enabled = the_log.enabled[i];
    ptd_mutex_unlock(&the_log.mu);
    return categories[i];
}

bool ptd_log_is_any_enabled(void)
{
    bool any = false, is_enabled;

    for (size_t i = 0; ptd_log_category_at(i, &is_enabled) != NULL; i++)
        any |= is_enabled;
    return any;
}

/* ---- names ---------------------------------------------------------- */

const char *ptd_log_tag_name(enum ptd_log_tag tag)
{
    return (unsigned)tag < PTD_LOG_N_TAGS ? tags[tag].name : "?";
}

const char *ptd_log_tag_category(enum ptd_log_tag tag)
{
    return (unsigned)tag < PTD_LOG_N_TAGS ? categories[tags[tag].category]
                                          : "?";
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

void ptd_log_hold(void (*fn)(void *), void *arg)
{
    ptd_mutex_lock(&the_log.mu);
    fn(arg);
    ptd_mutex_unlock(&the_log.mu);
}

int64_t ptd_log_now_us(void)
{
    return ptd_clock_now_us(atomic_load(&the_log.clock));
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

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* A line is a line: whatever slipped into the text cannot begin another one,
 * nor steer a terminal. Gives the text, or one with escapes from malloc; for
 * lack of memory the text with question marks. */
static char *tame(char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strlen(text), n_controls = 0, size;
    char *out, *at;

    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        n_controls += is_control(text[i]);
    if (n_controls == 0)
        return text;
    size = n + 3 * n_controls + 1;
    at = out = ptd_alloc(size);
    for (size_t i = 0; i < n; i++) {
        if (out == NULL && is_control(text[i])) {
            text[i] = '?';
        } else if (out != NULL && is_control(text[i])) {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = digits[(unsigned char)text[i] >> 4];
            *at++ = digits[(unsigned char)text[i] & 15];
        } else if (out != NULL) {
            *at++ = text[i];
        }
    }
    if (out == NULL)
        return text;
    *at = '\0';
    return out;
}

/* What a clock shows that was set by hand; 0: it was not. */
static int64_t mock_time_us(void)
{
    struct ptd_clock *clk = atomic_load(&the_log.clock);

    return clk != NULL && ptd_clock_is_virtual(clk) ? ptd_clock_wall_us(clk)
                                                    : 0;
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
    char on_stack[TEXT_ON_STACK], thread[16], *text = on_stack, *tamed;
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
        tamed = tame(text);
        thread_name(thread);
        line = (struct ptd_log_line){
            .site = site,
            .wall_us = ptd_clock_wall_us(NULL),
            .thread = thread,
            .text = tamed,
            .n_held_back = n_held_back,
            .mock_us = mock_time_us(),
        };
        send_line(&line);
        if (tamed != text)
            ptd_free(tamed);
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
    int64_t now_us = ptd_log_now_us();
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
