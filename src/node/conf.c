/* The grammar of bitcoin.conf: lines of "name=value"; "[section]"; what
 * follows a # is a comment; white space around names and values does not
 * count. Source: Bitcoin Core, doc/bitcoin-conf.md */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "node/args.h"

static const char blanks[] = " \f\n\r\t\v";

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

static enum ptd_err read_section(char *section, size_t cap, const char *line,
                                 size_t n, int number,
                                 struct ptd_complaint *why)
{
    if (n - 2 >= cap)
        return ptd_complain(why, "parse error on line %d: section too long",
                            number);
    memcpy(section, line + 1, n - 2);
    section[n - 2] = '\0';
    return PTD_OK;
}

/* One line without its comment. */
static enum ptd_err read_line(struct ptd_args *a, char *section, size_t cap,
                              char *line, int number, bool had_comment,
                              struct ptd_complaint *why)
{
    char *equals, *name, *value;
    size_t n;

    line = trim(line);
    n = strlen(line);
    if (n == 0)
        return PTD_OK;
    if (line[0] == '[' && line[n - 1] == ']')
        return read_section(section, cap, line, n, number, why);
    if (line[0] == '-')
        return ptd_complain(why,
                            "parse error on line %d: %s, options in "
                            "configuration file must be specified without "
                            "leading -",
                            number, line);
    equals = strchr(line, '=');
    if (equals == NULL && strncmp(line, "no", 2) == 0)
        return ptd_complain(why,
                            "parse error on line %d: %s, if you intended to "
                            "specify a negated option, use %s=1 instead",
                            number, line, line);
    if (equals == NULL)
        return ptd_complain(why, "parse error on line %d: %s", number, line);
    *equals = '\0';
    name = trim(line);
    value = trim(equals + 1);
    if (had_comment && strstr(name, "rpcpassword") != NULL)
        return ptd_complain(why,
                            "parse error on line %d, using # in rpcpassword "
                            "can be ambiguous and should be avoided",
                            number);
    return ptd_args_add(a, PTD_ARG_FILE, section, name, value, why);
}

enum ptd_err ptd_args_read_conf(struct ptd_args *a, const char *text, size_t n,
                                struct ptd_complaint *why)
{
    char section[64] = "", line[1024];
    const char *end = text + n;
    int number = 0;

    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((eol != NULL ? eol : end) - text);
        const char *hash = memchr(text, '#', len);
        size_t used = hash != NULL ? (size_t)(hash - text) : len;
        enum ptd_err e;

        number++;
        if (used >= sizeof line || memchr(text, '\0', used) != NULL)
            return ptd_complain(why, "parse error on line %d: %s", number,
                                used >= sizeof line ? "line too long"
                                                    : "zero byte");
        memcpy(line, text, used);
        line[used] = '\0';
        e = read_line(a, section, sizeof section, line, number, hash != NULL,
                      why);
        if (e != PTD_OK)
            return e;
        text += len + (eol != NULL);
    }
    return PTD_OK;
}
