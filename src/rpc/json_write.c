#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rpc/json.h"
#include "rpc/json_int.h"

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
}

/* What Core's writer escapes: controls, the delete character, quotes. */
static void write_string(struct ptd_text *t, const char *s, size_t n)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    ptd_text_puts(t, "\"");
    for (size_t i = 0; i < n;) {
        size_t start = i;
        const char *found;

        while (i < n && is_plain((unsigned char)s[i]))
            i++;
        ptd_text_add(t, s + start, i - start);
        if (i == n)
            break;
        found = s[i] != '\0' ? strchr(from, s[i]) : NULL;
        if (found != NULL)
            ptd_text_printf(t, "\\%c", to[found - from]);
        else
            ptd_text_printf(t, "\\u%04x", (unsigned char)s[i]);
        i++;
    }
    ptd_text_puts(t, "\"");
}

/* As a C++ stream with a precision of 16 does: "1", "0.1", "4.5e-10". */
static void write_real(struct ptd_text *t, double v)
{
    char room[40], *comma;

    snprintf(room, sizeof room, "%.16g", v);
    if ((comma = strchr(room, ',')) != NULL) /* of the locale */
        *comma = '.';
    ptd_text_puts(t, room);
}

static void write_value(struct ptd_text *t, const json_t *v, unsigned indent,
                        unsigned level);

static void new_line(struct ptd_text *t, unsigned indent, unsigned level)
{
    if (indent == 0)
        return;
    ptd_text_puts(t, "\n");
    ptd_text_fill(t, ' ', (size_t)indent * level);
}

static void write_array(struct ptd_text *t, const json_t *v, unsigned indent,
                        unsigned level)
{
    size_t n = json_array_size(v);

    ptd_text_puts(t, "[");
    for (size_t i = 0; i < n; i++) {
        new_line(t, indent, level + 1);
        write_value(t, json_array_get(v, i), indent, level + 1);
        if (i + 1 < n)
            ptd_text_puts(t, ",");
    }
    new_line(t, indent, level);
    ptd_text_puts(t, "]");
}

static void write_object(struct ptd_text *t, const json_t *v, unsigned indent,
                         unsigned level)
{
    size_t left = json_object_size(v);
    void *it;

    ptd_text_puts(t, "{");
    /* jansson's iterators take no const. */
    it = json_object_iter((json_t *)(uintptr_t)v);
    for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        const char *key = json_object_iter_key(it);

        new_line(t, indent, level + 1);
        write_string(t, key, strlen(key));
        ptd_text_puts(t, indent != 0 ? ": " : ":");
        write_value(t, json_object_iter_value(it), indent, level + 1);
        if (--left > 0)
            ptd_text_puts(t, ",");
    }
    new_line(t, indent, level);
    ptd_text_puts(t, "}");
}

static void write_value(struct ptd_text *t, const json_t *v, unsigned indent,
                        unsigned level)
{
    const char *digits = ptd_json_raw_digits(v);

    if (digits != NULL) {
        ptd_text_puts(t, digits);
        return;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT: write_object(t, v, indent, level); break;
    case JSON_ARRAY: write_array(t, v, indent, level); break;
    case JSON_STRING:
        write_string(t, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        ptd_text_printf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL: write_real(t, json_real_value(v)); break;
    case JSON_TRUE: ptd_text_puts(t, "true"); break;
    case JSON_FALSE: ptd_text_puts(t, "false"); break;
    case JSON_NULL: ptd_text_puts(t, "null"); break;
    }
}

void ptd_json_write(struct ptd_text *t, const json_t *v, unsigned indent)
{
    write_value(t, v, indent, 0);
}

void ptd_json_write_plain(struct ptd_text *t, const json_t *v)
{
    if (ptd_json_is(v, PTD_JSON_STRING))
        ptd_text_add(t, json_string_value(v), json_string_length(v));
    else
        write_value(t, v, 0, 0);
}
