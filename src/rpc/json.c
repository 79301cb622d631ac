#include <config.h>

#include "rpc/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "rpc/json_int.h"

enum { COIN = 100000000 };

/* ---- numbers that keep their digits ---------------------------------------- */

json_t *ptd_json_raw_number(const char *digits, size_t n)
{
    char room[64], *text = room;
    json_t *v;

    if (n + 1 > sizeof room && (text = ptd_alloc(n + 1)) == NULL)
        return NULL;
    text[0] = PTD_JSON_RAW_MARK;
    memcpy(text + 1, digits, n);
    v = json_stringn_nocheck(text, n + 1);
    if (text != room)
        ptd_free(text);
    return v;
}

const char *ptd_json_raw_digits(const json_t *v)
{
    const char *s = json_string_value(v);

    return s != NULL && s[0] == PTD_JSON_RAW_MARK ? s + 1 : NULL;
}

json_t *ptd_json_number(const char *text)
{
    bool whole;
    size_t n = strlen(text);

    PTD_ASSERT(n > 0 && ptd_json_scan_number(text, n, &whole) == n);
    return ptd_json_raw_number(text, n);
}

json_t *ptd_json_amount(int64_t satoshi)
{
    uint64_t v = satoshi < 0 ? -(uint64_t)satoshi : (uint64_t)satoshi;
    char room[40];

    snprintf(room, sizeof room, "%s%" PRIu64 ".%08" PRIu64,
             satoshi < 0 ? "-" : "", v / COIN, v % COIN);
    return ptd_json_number(room);
}

/* ---- looking --------------------------------------------------------------- */

enum ptd_json_type ptd_json_type(const json_t *v)
{
    if (v == NULL)
        return PTD_JSON_NULL;
    switch (json_typeof(v)) {
    case JSON_OBJECT: return PTD_JSON_OBJECT;
    case JSON_ARRAY: return PTD_JSON_ARRAY;
    case JSON_STRING:
        return ptd_json_raw_digits(v) != NULL ? PTD_JSON_NUMBER
                                              : PTD_JSON_STRING;
    case JSON_INTEGER:
    case JSON_REAL: return PTD_JSON_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return PTD_JSON_BOOL;
    case JSON_NULL: break;
    }
    return PTD_JSON_NULL;
}

const char *ptd_json_type_name(enum ptd_json_type type)
{
    switch (type) {
    case PTD_JSON_NULL: return "null";
    case PTD_JSON_BOOL: return "bool";
    case PTD_JSON_NUMBER: return "number";
    case PTD_JSON_STRING: return "string";
    case PTD_JSON_ARRAY: return "array";
    case PTD_JSON_OBJECT: break;
    }
    return "object";
}

bool ptd_json_to_int(const json_t *v, int64_t *out)
{
    const char *digits = ptd_json_raw_digits(v);
    long long n;
    char *end;

    if (digits == NULL) {
        if (!json_is_integer(v))
            return false;
        *out = json_integer_value(v);
        return true;
    }
    errno = 0;
    n = strtoll(digits, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *out = n;
    return true;
}

bool ptd_json_to_double(const json_t *v, double *out)
{
    const char *digits = ptd_json_raw_digits(v);
    char *end;

    if (digits == NULL) {
        if (!json_is_number(v))
            return false;
        *out = json_number_value(v);
        return true;
    }
    *out = strtod(digits, &end);
    return *end == '\0' && isfinite(*out);
}

/* The digits of a number without its point, and how far right of them the
 * point lies. Digits beyond the 18th that matter make it too large. */
struct fixed {
    int64_t digits;
    int64_t exponent;
    bool negative;
};

static bool add_digit(struct fixed *f, int d)
{
    if (f->digits >= INT64_C(100000000000000000)) /* 10^17 */
        return false;
    f->digits = f->digits * 10 + d;
    return true;
}

/* text is a JSON number. Zeros at its end are held back, so that
 * "1.00000000000000000000" fits. */
static bool take_apart(struct fixed *f, const char *text, size_t n)
{
    bool behind_point = false;
    int64_t held_back = 0;
    size_t i = 0;

    if (text[0] == '-') {
        f->negative = true;
        i++;
    }
    for (; i < n && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            behind_point = true;
            continue;
        }
        f->exponent -= behind_point;
        if (text[i] == '0') {
            held_back++;
            continue;
        }
        for (; held_back > 0; held_back--)
            if (f->digits != 0 && !add_digit(f, 0))
                return false;
        if (!add_digit(f, text[i] - '0'))
            return false;
    }
    f->exponent += held_back;
    if (i < n) {
        char *end;
        long e = strtol(text + i + 1, &end, 10);

        if (e < -100 || e > 100)
            return false;
        f->exponent += e;
    }
    return true;
}

bool ptd_json_fixed_point(const char *text, size_t n, unsigned decimals,
                          int64_t *out)
{
    struct fixed f = { 0 };
    bool whole;

    if (n == 0 || n > 128 || text[n] != '\0' ||
        ptd_json_scan_number(text, n, &whole) != n || !take_apart(&f, text, n))
        return false;
    f.exponent += decimals;
    if (f.digits == 0) {
        *out = 0;
        return true;
    }
    if (f.exponent < 0)
        return false;
    for (; f.exponent > 0; f.exponent--)
        if (!add_digit(&f, 0))
            return false;
    *out = f.negative ? -f.digits : f.digits;
    return true;
}

/* ---- making ---------------------------------------------------------------- */

json_t *ptd_json_text(const char *bytes, size_t n)
{
    struct ptd_text t = { 0 };
    json_t *v = NULL;

    for (size_t i = 0; i < n;) {
        size_t len = ptd_utf8_length(bytes + i, n - i);

        if (len == 0)
            ptd_text_puts(&t, "?");
        else
            ptd_text_add(&t, bytes + i, len);
        i += len != 0 ? len : 1;
    }
    ptd_text_puts(&t, "");
    if (!t.failed)
        v = json_stringn_nocheck(t.v, t.n);
    ptd_text_fini(&t);
    return v;
}

json_t *ptd_json_hex(const void *data, size_t n)
{
    size_t size;
    char *text;
    json_t *v;

    if (ptd_mul_overflow(n, 2, &size) || size == SIZE_MAX ||
        (text = ptd_alloc(size + 1)) == NULL)
        return NULL;
    v = json_stringn_nocheck(n != 0 ? ptd_hex_encode(text, data, n) : "", size);
    ptd_free(text);
    return v;
}

json_t *ptd_json_hash(const struct ptd_hash *h)
{
    char hex[PTD_HASH_HEX_SIZE];

    return json_string(ptd_hash_to_hex(h, hex));
}

void ptd_json_set(json_t **o, const char *key, json_t *value)
{
    if (*o == NULL || value == NULL) {
        json_decref(value);
    } else if (json_object_set_new(*o, key, value) == 0) {
        return;
    }
    json_decref(*o);
    *o = NULL;
}

void ptd_json_append(json_t **array, json_t *value)
{
    if (*array == NULL || value == NULL) {
        json_decref(value);
    } else if (json_array_append_new(*array, value) == 0) {
        return;
    }
    json_decref(*array);
    *array = NULL;
}
