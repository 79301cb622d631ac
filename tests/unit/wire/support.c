#include <config.h>

#include "check_wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"

const struct ptd_codec codec_base = { PTD_PVER_FEATURE, PTD_ENC_BASE, false };
const struct ptd_codec codec_witness = { PTD_PVER_FEATURE, PTD_ENC_WITNESS,
                                         false };
const struct ptd_codec codec_strict = { PTD_PVER_FEATURE, PTD_ENC_WITNESS,
                                        true };

/* ---- bytes -------------------------------------------------------------- */

struct blob blob_copy(const void *p, size_t n)
{
    struct blob b = { malloc(n > 0 ? n : 1), n };

    ck_assert_ptr_nonnull(b.p);
    if (n > 0)
        memcpy(b.p, p, n);
    return b;
}

struct blob blob_hex(const char *hex)
{
    char *digits = malloc(strlen(hex) + 1), *to = digits;
    struct blob b;
    uint8_t *bytes;
    size_t n;

    ck_assert_ptr_nonnull(digits);
    for (const char *from = hex; *from != '\0'; from++) {
        if (!isspace((unsigned char)*from))
            *to++ = *from;
    }
    *to = '\0';
    bytes = malloc(strlen(digits) + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert(ptd_hex_decode(bytes, strlen(digits) + 1, &n, digits));
    b = blob_copy(bytes, n);
    free(bytes);
    free(digits);
    return b;
}

void blob_free(struct blob *b)
{
    free(b->p);
    b->p = NULL;
}

static bool requires_vectors(void)
{
    const char *says = getenv("PTD_REQUIRE_VECTORS");

    return says != NULL && strcmp(says, "1") == 0;
}

struct blob blob_vector(const char *name)
{
    struct blob b = { NULL, 0 };
    char path[4096];
    FILE *f;
    long size;

    snprintf(path, sizeof path, "%s/%s", PTD_VECTORS_DIR, name);
    if ((f = fopen(path, "rb")) == NULL) {
        if (requires_vectors())
            ck_abort_msg("no vector %s", path);
        printf("skipped: no vector %s\n", path);
        return b;
    }
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    ck_assert_int_gt(size, 0);
    rewind(f);
    b.n = (size_t)size;
    b.p = malloc(b.n);
    ck_assert_ptr_nonnull(b.p);
    ck_assert_uint_eq(fread(b.p, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

/* ---- decoding and encoding ---------------------------------------------- */

enum ptd_err decode_copy(struct ptd_msg **out, enum ptd_msg_type type,
                         const uint8_t *p, size_t n, const struct ptd_codec *cx,
                         struct ptd_wire_error *why)
{
    struct blob copy = { malloc(n), n };
    enum ptd_err err;

    /* malloc(0) gives an address none of whose bytes may be read. */
    if (n > 0)
        memcpy(copy.p, p, n);
    err = ptd_msg_decode(out, type, copy.p, n, cx, why);
    blob_free(&copy);
    return err;
}

struct blob encode_all(const struct ptd_msg *m, const struct ptd_codec *cx)
{
    struct blob b;
    enum ptd_err err;
    size_t n;

    b.n = ptd_msg_encoded_bytes(m, cx, &err);
    ck_assert_msg(err == PTD_OK, "%s: %s", ptd_msg_type_command(m->type),
                  ptd_err_text(err));
    b.p = malloc(b.n > 0 ? b.n : 1);
    ck_assert_ptr_nonnull(b.p);
    err = ptd_msg_encode(m, b.p, b.n, &n, cx);
    ck_assert_msg(err == PTD_OK, "%s: %s", ptd_msg_type_command(m->type),
                  ptd_err_text(err));
    ck_assert_uint_eq(n, b.n);
    if (b.n > 0)
        ck_assert_int_eq(ptd_msg_encode(m, b.p, b.n - 1, &n, cx), PTD_EFULL);
    return b;
}

/* Every length up to 16 KB and of the last KB; in between, of long ones, some
 * hundred. */
static size_t next_cut(size_t cut, size_t n)
{
    enum { ALL = 16384, LAST = 1024, SAMPLES = 128 };

    if (cut < ALL || cut + LAST >= n)
        return cut + 1;
    return PTD_MIN(cut + 1 + n / SAMPLES, n - LAST);
}

enum tail { TAIL_FIXED, TAIL_OPTIONAL };

static void check_cuts(enum ptd_msg_type type, const uint8_t *p, size_t n,
                       const struct ptd_codec *cx, enum tail tail)
{
    for (size_t cut = 0; cut < n; cut = next_cut(cut, n)) {
        struct ptd_wire_error why;
        struct ptd_msg *m;
        char text[200];
        enum ptd_err err = decode_copy(&m, type, p, cut, cx, &why);

        if (err == PTD_OK) {
            ck_assert_msg(tail == TAIL_OPTIONAL, "%s cut to %zu decodes",
                          ptd_msg_type_command(type), cut);
            ptd_msg_free(m);
            continue;
        }
        ck_assert_int_eq(err, why.err);
        ck_assert_msg(err != PTD_ENOMEM && err != PTD_ETRAILING,
                      "%s cut to %zu: %s", ptd_msg_type_command(type), cut,
                      ptd_err_text(err));
        ck_assert_str_eq(why.command, ptd_msg_type_command(type));
        ck_assert_str_ne(why.field, "");
        ck_assert_ptr_nonnull(
            strstr(ptd_wire_error_text(&why, text, sizeof text), why.field));
    }
}

static void check_codec_with(enum ptd_msg_type type, const uint8_t *p, size_t n,
                             const struct ptd_codec *cx, enum tail tail)
{
    const struct ptd_codec strict = { cx->pver, cx->encoding, true };
    struct ptd_wire_error why;
    struct ptd_msg *m;
    char text[200];
    enum ptd_err err = decode_copy(&m, type, p, n, &strict, &why);
    struct blob again;

    ck_assert_msg(err == PTD_OK, "%s",
                  ptd_wire_error_text(&why, text, sizeof text));
    ck_assert_int_eq(m->type, type);
    ck_assert_uint_eq(m->payload_bytes, n);
    again = encode_all(m, cx);
    ck_assert_uint_eq(again.n, n);
    ck_assert_int_eq(n > 0 ? memcmp(again.p, p, n) : 0, 0);
    blob_free(&again);
    ptd_msg_free(m);
    check_cuts(type, p, n, &strict, tail);
}

void check_codec(enum ptd_msg_type type, const uint8_t *p, size_t n,
                 const struct ptd_codec *cx)
{
    check_codec_with(type, p, n, cx, TAIL_FIXED);
}

void check_codec_optional_tail(enum ptd_msg_type type, const uint8_t *p,
                               size_t n, const struct ptd_codec *cx)
{
    check_codec_with(type, p, n, cx, TAIL_OPTIONAL);
}

/* ---- rows ---------------------------------------------------------------- */

static void check_row_error(const struct row *row, const struct blob *b)
{
    const struct ptd_codec cx = { row->pver, PTD_ENC_WITNESS, true };
    struct ptd_wire_error why;
    struct ptd_msg *m;
    char text[200];
    enum ptd_err err = decode_copy(&m, row->type, b->p, b->n, &cx, &why);

    ck_assert_msg(err == row->err, "%s: %s, not %s", row->name,
                  ptd_err_name(err), ptd_err_name(row->err));
    ck_assert_int_eq(why.err, err);
    ptd_wire_error_text(&why, text, sizeof text);
    ck_assert_msg(row->where == NULL || strstr(text, row->where) != NULL,
                  "%s: \"%s\" does not say \"%s\"", row->name, text,
                  row->where != NULL ? row->where : "");
}

static void check_row_with(const struct row *row, enum tail tail)
{
    const struct ptd_codec cx = { row->pver, PTD_ENC_WITNESS, false };
    struct blob b = blob_hex(row->hex);

    if (row->err == PTD_OK)
        check_codec_with(row->type, b.p, b.n, &cx, tail);
    else
        check_row_error(row, &b);
    blob_free(&b);
}

void check_row(const struct row *row)
{
    check_row_with(row, TAIL_FIXED);
}

void check_row_optional_tail(const struct row *row)
{
    check_row_with(row, TAIL_OPTIONAL);
}

struct ptd_msg *decode_hex(enum ptd_msg_type type, const char *hex)
{
    struct blob b = blob_hex(hex);
    struct ptd_wire_error why;
    struct ptd_msg *m = NULL;
    char text[200];

    ck_assert_msg(decode_copy(&m, type, b.p, b.n, &codec_witness, &why) ==
                      PTD_OK,
                  "%s", ptd_wire_error_text(&why, text, sizeof text));
    blob_free(&b);
    return m;
}

enum ptd_err encode_error(const struct ptd_msg *m, uint32_t pver)
{
    const struct ptd_codec cx = { pver, PTD_ENC_WITNESS, false };
    enum ptd_err counted = PTD_OK, err;
    uint8_t *out = malloc(PTD_MAX_PAYLOAD);
    size_t n;

    ck_assert_ptr_nonnull(out);
    err = ptd_msg_encode(m, out, PTD_MAX_PAYLOAD, &n, &cx);
    free(out);
    if (ptd_msg_encoded_bytes(m, &cx, &counted) == 0 && err == PTD_OK)
        ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(counted, err);
    return err;
}

/* ---- memory ------------------------------------------------------------- */

static void *test_alloc(struct ptd_mem *mem, size_t bytes)
{
    struct test_mem *t = PTD_CONTAINER_OF(mem, struct test_mem, mem);

    if (++t->n_calls == t->fail_at)
        return NULL;
    t->out_bytes += bytes;
    t->peak_bytes = PTD_MAX(t->peak_bytes, t->out_bytes);
    return malloc(bytes);
}

static void test_release(struct ptd_mem *mem, void *p, size_t bytes)
{
    struct test_mem *t = PTD_CONTAINER_OF(mem, struct test_mem, mem);

    t->out_bytes -= bytes;
    free(p);
}

void test_mem_init(struct test_mem *t)
{
    *t = (struct test_mem){ .mem = { test_alloc, test_release } };
}
