/* A line of debug.log, as Bitcoin Core writes it. */
#include <config.h>

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "log/log_int.h"

/* A text that is appended to, and cut at its end. */
struct text {
    char *p;
    size_t n, cap; /* n < cap */
};

PTD_PRINTF(2, 3)
static void append(struct text *t, const char *format, ...)
{
    size_t room = t->cap - t->n;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->p + t->n, room, format, args);
    va_end(args);
    if (n > 0)
        t->n += PTD_MIN((size_t)n, room - 1);
}

static void append_time(struct text *t, int64_t wall_us, bool micros)
{
    int64_t rest = wall_us % 1000000;
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm;

    if (rest < 0) {
        rest += 1000000;
        seconds--;
    }
    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    append(t, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    if (micros)
        append(t, ".%06d", (int)rest);
    append(t, "Z");
}

static void append_times(struct text *t, const struct ptd_log_line *line,
                         bool micros)
{
    append_time(t, line->wall_us, micros);
    if (line->mock_us != 0) {
        append(t, " (mocktime: ");
        append_time(t, line->mock_us, false);
        append(t, ")");
    }
    append(t, " ");
}

/* Infos, warnings and errors are of no category: whoever reads the log is to
 * see them all. */
static void append_what(struct text *t, const struct ptd_log_site *site,
                        bool always)
{
    const char *category = ptd_log_tag_category(site->tag);
    const char *level = ptd_log_level_name(site->level);

    switch (site->level) {
    case PTD_LOG_OFF: break;
    case PTD_LOG_INFO:
    case PTD_LOG_ERROR:
    case PTD_LOG_WARN:
        if (always)
            append(t, "[all:%s] ", level);
        else if (site->level != PTD_LOG_INFO)
            append(t, "[%s] ", level);
        break;
    case PTD_LOG_DEBUG:
        if (always)
            append(t, "[%s:%s] ", category, level);
        else
            append(t, "[%s] ", category);
        break;
    case PTD_LOG_TRACE: append(t, "[%s:%s] ", category, level); break;
    }
}

const char *ptd_log_short_path(const char *file)
{
    const char *at = strstr(file, "src/");

    return at != NULL ? at + 4 : file;
}

size_t ptd_log_format_line(char *out, size_t cap,
                           const struct ptd_log_format *format,
                           const struct ptd_log_line *line)
{
    /* One byte is kept for the line's end. */
    struct text t = { out, 0, cap - 1 };

    PTD_ASSERT(cap >= 64);
    if (!format->no_time)
        append_times(&t, line, format->micros);
    if (format->threads)
        append(&t, "[%s] ", line->thread[0] != '\0' ? line->thread : "unknown");
    if (format->sources)
        append(&t, "[%s:%d] [%s] ", ptd_log_short_path(line->site->file),
               line->site->line, line->site->function);
    append_what(&t, line->site, format->always_tags);
    append(&t, "%s", line->text);
    if (line->n_held_back > 0)
        append(&t, " (%u like it held back)", (unsigned)line->n_held_back);
    out[t.n++] = '\n';
    out[t.n] = '\0';
    return t.n;
}
