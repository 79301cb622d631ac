#include <config.h>

#include "support/support.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, tolower((unsigned char)c));

    return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

struct support_bytes support_hex(const char *hex)
{
    struct support_bytes b = { malloc(strlen(hex) / 2 + 1), 0 };
    size_t n_digits = 0;

    ck_assert_ptr_nonnull(b.p);
    for (; *hex != '\0'; hex++) {
        if (isspace((unsigned char)*hex))
            continue;
        ck_assert_msg(digit(*hex) >= 0, "no hexadecimal digit: %c", *hex);
        if (n_digits++ % 2 == 0)
            b.p[b.n] = (uint8_t)(digit(*hex) << 4);
        else
            b.p[b.n++] |= (uint8_t)digit(*hex);
    }
    ck_assert_msg(n_digits % 2 == 0, "odd number of digits");
    b.p = realloc(b.p, b.n != 0 ? b.n : 1);
    ck_assert_ptr_nonnull(b.p);
    return b;
}

static bool requires_vectors(void)
{
    const char *says = getenv("PTD_REQUIRE_VECTORS");

    return says != NULL && strcmp(says, "1") == 0;
}

bool support_vector(struct support_bytes *out, const char *name)
{
    char path[4096];
    long size;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", PTD_VECTORS_DIR, name);
    f = fopen(path, "rb");
    if (f == NULL) {
        if (requires_vectors())
            ck_abort_msg("no test vectors at %s", path);
        printf("skipped: no test vectors at %s\n", path);
        return false;
    }
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    ck_assert_int_ge(size, 0);
    rewind(f);
    out->n = (size_t)size;
    out->p = malloc(out->n != 0 ? out->n : 1);
    ck_assert_ptr_nonnull(out->p);
    ck_assert_uint_eq(fread(out->p, 1, out->n, f), out->n);
    fclose(f);
    return true;
}

void support_free(struct support_bytes *b)
{
    free(b->p);
    b->p = NULL;
    b->n = 0;
}

char *support_temp_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char path[64];

    if (tmp == NULL || strlen(tmp) > sizeof path - sizeof "/pentad-XXXXXX")
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/pentad-XXXXXX", tmp);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return strdup(path);
}
