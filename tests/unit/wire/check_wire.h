/* check_wire.h - what the tests of the wire room share. */
#ifndef PTD_CHECK_WIRE_H
#define PTD_CHECK_WIRE_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "pentad/wire.h"
#include "wire/codec.h"
#include "wire/encoded.h"

/* ---- codecs to speak -------------------------------------------------- */

extern const struct ptd_codec codec_base;    /* newest version, no witness */
extern const struct ptd_codec codec_witness; /* newest version, witness */
extern const struct ptd_codec codec_strict;  /* the same, strict */

/* ---- bytes ------------------------------------------------------------ */

struct blob {
    uint8_t *p; /* malloc'ed to the exact size, so that a byte too far shows */
    size_t n;
};

/* The bytes of digits; spaces are skipped. */
struct blob blob_hex(const char *hex);
struct blob blob_copy(const void *p, size_t n);
void blob_free(struct blob *b);

/* A file of the vectors; p is NULL, and that is said, where there is none; with
 * PTD_REQUIRE_VECTORS=1 in the environment the test fails. */
struct blob blob_vector(const char *name);

/* ---- decoding and encoding --------------------------------------------- */

/* Decode an exact copy of the bytes, which is gone when this returns: a view
 * that was kept into it would show. */
enum ptd_err decode_copy(struct ptd_msg **out, enum ptd_msg_type type,
                         const uint8_t *p, size_t n, const struct ptd_codec *cx,
                         struct ptd_wire_error *why);

/* Encode into exactly as many bytes as were announced; fails the test if that
 * does not work out. */
struct blob encode_all(const struct ptd_msg *m, const struct ptd_codec *cx);

/* Decode strictly, encode, and want the same bytes; then cut the bytes at each
 * length (at about 200 of them where there are more) and want an error each
 * time, never PTD_ENOMEM. */
void check_codec(enum ptd_msg_type type, const uint8_t *p, size_t n,
                 const struct ptd_codec *cx);

/* As check_codec(), but a cut form may also decode to a shorter message: for
 * commands whose last fields are optional. */
void check_codec_optional_tail(enum ptd_msg_type type, const uint8_t *p,
                               size_t n, const struct ptd_codec *cx);

/* One payload, typed in from the specification. */
struct row {
    const char *name; /* the claim */
    enum ptd_msg_type type;
    uint32_t pver;
    const char *hex;
    enum ptd_err err;  /* PTD_OK: it decodes, strictly, and encodes to itself */
    const char *where; /* part of the error's text; NULL: not looked at */
};

/* PTD_OK: check_codec(); else the strict decoder's error is as the row says. */
void check_row(const struct row *row);

/* The same for a message whose last fields may be missing. */
void check_row_optional_tail(const struct row *row);

/* Decode hexadecimal digits at the newest version; fails the test if that does
 * not work. */
struct ptd_msg *decode_hex(enum ptd_msg_type type, const char *hex);

/* The error of encoding m at a version. */
enum ptd_err encode_error(const struct ptd_msg *m, uint32_t pver);

/* ---- memory ------------------------------------------------------------- */

/* Counts what is taken, and can refuse. */
struct test_mem {
    struct ptd_mem mem;
    size_t out_bytes;  /* taken and not given back */
    size_t peak_bytes; /* the most of it at once */
    size_t n_calls;
    size_t fail_at; /* refuse this call, counted from 1; 0: none */
};

void test_mem_init(struct test_mem *t);

/* ---- suites, one a file -------------------------------------------------- */

TCase *tcase_reader(void);
TCase *tcase_envelope(void);
TCase *tcase_tx(void);
TCase *tcase_block(void);
TCase *tcase_cmpct(void);
TCase *tcase_encoded(void);
TCase *tcase_netaddr(void);
TCase *tcase_msg_version(void);
TCase *tcase_msg_addr(void);
TCase *tcase_msg_inv(void);
TCase *tcase_msg_small(void);
TCase *tcase_msg_bloom(void);
TCase *tcase_msg_cfilter(void);
TCase *tcase_samples(void);
TCase *tcase_text(void);

#endif /* PTD_CHECK_WIRE_H */
