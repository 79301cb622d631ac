#include <config.h>

#include "connmgr/banfile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

enum {
    FORMAT = 1, /* "version" of an entry */
    /* An entry of ours has some 160 bytes, with its white space; a value that
     * is none of ours may be a warning. */
    ENTRY_MAX_BYTES = 4096,
    OTHER_MAX_BYTES = 65536
};

/* ---- the outer form, by hand -------------------------------------------- */

struct source {
    const char *start, *at, *end;
    char *why; /* PTD_BANFILE_WHY bytes */
};

static enum ptd_err fail(struct source *s, const char *format, ...)
    PTD_PRINTF(2, 3);

static enum ptd_err fail(struct source *s, const char *format, ...)
{
    va_list args;
    int n =
        snprintf(s->why, PTD_BANFILE_WHY, "at byte %td: ", s->at - s->start);

    va_start(args, format);
    vsnprintf(s->why + n, PTD_BANFILE_WHY - (size_t)n, format, args);
    va_end(args);
    return PTD_EBADVALUE;
}

/* The next character that is no white space, 0 at the end. */
static char peek(struct source *s)
{
    while (s->at < s->end && *s->at != '\0' && strchr(" \t\r\n", *s->at))
        s->at++;
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct source *s, char c)
{
    if (peek(s) != c || s->at == s->end)
        return false;
    s->at++;
    return true;
}

/* One value of at most max bytes, and no byte behind it. */
static enum ptd_err take_value(struct source *s, json_t **out, size_t max)
{
    size_t left = (size_t)(s->end - s->at);
    json_error_t error;

    *out = json_loadb(s->at, PTD_MIN(left, max),
                      JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK |
                          JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      &error);
    if (*out == NULL && json_error_code(&error) == json_error_out_of_memory)
        return PTD_ENOMEM;
    if (*out == NULL)
        return fail(s, "%s", error.text);
    s->at += error.position;
    return PTD_OK;
}

/* ---- entries ------------------------------------------------------------ */

struct sink {
    enum ptd_err (*each)(const struct ptd_ban *ban, void *arg);
    void *arg;
};

/* False, and a line in the log, if the entry is to be dropped. */
static bool read_subnet(struct ptd_subnet *out, const json_t *address)
{
    const char *text = json_string_value(address);
    size_t n = json_string_length(address);
    char shown[128];

    if (strlen(text) == n && ptd_subnet_parse(out, text) == PTD_OK)
        return true;
    ptd_log_info("Dropping entry with unparseable address or subnet (%s) from "
                 "ban list",
                 ptd_escape(shown, sizeof shown, text, n));
    return false;
}

static enum ptd_err read_entry(struct source *s, const json_t *entry,
                               const struct sink *to)
{
    const json_t *version = json_object_get(entry, "version");
    const json_t *address = json_object_get(entry, "address");
    const json_t *created = json_object_get(entry, "ban_created");
    const json_t *until = json_object_get(entry, "banned_until");
    struct ptd_ban ban;

    if (!json_is_integer(version))
        return fail(s, "an entry has no \"version\" that is a number");
    if (json_integer_value(version) != FORMAT) {
        ptd_log_info(
            "Dropping entry with unknown version (%" JSON_INTEGER_FORMAT
            ") from ban list",
            json_integer_value(version));
        return PTD_OK;
    }
    if (!json_is_string(address))
        return fail(s, "an entry has no \"address\" that is a text");
    if (!read_subnet(&ban.subnet, address))
        return PTD_OK;
    if (!json_is_integer(created) || !json_is_integer(until))
        return fail(s, "an entry lacks its times");
    ban.created_s = json_integer_value(created);
    ban.until_s = json_integer_value(until);
    return to->each(&ban, to->arg);
}

static enum ptd_err read_entries(struct source *s, const struct sink *to)
{
    if (!take(s, '['))
        return fail(s, "\"banned_nets\" is no array");
    if (take(s, ']'))
        return PTD_OK;
    do {
        json_t *entry;
        enum ptd_err e;

        peek(s);
        e = take_value(s, &entry, ENTRY_MAX_BYTES);
        if (e != PTD_OK)
            return e;
        e = read_entry(s, entry, to);
        json_decref(entry);
        if (e != PTD_OK)
            return e;
    } while (take(s, ','));
    return take(s, ']') ? PTD_OK : fail(s, "the array does not end");
}

/* One key of the file, and its value. */
static enum ptd_err read_member(struct source *s, const struct sink *to,
                                bool *seen)
{
    json_t *key, *other;
    enum ptd_err e;
    bool is_list;

    if (peek(s) != '"')
        return fail(s, "a key is missing");
    if ((e = take_value(s, &key, ENTRY_MAX_BYTES)) != PTD_OK)
        return e;
    is_list = strcmp(json_string_value(key), "banned_nets") == 0;
    json_decref(key);
    if (!take(s, ':'))
        return fail(s, "no value follows the key");
    peek(s);
    if (is_list) {
        if (*seen)
            return fail(s, "a second \"banned_nets\"");
        *seen = true;
        return read_entries(s, to);
    }
    if ((e = take_value(s, &other, OTHER_MAX_BYTES)) == PTD_OK)
        json_decref(other);
    return e;
}

enum ptd_err
ptd_banfile_decode(const char *text, size_t n,
                   enum ptd_err (*each)(const struct ptd_ban *ban, void *arg),
                   void *arg, char *why)
{
    struct source s = { text, text, text + n, why };
    const struct sink to = { each, arg };
    bool seen = false;
    enum ptd_err e;

    if (!take(&s, '{'))
        return fail(&s, "no JSON object");
    if (peek(&s) != '}') {
        do {
            if ((e = read_member(&s, &to, &seen)) != PTD_OK)
                return e;
        } while (take(&s, ','));
    }
    if (!take(&s, '}'))
        return fail(&s, "the object does not end");
    peek(&s);
    if (s.at != s.end)
        return fail(&s, "something follows the object");
    return seen ? PTD_OK : fail(&s, "there is no \"banned_nets\"");
}

/* ---- writing ------------------------------------------------------------ */

static const char head[] =
    "{\n"
    "    \"_warning_\": \"This file is automatically generated and updated by "
    "Pentad. Please do not edit this file while the node is running, as any "
    "changes might be ignored or overwritten.\",\n"
    "    \"banned_nets\": [";
static const char tail[] = "\n    ]\n}\n";

/* Longest entry: punctuation, keys, three numbers, a range. */
enum { ENTRY_TEXT = 160 + 11 + 2 * 21 + PTD_SUBNET_TEXT };

static size_t write_entry(char out[ENTRY_TEXT], const struct ptd_ban *ban,
                          bool first)
{
    char address[PTD_SUBNET_TEXT];
    int n;

    /* No character of an address needs an escape. */
    ptd_subnet_format(&ban->subnet, address, sizeof address);
    n = snprintf(out, ENTRY_TEXT,
                 "%s\n"
                 "        {\n"
                 "            \"version\": %d,\n"
                 "            \"ban_created\": %" PRId64 ",\n"
                 "            \"banned_until\": %" PRId64 ",\n"
                 "            \"address\": \"%s\"\n"
                 "        }",
                 first ? "" : ",", FORMAT, ban->created_s, ban->until_s,
                 address);
    PTD_ASSERT(n > 0 && n < ENTRY_TEXT);
    return (size_t)n;
}

static enum ptd_err append(char **text, size_t *cap, size_t *size,
                           const char *more, size_t n)
{
    char *grown = ptd_array_grow(*text, cap, *size + n, 1);

    if (grown == NULL)
        return PTD_ENOMEM;
    *text = grown;
    memcpy(*text + *size, more, n);
    *size += n;
    return PTD_OK;
}

enum ptd_err ptd_banfile_encode(char **text, size_t *size,
                                const struct ptd_ban *bans, size_t n)
{
    char entry[ENTRY_TEXT];
    size_t cap = 0;
    enum ptd_err e;

    *text = NULL;
    *size = 0;
    e = append(text, &cap, size, head, sizeof head - 1);
    for (size_t i = 0; i < n && e == PTD_OK; i++)
        e = append(text, &cap, size, entry,
                   write_entry(entry, &bans[i], i == 0));
    if (e == PTD_OK)
        e = append(text, &cap, size, tail, sizeof tail - 1);
    if (e != PTD_OK)
        ptd_free(*text);
    return e;
}
