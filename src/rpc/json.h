/* json.h - JSON text to jansson's values and back, with Bitcoin Core's manners.
 *
 * Of our own, because jansson's reader refuses integers of more than 64 bits,
 * forgets which keys were given twice and has no limit on memory, and its
 * writer changes numbers. What is accepted is RFC 8259 and nothing else, as in
 * Core's UniValue: UTF-8 is checked, a lone surrogate is an error.
 *
 * A number whose digits must be kept (ptd_json_number()) is a jansson string
 * whose first byte, 0xff, no valid string has: ptd_json_type() knows it.
 *
 * Threads  any; a document belongs to one
 */
#ifndef PTD_RPC_JSON_H
#define PTD_RPC_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "rpc/method.h"

enum {
    PTD_JSON_MAX_DEPTH = 512,     /* as Core has it */
    PTD_JSON_MAX_VALUES = 1000000 /* of one document: some 100 MB at worst */
};

enum ptd_json_flags {
    PTD_JSON_KEEP_IDS = 1,     /* digits of a number that is a request's id */
    PTD_JSON_KEEP_NUMBERS = 2, /* digits of all numbers */
    PTD_JSON_ANY_SIZE = 4      /* as many values as there are */
};

/* A key that an object near the top was given twice. */
struct ptd_json_repeat {
    const json_t *object; /* borrowed from the document */
    char *key;
};

struct ptd_json_doc {
    json_t *root;
    struct ptd_json_repeat *repeats; /* by object */
    size_t n_repeats;
    size_t cap_repeats;
};

/* Read a whole text. Of a key that is there twice the first counts.
 *
 * Returns  PTD_OK; PTD_EINVAL: no JSON; PTD_ETOOBIG: too deep, or too many
 *          values; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_json_read(struct ptd_json_doc *out,
                                        const char *text, size_t n,
                                        unsigned flags) PTD_NONNULL(1);

/* Harmless on zeros, and twice. */
void ptd_json_doc_fini(struct ptd_json_doc *d) PTD_NONNULL(1);

/* The first key that was given twice to an object; NULL if none was. */
const char *ptd_json_repeated(const struct ptd_json_doc *d,
                              const json_t *object) PTD_NONNULL(1);

/* ---- writing --------------------------------------------------------------- */

/* Text that grows. Once there was no memory it stays empty, failed is set. */
struct ptd_text {
    char *v; /* n bytes and a NUL, if not NULL */
    size_t n;
    size_t cap;
    bool failed;
};

void ptd_text_add(struct ptd_text *t, const char *s, size_t n)
    PTD_NONNULL(1, 2);
void ptd_text_puts(struct ptd_text *t, const char *s) PTD_NONNULL(1, 2);
void ptd_text_fill(struct ptd_text *t, char c, size_t n) PTD_NONNULL(1);
void ptd_text_printf(struct ptd_text *t, const char *format, ...)
    PTD_PRINTF(2, 3) PTD_NONNULL(1, 2);
void ptd_text_fini(struct ptd_text *t) PTD_NONNULL(1);

/* Give the text, of malloc; NULL if there was no memory. */
PTD_MUST_USE char *ptd_text_take(struct ptd_text *t) PTD_NONNULL(1);

/* Append a value; indent 0: on one line. */
void ptd_json_write(struct ptd_text *t, const json_t *v, unsigned indent)
    PTD_NONNULL(1, 2);

/* The digits of a number, the bytes of a string, JSON of others. */
void ptd_json_write_plain(struct ptd_text *t, const json_t *v)
    PTD_NONNULL(1, 2);

/* ---- looking --------------------------------------------------------------- */

enum ptd_json_type {
    PTD_JSON_NULL,
    PTD_JSON_BOOL,
    PTD_JSON_NUMBER,
    PTD_JSON_STRING,
    PTD_JSON_ARRAY,
    PTD_JSON_OBJECT
};

/* NULL counts as null. */
enum ptd_json_type ptd_json_type(const json_t *v);
const char *ptd_json_type_name(enum ptd_json_type type);

static inline bool ptd_json_is(const json_t *v, enum ptd_json_type type)
{
    return ptd_json_type(v) == type;
}

/* A number as an integer; false if it has a fraction or an exponent, or does
 * not fit. */
PTD_MUST_USE bool ptd_json_to_int(const json_t *v, int64_t *out) PTD_NONNULL(2);
PTD_MUST_USE bool ptd_json_to_double(const json_t *v, double *out)
    PTD_NONNULL(2);

/* "-12.5e3" as an integer number of 10^-decimals; false if it is no JSON
 * number, has more decimals, or 10^18 or more of them. */
PTD_MUST_USE bool ptd_json_fixed_point(const char *text, size_t n,
                                       unsigned decimals, int64_t *out)
    PTD_NONNULL(1, 4);

#endif /* PTD_RPC_JSON_H */
