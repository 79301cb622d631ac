#include <config.h>

#include "base/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

int ptd_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *ptd_hex_encode(char *out, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

char *ptd_hex_encode_reversed(char *out, const void *data, size_t n)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[n - 1 - i] >> 4];
        out[2 * i + 1] = digits[p[n - 1 - i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

/* One byte of two digits; -1 also when the text ends in between. */
static int read_byte(const char *hex)
{
    int high = ptd_hex_digit(hex[0]);
    int low = high < 0 ? -1 : ptd_hex_digit(hex[1]);

    return low < 0 ? -1 : high << 4 | low;
}

bool ptd_hex_decode(void *out, size_t cap, size_t *n, const char *hex)
{
    uint8_t *p = out;

    for (*n = 0; *hex != '\0'; hex += 2) {
        int byte = read_byte(hex);

        if (byte < 0 || *n == cap)
            return false;
        p[(*n)++] = (uint8_t)byte;
    }
    return true;
}

bool ptd_hex_decode_reversed(void *out, size_t n, const char *hex)
{
    uint8_t *p = out;

    for (size_t i = 0; i < n; i++, hex += 2) {
        int byte = read_byte(hex);

        if (byte < 0)
            return false;
        p[n - 1 - i] = (uint8_t)byte;
    }
    return *hex == '\0';
}
