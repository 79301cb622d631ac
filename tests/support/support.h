/* support.h - what the unit tests of all rooms share.
 *
 * A helper that cannot do its work fails the running Check test.
 */
#ifndef PTD_SUPPORT_H
#define PTD_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct support_bytes {
    uint8_t *p; /* from malloc, of exactly n bytes: a sanitizer sees one more */
    size_t n;
};

/* The bytes of hexadecimal digits; white space between them is skipped. */
struct support_bytes support_hex(const char *hex);

/* A file of the vectors folder that configure was told. Where it is missing,
 * false; the test then says that it skips, and why, and passes; with
 * PTD_REQUIRE_VECTORS=1 in the environment it fails. */
bool support_vector(struct support_bytes *out, const char *name);

/* p of the bytes, once they are no longer needed. */
void support_free(struct support_bytes *b);

/* A new, empty directory: in $TMPDIR, else in memory where the system offers
 * that, because most of what tests write is synced. From malloc; short enough
 * for a socket's name below it. */
char *support_temp_dir(void);

#endif /* PTD_SUPPORT_H */
