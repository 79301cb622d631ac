#include <config.h>

#include "rpc/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/json_int.h"

struct reader {
    const char *at;
    const char *end;
    unsigned flags;
    size_t n_values;
    struct ptd_text string; /* the one being read */
    struct ptd_json_doc *doc;
    enum ptd_err err; /* the first */
};

static json_t *fail(struct reader *r, enum ptd_err e)
{
    if (r->err == PTD_OK)
        r->err = e;
    return NULL;
}

static json_t *made(struct reader *r, json_t *v)
{
    return v != NULL ? v : fail(r, PTD_ENOMEM);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && strchr(" \t\n\r", *r->at) != NULL && *r->at != 0)
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* ---- strings -------------------------------------------------------------- */

static bool hex4(struct reader *r, unsigned *out)
{
    unsigned v = 0;

    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;

        if (c >= '0' && c <= '9')
            v = v * 16 + (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (unsigned)(c - 'A' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

static void put_utf8(struct ptd_text *t, unsigned c)
{
    char b[4];

    if (c < 0x80) {
        b[0] = (char)c;
        ptd_text_add(t, b, 1);
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6);
        b[1] = (char)(0x80 | (c & 0x3f));
        ptd_text_add(t, b, 2);
    } else if (c < 0x10000) {
        b[0] = (char)(0xe0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 0x3f));
        b[2] = (char)(0x80 | (c & 0x3f));
        ptd_text_add(t, b, 3);
    } else {
        b[0] = (char)(0xf0 | c >> 18);
        b[1] = (char)(0x80 | (c >> 12 & 0x3f));
        b[2] = (char)(0x80 | (c >> 6 & 0x3f));
        b[3] = (char)(0x80 | (c & 0x3f));
        ptd_text_add(t, b, 4);
    }
}

/* Behind "\u". RFC 8259 section 7: beyond the basic plane in two halves. */
static bool read_unicode(struct reader *r)
{
    unsigned c, low;

    if (!hex4(r, &c) || (c >= 0xdc00 && c <= 0xdfff))
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!take(r, '\\') || !take(r, 'u') || !hex4(r, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(&r->string, c);
    return true;
}

/* Behind a backslash. */
static bool read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->at == r->end || *r->at == '\0')
        return false;
    if (take(r, 'u'))
        return read_unicode(r);
    if ((found = strchr(from, *r->at)) == NULL)
        return false;
    r->at++;
    ptd_text_add(&r->string, &to[found - from], 1);
    return true;
}

/* Behind the first quote: leaves the string in r->string. */
static bool read_string(struct reader *r)
{
    r->string.n = 0;
    for (;;) {
        const char *from = r->at;

        while (r->at < r->end && *r->at != '"' && *r->at != '\\' &&
               (unsigned char)*r->at >= 0x20)
            r->at++;
        ptd_text_add(&r->string, from, (size_t)(r->at - from));
        if (take(r, '"'))
            break;
        if (!take(r, '\\') || !read_escape(r)) {
            (void)fail(r, PTD_EINVAL);
            return false;
        }
    }
    if (r->string.failed) {
        (void)fail(r, PTD_ENOMEM);
        return false;
    }
    if (!ptd_utf8_is_valid(r->string.v, r->string.n)) {
        (void)fail(r, PTD_EINVAL);
        return false;
    }
    return true;
}

/* ---- numbers -------------------------------------------------------------- */

static size_t n_digits(const char *s, const char *end)
{
    const char *at = s;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - s);
}

/* RFC 8259 section 6. */
size_t ptd_json_scan_number(const char *s, size_t n, bool *whole)
{
    const char *at = s, *end = s + n;
    size_t digits;

    *whole = true;
    if (at < end && *at == '-')
        at++;
    digits = n_digits(at, end);
    if (digits == 0 || (digits > 1 && *at == '0'))
        return 0;
    at += digits;
    if (at < end && *at == '.') {
        *whole = false;
        if ((digits = n_digits(at + 1, end)) == 0)
            return 0;
        at += 1 + digits;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        *whole = false;
        at++;
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if ((digits = n_digits(at, end)) == 0)
            return 0;
        at += digits;
    }
    return (size_t)(at - s);
}

static json_t *read_number(struct reader *r, bool keep)
{
    bool whole;
    size_t n = ptd_json_scan_number(r->at, (size_t)(r->end - r->at), &whole);
    json_t *raw;
    int64_t v;

    if (n == 0)
        return fail(r, PTD_EINVAL);
    raw = ptd_json_raw_number(r->at, n);
    r->at += n;
    if (raw == NULL)
        return fail(r, PTD_ENOMEM);
    if (!keep && whole && ptd_json_to_int(raw, &v)) {
        json_decref(raw);
        return made(r, json_integer(v));
    }
    return raw;
}

/* ---- values --------------------------------------------------------------- */

static json_t *read_value(struct reader *r, unsigned depth, bool keep);

static json_t *read_array(struct reader *r, unsigned depth)
{
    json_t *a = made(r, json_array()), *v;

    skip_space(r);
    if (a == NULL || take(r, ']'))
        return a;
    do {
        if ((v = read_value(r, depth, false)) == NULL)
            goto fail;
        if (json_array_append_new(a, v) != 0) {
            (void)fail(r, PTD_ENOMEM);
            goto fail;
        }
        skip_space(r);
    } while (take(r, ','));
    if (take(r, ']'))
        return a;
    (void)fail(r, PTD_EINVAL);

fail:
    json_decref(a);
    return NULL;
}

/* Only objects at the top, in a batch, or a request's params are asked for.
 *
 * noted    whether the object has one that counts already
 */
static bool note_repeat(struct reader *r, const json_t *o, unsigned depth,
                        const char *key, bool *noted)
{
    struct ptd_json_doc *d = r->doc;
    struct ptd_json_repeat *v;

    if (depth > 3 || *noted)
        return true;
    *noted = true;
    v = ptd_array_grow(d->repeats, &d->cap_repeats, d->n_repeats + 1,
                       sizeof *v);
    if (v == NULL)
        return false;
    d->repeats = v;
    v += d->n_repeats;
    v->object = o;
    if ((v->key = ptd_strdup(key)) == NULL)
        return false;
    d->n_repeats++;
    return true;
}

/* A member, from its key's quote on. */
static bool read_member(struct reader *r, json_t *o, unsigned depth,
                        bool *noted)
{
    bool keep, there;
    char *key;
    json_t *v;
    int done;

    if (!take(r, '"')) {
        (void)fail(r, PTD_EINVAL);
        return false;
    }
    if (!read_string(r))
        return false;
    if (memchr(r->string.v, '\0', r->string.n) != NULL) {
        (void)fail(r, PTD_EINVAL);
        return false;
    }
    if ((key = ptd_strdup(r->string.v)) == NULL) {
        (void)fail(r, PTD_ENOMEM);
        return false;
    }
    keep =
        (r->flags & PTD_JSON_KEEP_IDS) && depth <= 2 && strcmp(key, "id") == 0;
    skip_space(r);
    v = take(r, ':') ? read_value(r, depth, keep) : fail(r, PTD_EINVAL);
    if (v == NULL) {
        ptd_free(key);
        return false;
    }
    there = json_object_get(o, key) != NULL;
    if (there) {
        done = note_repeat(r, o, depth, key, noted) ? 0 : -1;
        json_decref(v);
    } else {
        done = json_object_set_new_nocheck(o, key, v);
    }
    ptd_free(key);
    if (done != 0)
        (void)fail(r, PTD_ENOMEM);
    return done == 0;
}

static json_t *read_object(struct reader *r, unsigned depth)
{
    json_t *o = made(r, json_object());
    bool noted = false;

    skip_space(r);
    if (o == NULL || take(r, '}'))
        return o;
    do {
        skip_space(r);
        if (!read_member(r, o, depth, &noted))
            goto fail;
        skip_space(r);
    } while (take(r, ','));
    if (take(r, '}'))
        return o;
    (void)fail(r, PTD_EINVAL);

fail:
    json_decref(o);
    return NULL;
}

static json_t *read_word(struct reader *r)
{
    static const char *const words[] = { "null", "true", "false" };
    size_t left = (size_t)(r->end - r->at);

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);

        if (left >= n && memcmp(r->at, words[i], n) == 0) {
            r->at += n;
            return i == 0 ? json_null() : json_boolean(i == 1);
        }
    }
    return fail(r, PTD_EINVAL);
}

/* depth: how many arrays and objects it lies in. */
static json_t *read_value(struct reader *r, unsigned depth, bool keep)
{
    skip_space(r);
    if (r->at == r->end)
        return fail(r, PTD_EINVAL);
    if (++r->n_values > PTD_JSON_MAX_VALUES && !(r->flags & PTD_JSON_ANY_SIZE))
        return fail(r, PTD_ETOOBIG);
    if (*r->at == '[' || *r->at == '{') {
        if (depth >= PTD_JSON_MAX_DEPTH)
            return fail(r, PTD_ETOOBIG);
        return *r->at++ == '[' ? read_array(r, depth + 1)
                               : read_object(r, depth + 1);
    }
    if (take(r, '"')) {
        if (!read_string(r))
            return NULL;
        return made(r, json_stringn_nocheck(r->string.v, r->string.n));
    }
    if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9'))
        return read_number(r, keep || (r->flags & PTD_JSON_KEEP_NUMBERS));
    return read_word(r);
}

static int by_object(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct ptd_json_repeat *)a)->object;
    uintptr_t y = (uintptr_t)((const struct ptd_json_repeat *)b)->object;

    return (x > y) - (x < y);
}

enum ptd_err ptd_json_read(struct ptd_json_doc *out, const char *text, size_t n,
                           unsigned flags)
{
    struct reader r = { .flags = flags, .doc = out };

    *out = (struct ptd_json_doc){ 0 };
    if (n == 0)
        return PTD_EINVAL;
    r.at = text;
    r.end = text + n;
    ptd_text_add(&r.string, "", 0); /* so that it is never NULL */
    out->root = read_value(&r, 0, false);
    skip_space(&r);
    if (r.err == PTD_OK && r.at != r.end)
        r.err = PTD_EINVAL;
    ptd_text_fini(&r.string);
    if (r.err != PTD_OK)
        ptd_json_doc_fini(out);
    else if (out->n_repeats > 1) /* a batch may have one a request */
        qsort(out->repeats, out->n_repeats, sizeof *out->repeats, by_object);
    return r.err;
}

void ptd_json_doc_fini(struct ptd_json_doc *d)
{
    json_decref(d->root);
    for (size_t i = 0; i < d->n_repeats; i++)
        ptd_free(d->repeats[i].key);
    ptd_free(d->repeats);
    *d = (struct ptd_json_doc){ 0 };
}

const char *ptd_json_repeated(const struct ptd_json_doc *d,
                              const json_t *object)
{
    const struct ptd_json_repeat key = { .object = object }, *found = NULL;

    if (d->n_repeats > 0)
        found = bsearch(&key, d->repeats, d->n_repeats, sizeof *d->repeats,
                        by_object);
    return found != NULL ? found->key : NULL;
}
