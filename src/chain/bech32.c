#include <config.h>

#include "chain/bech32.h"

#include <string.h>

#include "chain/script_addr.h"

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

enum { SEPARATOR = '1' };

static uint32_t constant_of(enum ptd_bech32 kind)
{
    return kind == PTD_BECH32M ? 0x2bc830a3 : 1;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a character of either case, -1 if it has none. */
static int value_of(char c)
{
    const char *at = c != '\0' ? strchr(charset, lower(c)) : NULL;

    return at != NULL ? (int)(at - charset) : -1;
}

/* ---- checksum ------------------------------------------------------- */

/* Go on by one value: multiplication by x modulo the generator. */
static uint32_t polymod_step(uint32_t sum, unsigned value)
{
    static const uint32_t generator[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                          0x3d4233dd, 0x2a1462b3 };
    uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++) {
        if (top >> i & 1)
            sum ^= generator[i];
    }
    return sum;
}

static uint32_t polymod_prefix(const char *hrp, size_t n)
{
    uint32_t sum = 1;

    for (size_t i = 0; i < n; i++)
        sum = polymod_step(sum, (unsigned char)lower(hrp[i]) >> 5);
    sum = polymod_step(sum, 0);
    for (size_t i = 0; i < n; i++)
        sum = polymod_step(sum, (unsigned char)lower(hrp[i]) & 31);
    return sum;
}

static uint32_t polymod(uint32_t sum, const uint8_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum = polymod_step(sum, values[i]);
    return sum;
}

/* ---- reading -------------------------------------------------------- */

/* Positions of characters that may not be there: not printable, or of the
 * other case than those before. */
static size_t bad_characters(int *out, size_t max, const char *text)
{
    bool has_lower = false, has_upper = false;
    size_t n = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        char c = text[i];
        bool bad = (unsigned char)c < 33 || (unsigned char)c > 126;

        if (c >= 'a' && c <= 'z') {
            bad = has_upper;
            has_lower |= !bad;
        } else if (c >= 'A' && c <= 'Z') {
            bad = has_lower;
            has_upper |= !bad;
        }
        if (bad && n < max)
            out[n++] = (int)i;
    }
    return n;
}

enum ptd_bech32 ptd_bech32_decode(char hrp[PTD_BECH32_MAX + 1],
                                  uint8_t values[PTD_BECH32_MAX], size_t *n,
                                  const char *text)
{
    size_t size = strlen(text), n_hrp;
    const char *separator = strrchr(text, SEPARATOR);
    uint32_t sum;
    int bad;

    if (size > PTD_BECH32_MAX || separator == NULL ||
        bad_characters(&bad, 1, text) > 0)
        return PTD_BECH32_NONE;
    n_hrp = (size_t)(separator - text);
    if (n_hrp == 0 || n_hrp + PTD_BECH32_SUM >= size)
        return PTD_BECH32_NONE;
    *n = size - n_hrp - 1;
    for (size_t i = 0; i < *n; i++) {
        int v = value_of(separator[1 + i]);

        if (v < 0)
            return PTD_BECH32_NONE;
        values[i] = (uint8_t)v;
    }
    for (size_t i = 0; i < n_hrp; i++)
        hrp[i] = lower(text[i]);
    hrp[n_hrp] = '\0';
    sum = polymod(polymod_prefix(hrp, n_hrp), values, *n);
    *n -= PTD_BECH32_SUM;
    return sum == constant_of(PTD_BECH32)    ? PTD_BECH32
           : sum == constant_of(PTD_BECH32M) ? PTD_BECH32M
                                             : PTD_BECH32_NONE;
}

/* ---- writing -------------------------------------------------------- */

void ptd_bech32_encode(char out[PTD_BECH32_MAX + 1], enum ptd_bech32 kind,
                       const char *hrp, const uint8_t *values, size_t n)
{
    static const uint8_t zeros[PTD_BECH32_SUM];
    size_t at = strlen(hrp);
    uint32_t sum = polymod(polymod_prefix(hrp, at), values, n);

    sum = polymod(sum, zeros, sizeof zeros) ^ constant_of(kind);
    memcpy(out, hrp, at);
    out[at++] = SEPARATOR;
    for (size_t i = 0; i < n; i++)
        out[at++] = charset[values[i]];
    for (unsigned i = 0; i < PTD_BECH32_SUM; i++)
        out[at++] = charset[sum >> 5 * (PTD_BECH32_SUM - 1 - i) & 31];
    out[at] = '\0';
}

bool ptd_convert_bits(uint8_t *out, size_t *n_out, unsigned to,
                      const uint8_t *in, size_t n_in, unsigned from, bool pad)
{
    uint32_t acc = 0, mask = (1u << to) - 1;
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < n_in; i++) {
        acc = (acc << from | in[i]) & ((1u << (from + to - 1)) - 1);
        for (bits += from; bits >= to; out[n++] = (uint8_t)(acc >> bits & mask))
            bits -= to;
    }
    if (pad && bits > 0)
        out[n++] = (uint8_t)(acc << (to - bits) & mask);
    *n_out = n;
    return pad || (bits < from && (acc << (to - bits) & mask) == 0);
}

/* ---- locating errors ------------------------------------------------ */

/* What a wrong value, `by` off, so many places from the end does to the sum:
 * the code is linear. */
static uint32_t effect_of(size_t from_end, unsigned by)
{
    uint32_t sum = by;

    while (from_end-- > 0)
        sum = polymod_step(sum, 0);
    return sum;
}

/* The effects of all single errors. */
struct effects {
    uint32_t of[PTD_BECH32_MAX][32];
    size_t n; /* places */
};

/* The first place, from the end and behind `after`, where one error has this
 * effect; n if there is none. */
static size_t find_effect(const struct effects *x, uint32_t effect,
                          size_t not_at)
{
    for (size_t p = 0; p < x->n; p++) {
        for (unsigned by = 1; by < 32 && p != not_at; by++) {
            if (x->of[p][by] == effect)
                return p;
        }
    }
    return x->n;
}

/* One or two places, from the end, that explain what is left of the sum; gives
 * how many. */
static size_t explain(const struct effects *x, uint32_t residue,
                      size_t place[2])
{
    if ((place[0] = find_effect(x, residue, x->n)) < x->n)
        return 1;
    for (size_t p = 0; p < x->n; p++) {
        for (unsigned by = 1; by < 32; by++) {
            place[1] = find_effect(x, residue ^ x->of[p][by], p);
            if (place[1] < x->n) {
                place[0] = p;
                return 2;
            }
        }
    }
    return 0;
}

static const char *locate(int *out, size_t *n, size_t max, const char *text,
                          size_t size, size_t n_hrp)
{
    static const enum ptd_bech32 kinds[] = { PTD_BECH32, PTD_BECH32M };
    uint8_t values[PTD_BECH32_MAX];
    struct effects x = { .n = size - n_hrp - 1 };
    const char *text_of = "Invalid checksum";
    size_t best = 0;
    uint32_t sum;

    for (size_t i = 0; i < x.n; i++) {
        int v = value_of(text[n_hrp + 1 + i]);

        if (v < 0) {
            *n = max > 0;
            if (max > 0)
                out[0] = (int)(n_hrp + 1 + i);
            return "Invalid Base 32 character";
        }
        values[i] = (uint8_t)v;
        for (unsigned by = 1; by < 32; by++)
            x.of[i][by] = effect_of(i, by);
    }
    sum = polymod(polymod_prefix(text, n_hrp), values, x.n);
    for (size_t k = 0; k < 2; k++) {
        uint32_t residue = sum ^ constant_of(kinds[k]);
        size_t place[2], found;

        if (residue == 0) {
            *n = 0;
            return "";
        }
        found = explain(&x, residue, place);
        if (found == 0 || (best > 0 && found >= best) || found > max)
            continue;
        best = found;
        for (size_t i = 0; i < found; i++)
            out[i] = (int)(size - 1 - place[i]);
        if (found == 2 && out[0] > out[1]) {
            int swap = out[0];

            out[0] = out[1];
            out[1] = swap;
        }
        text_of = kinds[k] == PTD_BECH32 ? "Invalid Bech32 checksum"
                                         : "Invalid Bech32m checksum";
    }
    *n = best;
    return text_of;
}

const char *ptd_bech32_locate_errors(int *out, size_t *n, size_t max,
                                     const char *text)
{
    size_t size = strlen(text);
    const char *separator = strrchr(text, SEPARATOR);

    *n = 0;
    if (size > PTD_BECH32_MAX) {
        for (size_t i = PTD_BECH32_MAX; i < size && *n < max; i++)
            out[(*n)++] = (int)i;
        return "Bech32 string too long";
    }
    if ((*n = bad_characters(out, max, text)) > 0)
        return "Invalid character or mixed case";
    if (separator == NULL)
        return "Missing separator";
    if (separator == text ||
        (size_t)(separator - text) + PTD_BECH32_SUM >= size) {
        if (max > 0)
            out[(*n)++] = (int)(separator - text);
        return "Invalid separator position";
    }
    return locate(out, n, max, text, size, (size_t)(separator - text));
}
