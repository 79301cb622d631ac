/* The grammar of bitcoin.conf: lines of "name=value"; "[section]"; what
 * follows a # is a comment; white space around names and values does not
 * count. Source: Bitcoin Core 31.1, doc/bitcoin-conf.md */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/args_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

enum {
    LINE_MAX_BYTES = 65536, /* without its comment */
    SHOWN = 1000            /* bytes of it in a complaint */
};

/* One reading of a file: first to see whether all lines are right, then to take
 * them. */
struct reading {
    struct ptd_args *args;
    const char *file;
    int line_number;
    bool takes;
    char *line;   /* LINE_MAX_BYTES and a NUL */
    char *prefix; /* "regtest."; the same; "" before any section */
    char *key;    /* prefix and name of a setting: room for both */
    struct ptd_complaint *why;
};

static const char blanks[] = " \t\r\n";

/* Take white space off both ends, in place. */
static char *trim(char *s)
{
    size_t n;

    s += strspn(s, blanks);
    n = strlen(s);
    while (n > 0 && strchr(blanks, s[n - 1]) != NULL)
        n--;
    s[n] = '\0';
    return s;
}

/* ---- sections -------------------------------------------------------------- */

static bool is_known_section(const char *name)
{
    static const char *const known[] = { "main", "test", "testnet4", "signet",
                                         "regtest" };

    for (size_t i = 0; i < PTD_COUNT(known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static enum ptd_err note_section(struct reading *r, const char *name)
{
    struct ptd_args *a = r->args;
    struct ptd_section s = { .line = r->line_number }, *v;

    if (!r->takes || is_known_section(name))
        return PTD_OK;
    v = ptd_array_grow(a->sections, &a->sections_cap, a->n_sections + 1,
                       sizeof *v);
    if (v == NULL)
        return PTD_ENOMEM;
    a->sections = v;
    s.name = ptd_strdup(name);
    s.file = ptd_strdup(r->file);
    if (s.name == NULL || s.file == NULL) {
        ptd_free(s.name);
        ptd_free(s.file);
        return PTD_ENOMEM;
    }
    v[a->n_sections++] = s;
    return PTD_OK;
}

static enum ptd_err begin_section(struct reading *r, char *line)
{
    size_t n = strlen(line);
    enum ptd_err e;

    line[n - 1] = '\0';
    e = note_section(r, line + 1);
    line[n - 1] = '.';
    memcpy(r->prefix, line + 1, n); /* with the NUL */
    return e;
}

/* ---- settings -------------------------------------------------------------- */

/* A setting without its section. */
static enum ptd_err take(struct reading *r, const char *section,
                         const char *key, const char *value)
{
    bool negated = strncmp(key, "no", 2) == 0;
    const char *name = key + (negated ? 2 : 0);
    const struct ptd_option *option = ptd_option_of(name);

    if (strcmp(name, "conf") == 0)
        return ptd_complain(r->why,
                            "conf cannot be set in the configuration file; use "
                            "includeconf= if you want to include additional "
                            "config files");
    if (strcmp(name, "reindex") == 0)
        ptd_log_warn("reindex=1 is set in the configuration file, which will "
                     "significantly slow down startup. Consider removing or "
                     "commenting out this option for better performance, "
                     "unless there is currently a condition which makes "
                     "rebuilding the indexes necessary");
    if (option == NULL) {
        ptd_log_warn("Ignoring unknown configuration value %s%s%s", section,
                     *section != '\0' ? "." : "", key);
        return PTD_OK;
    }
    return ptd_args_interpret(r->args, option, negated, PTD_ARG_FILE, section,
                              value, r->why);
}

/* A name may bring a section along, "regtest.port"; what stands before the
 * first dot is the section that counts, what stands before the last is one that
 * should be known. */
static enum ptd_err read_setting(struct reading *r, const char *name,
                                 const char *value)
{
    size_t n_prefix = strlen(r->prefix);
    char *dot, *last;
    enum ptd_err e = PTD_OK;

    if (!r->takes)
        return PTD_OK;
    memcpy(r->key, r->prefix, n_prefix);
    strcpy(r->key + n_prefix, name); /* it has room for both */
    dot = strchr(r->key, '.');
    last = strrchr(r->key, '.');
    if (last != NULL && (size_t)(last - r->key) >= n_prefix) {
        *last = '\0';
        e = note_section(r, r->key);
        *last = '.';
    }
    if (e != PTD_OK || dot == NULL)
        return e == PTD_OK ? take(r, "", r->key, value) : e;
    *dot = '\0';
    return take(r, r->key, dot + 1, value);
}

static enum ptd_err not_a_setting(const struct reading *r, const char *line)
{
    if (strncmp(line, "no", 2) == 0)
        return ptd_complain(r->why,
                            "parse error on line %d: %.*s, if you intended to "
                            "specify a negated option, use %.*s=1 instead",
                            r->line_number, SHOWN, line, SHOWN, line);
    return ptd_complain(r->why, "parse error on line %d: %.*s", r->line_number,
                        SHOWN, line);
}

/* r->line, without its comment. */
static enum ptd_err read_line(struct reading *r, bool had_comment)
{
    char *line = trim(r->line), *equals, *name, *value;
    size_t n = strlen(line);

    if (n == 0)
        return PTD_OK;
    if (line[0] == '[' && line[n - 1] == ']')
        return begin_section(r, line);
    if (line[0] == '-')
        return ptd_complain(r->why,
                            "parse error on line %d: %.*s, options in "
                            "configuration file must be specified without "
                            "leading -",
                            r->line_number, SHOWN, line);
    if ((equals = strchr(line, '=')) == NULL)
        return not_a_setting(r, line);
    *equals = '\0';
    name = trim(line);
    value = trim(equals + 1);
    if (had_comment && strstr(name, "rpcpassword") != NULL)
        return ptd_complain(r->why,
                            "parse error on line %d, using # in rpcpassword "
                            "can be ambiguous and should be avoided",
                            r->line_number);
    return read_setting(r, name, value);
}

/* ---- lines ----------------------------------------------------------------- */

static enum ptd_err read_lines(struct reading *r, const char *text, size_t n)
{
    const char *end = text + n;

    r->line_number = 0;
    r->prefix[0] = '\0';
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((eol != NULL ? eol : end) - text);
        const char *hash = memchr(text, '#', len);
        size_t used = hash != NULL ? (size_t)(hash - text) : len;
        enum ptd_err e;

        r->line_number++;
        if (used > LINE_MAX_BYTES || memchr(text, '\0', used) != NULL)
            return ptd_complain(
                r->why, "parse error on line %d: %s", r->line_number,
                used > LINE_MAX_BYTES ? "line too long" : "zero byte");
        memcpy(r->line, text, used);
        r->line[used] = '\0';
        if ((e = read_line(r, hash != NULL)) != PTD_OK)
            return e;
        text += len + (eol != NULL);
    }
    return PTD_OK;
}

enum ptd_err ptd_args_read_conf(struct ptd_args *a, const char *file,
                                const char *text, size_t n,
                                struct ptd_complaint *why)
{
    struct reading r = { .args = a, .file = file, .why = why };
    enum ptd_err e = PTD_ENOMEM;

    /* It would hide the first setting, perhaps the network. */
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return ptd_complain(why, "parse error on line 1: the file begins with "
                                 "a byte order mark; save it without one");
    r.line = ptd_alloc(LINE_MAX_BYTES + 1);
    r.prefix = ptd_alloc(LINE_MAX_BYTES + 1);
    r.key = ptd_alloc(2 * LINE_MAX_BYTES + 1);
    if (r.line != NULL && r.prefix != NULL && r.key != NULL &&
        (e = read_lines(&r, text, n)) == PTD_OK) {
        r.takes = true;
        e = read_lines(&r, text, n);
    }
    ptd_free(r.line);
    ptd_free(r.prefix);
    ptd_free(r.key);
    return e;
}
