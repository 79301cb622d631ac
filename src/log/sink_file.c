#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/log.h"

enum { LINE_MAX_BYTES = 65 * 1024 }; /* a line with all that stands before it */

struct ptd_log_file {
    struct ptd_log_format format; /* set once */
    FILE *stream;                 /* set once; NULL: none */
    char *path;                   /* set once; NULL: no file */
    int sink;                     /* set once */
    atomic_bool reopen;
    int fd;     /* under the log's lock; -1: none */
    char *line; /* under the log's lock: room for one line */
};

/* ---- the format ----------------------------------------------------- */

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
    append(t, "Z ");
}

static void append_category(struct text *t, const struct ptd_log_site *site,
                            bool always)
{
    const char *category = ptd_log_tag_category(site->tag);
    const char *level = ptd_log_level_name(site->level);

    if (always) {
        append(t, "[%s:%s] ", category, level);
        return;
    }
    switch (site->level) {
    case PTD_LOG_OFF:
    case PTD_LOG_INFO: break;
    case PTD_LOG_ERROR:
    case PTD_LOG_WARN: append(t, "[%s] ", level); break;
    case PTD_LOG_DEBUG: append(t, "[%s] ", category); break;
    case PTD_LOG_TRACE: append(t, "[%s:%s] ", category, level); break;
    }
}

/* Sources are shown as the rooms name them, "peer/in.c". */
static const char *short_path(const char *file)
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
        append_time(&t, line->wall_us, format->micros);
    if (format->threads)
        append(&t, "[%s] ", line->thread);
    if (format->sources)
        append(&t, "[%s:%d] [%s] ", short_path(line->site->file),
               line->site->line, line->site->function);
    append_category(&t, line->site, format->always_tags);
    append(&t, "%s", line->text);
    if (line->n_held_back > 0)
        append(&t, " (%u like it held back)", (unsigned)line->n_held_back);
    out[t.n++] = '\n';
    out[t.n] = '\0';
    return t.n;
}

/* ---- the file ------------------------------------------------------- */

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
                S_IRUSR | S_IWUSR);
}

/* A full disk must not end the node: what cannot be written is lost. */
static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void reopen(struct ptd_log_file *f)
{
    int fd = open_log(f->path);

    if (fd < 0)
        return; /* better the old file than none */
    close(f->fd);
    f->fd = fd;
}

static void sink(const struct ptd_log_line *line, void *arg)
{
    struct ptd_log_file *f = arg;
    size_t n = ptd_log_format_line(f->line, LINE_MAX_BYTES, &f->format, line);

    if (f->stream != NULL) {
        fwrite(f->line, 1, n, f->stream);
        fflush(f->stream);
    }
    if (f->fd >= 0) {
        if (atomic_exchange(&f->reopen, false))
            reopen(f);
        write_all(f->fd, f->line, n);
    }
}

static void free_file(struct ptd_log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    ptd_free(f->line);
    ptd_free(f->path);
    ptd_free(f);
}

enum ptd_err ptd_log_file_open(struct ptd_log_file **out, const char *path,
                               FILE *stream,
                               const struct ptd_log_format *format)
{
    struct ptd_log_file *f = ptd_calloc(1, sizeof *f);
    enum ptd_err e = PTD_ENOMEM;
    int saved_errno;

    if (f == NULL)
        return PTD_ENOMEM;
    f->format = *format;
    f->stream = stream;
    f->fd = -1;
    f->line = ptd_alloc(LINE_MAX_BYTES);
    if (f->line == NULL)
        goto fail;
    if (path != NULL) {
        f->path = ptd_strdup(path);
        if (f->path == NULL)
            goto fail;
        e = PTD_EIO;
        f->fd = open_log(path);
        if (f->fd < 0)
            goto fail;
    }
    e = ptd_log_add_sink(&f->sink, sink, f);
    if (e != PTD_OK)
        goto fail;
    *out = f;
    return PTD_OK;

fail:
    saved_errno = errno;
    free_file(f);
    errno = saved_errno;
    return e;
}

void ptd_log_file_reopen(struct ptd_log_file *f)
{
    atomic_store(&f->reopen, true);
}

void ptd_log_file_close(struct ptd_log_file *f)
{
    if (f == NULL)
        return;
    ptd_log_remove_sink(f->sink);
    free_file(f);
}
