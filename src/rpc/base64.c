#include <config.h>

#include "rpc/base64.h"

#include <string.h>

#include "base/alloc.h"

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, `left` of them before the padding; 0: bad. */
static size_t decode_four(char *out, const char *in, size_t left)
{
    unsigned v = 0;

    for (size_t i = 0; i < 4; i++) {
        int d = i < left ? digit(in[i]) : 0;

        if (d < 0)
            return 0;
        v = v << 6 | (unsigned)d;
    }
    /* RFC 4648 section 3.5: bits that carry nothing are zero. */
    if ((left == 2 && (v & 0xffff) != 0) || (left == 3 && (v & 0xff) != 0))
        return 0;
    out[0] = (char)(v >> 16);
    out[1] = (char)(v >> 8);
    out[2] = (char)v;
    return left - 1;
}

enum ptd_err ptd_base64_decode(char **out, size_t *n, const char *text)
{
    static const char space[] = " \f\n\r\t\v";
    size_t len, digits, done = 0;
    char *v;

    text += strspn(text, space);
    len = strlen(text);
    while (len > 0 && strchr(space, text[len - 1]) != NULL)
        len--;
    for (digits = len; digits > 0 && text[digits - 1] == '=';)
        digits--;
    if (len % 4 != 0 || len - digits > 2)
        return PTD_EINVAL;
    if ((v = ptd_alloc(len / 4 * 3 + 1)) == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < len; i += 4) {
        size_t left = digits - i < 4 ? digits - i : 4;
        size_t got = decode_four(v + done, text + i, left);

        if (got == 0) {
            ptd_free(v);
            return PTD_EINVAL;
        }
        done += got;
    }
    v[done] = '\0';
    *out = v;
    *n = done;
    return PTD_OK;
}

void ptd_base64_encode(char *out, const void *data, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i += 3, out += 4) {
        unsigned v = (unsigned)p[i] << 16;

        if (i + 1 < n)
            v |= (unsigned)p[i + 1] << 8;
        if (i + 2 < n)
            v |= p[i + 2];
        out[0] = digits[v >> 18];
        out[1] = digits[v >> 12 & 63];
        out[2] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        out[3] = i + 2 < n ? digits[v & 63] : '=';
    }
    *out = '\0';
}
