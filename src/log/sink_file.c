#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "log/log_int.h"

enum {
    /* A line with all that stands before it. */
    LINE_MAX_BYTES = 65 * 1024,
    MARK_BYTES = 4, /* room for "[*] " in front of it */
    SHRINK_ABOVE = 11 * 1000 * 1000,
    SHRINK_TO = 10 * 1000 * 1000
};

struct ptd_log_file {
    struct ptd_log_format format; /* set once */
    FILE *stream;                 /* set once; NULL: none */
    char *path;                   /* set once; NULL: no file */
    int sink;                     /* set once */
    atomic_bool reopen;
    /* Under the log's lock. */
    int fd;                        /* -1: none */
    char *line;                    /* room for one line */
    struct ptd_log_volume *volume; /* NULL: no limit */
};

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

/* Write one line of n bytes at f->line + MARK_BYTES. */
static void put(struct ptd_log_file *f, size_t n, bool to_file)
{
    char *p = f->line + MARK_BYTES;

    if (f->volume != NULL && ptd_log_volume_is_holding(f->volume)) {
        p = memcpy(f->line, "[*] ", MARK_BYTES);
        n += MARK_BYTES;
    }
    if (f->stream != NULL) {
        fwrite(p, 1, n, f->stream);
        fflush(f->stream);
    }
    if (f->fd >= 0 && to_file) {
        if (atomic_exchange(&f->reopen, false))
            reopen(f);
        write_all(f->fd, p, n);
    }
}

static size_t format(struct ptd_log_file *f, const struct ptd_log_line *line)
{
    return ptd_log_format_line(f->line + MARK_BYTES, LINE_MAX_BYTES, &f->format,
                               line);
}

/* ---- the limit ------------------------------------------------------ */

struct restart {
    struct ptd_log_file *f;
    const struct ptd_log_line *like;
};

static void tell_restart(const struct ptd_log_site *site, uint64_t n_bytes,
                         void *arg)
{
    const struct restart *r = arg;
    char text[512];
    struct ptd_log_line line = PTD_LOG_OWN_LINE(text, r->like);

    snprintf(text, sizeof text,
             "Restarting logging from %s:%d (%s): %" PRIu64
             " bytes were dropped during the last %ds.",
             ptd_log_short_path(site->file), site->line, site->function,
             n_bytes, PTD_LOG_LIMIT_WINDOW_S);
    put(r->f, format(r->f, &line), true);
}

static void tell_suppressed(struct ptd_log_file *f,
                            const struct ptd_log_line *like)
{
    char text[512];
    struct ptd_log_line line = PTD_LOG_OWN_LINE(text, like);

    snprintf(text, sizeof text,
             "Excessive logging detected from %s:%d (%s): >%d bytes logged "
             "during the last time window of %ds. Suppressing logging to disk "
             "from this source location until time window resets. Console "
             "logging unaffected. Last log entry.",
             ptd_log_short_path(like->site->file), like->site->line,
             like->site->function, PTD_LOG_LIMIT_BYTES, PTD_LOG_LIMIT_WINDOW_S);
    put(f, format(f, &line), true);
}

/* Debug and trace are asked for; what is always logged might be provoked. */
static void put_limited(struct ptd_log_file *f, const struct ptd_log_line *line)
{
    struct restart r = { f, line };
    enum ptd_log_verdict verdict = PTD_LOG_PASS;
    size_t n;

    ptd_log_volume_turn(f->volume, ptd_log_now_us(), tell_restart, &r);
    n = format(f, line);
    if (line->site->level <= PTD_LOG_INFO)
        verdict = ptd_log_volume_take(f->volume, line->site, n);
    if (verdict == PTD_LOG_LAST) {
        tell_suppressed(f, line);
        n = format(f, line);
    }
    put(f, n, verdict != PTD_LOG_HOLD);
}

struct change {
    struct ptd_log_file *f;
    struct ptd_log_volume *volume;
    struct ptd_log_early *early;
};

static void set_volume(void *arg)
{
    struct change *c = arg;

    ptd_log_volume_free(c->f->volume);
    c->f->volume = c->volume;
}

enum ptd_err ptd_log_file_limit(struct ptd_log_file *f)
{
    struct change c = { f, ptd_log_volume_new(ptd_log_now_us()), NULL };

    if (c.volume == NULL)
        return PTD_ENOMEM;
    ptd_log_hold(set_volume, &c);
    return PTD_OK;
}

static void sink(const struct ptd_log_line *line, void *arg)
{
    struct ptd_log_file *f = arg;

    if (f->volume != NULL)
        put_limited(f, line);
    else
        put(f, format(f, line), true);
}

/* ---- opening and closing -------------------------------------------- */

static void free_file(struct ptd_log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    ptd_log_volume_free(f->volume);
    ptd_free(f->line);
    ptd_free(f->path);
    ptd_free(f);
}

static enum ptd_err make_file(struct ptd_log_file *f, const char *path)
{
    f->line = ptd_alloc(MARK_BYTES + LINE_MAX_BYTES);
    if (f->line == NULL)
        return PTD_ENOMEM;
    if (path == NULL)
        return PTD_OK;
    f->path = ptd_strdup(path);
    if (f->path == NULL)
        return PTD_ENOMEM;
    f->fd = open_log(path);
    return f->fd >= 0 ? PTD_OK : PTD_EIO;
}

static void write_early(void *arg)
{
    struct change *c = arg;

    if (c->f->fd >= 0)
        write_all(c->f->fd, "\n\n\n\n\n", 5);
    ptd_log_early_replay(c->early, sink, c->f);
}

/* Take what was said before; from then on it comes to us. */
static enum ptd_err begin(struct ptd_log_file *f, struct ptd_log_early *early)
{
    struct change c = { f, NULL, early };
    enum ptd_err e;

    if (early == NULL)
        return ptd_log_add_sink(&f->sink, sink, f);
    ptd_log_early_stop(early);
    if ((e = ptd_log_add_sink(&f->sink, sink, f)) != PTD_OK) {
        (void)!ptd_log_early_resume(early); /* its place was free just now */
        return e;
    }
    ptd_log_hold(write_early, &c);
    ptd_log_early_free(early);
    return PTD_OK;
}

enum ptd_err ptd_log_file_open(struct ptd_log_file **out, const char *path,
                               FILE *stream,
                               const struct ptd_log_format *format,
                               struct ptd_log_early *early)
{
    struct ptd_log_file *f = ptd_calloc(1, sizeof *f);
    enum ptd_err e;
    int saved_errno;

    if (f == NULL)
        return PTD_ENOMEM;
    f->format = *format;
    f->stream = stream;
    f->fd = -1;
    if ((e = make_file(f, path)) == PTD_OK && (e = begin(f, early)) == PTD_OK) {
        *out = f;
        return PTD_OK;
    }
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

/* ---- shrinking ------------------------------------------------------ */

/* Read the last n bytes; gives how many came. */
static size_t read_end(int fd, off_t size, char *p, size_t n)
{
    size_t got = 0;

    while (got < n) {
        ssize_t k = pread(fd, p + got, n - got, size - (off_t)(n - got));

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break;
        got += (size_t)k;
    }
    return got;
}

enum ptd_err ptd_log_shrink_file(const char *path)
{
    enum ptd_err e = PTD_EIO;
    struct stat st;
    size_t n;
    char *p;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return errno == ENOENT ? PTD_OK : PTD_EIO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size <= SHRINK_ABOVE) {
        close(fd);
        return PTD_OK;
    }
    p = ptd_alloc(SHRINK_TO);
    if (p == NULL) {
        close(fd);
        return PTD_ENOMEM;
    }
    n = read_end(fd, st.st_size, p, SHRINK_TO);
    if (n == SHRINK_TO && ftruncate(fd, 0) == 0 &&
        lseek(fd, 0, SEEK_SET) == 0) {
        write_all(fd, p, n);
        e = PTD_OK;
    }
    ptd_free(p);
    close(fd);
    return e;
}
