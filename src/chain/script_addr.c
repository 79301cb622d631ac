#include <config.h>

#include "chain/script_addr.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "chain/bech32.h"
#include "chain/opcode.h"
#include "crypto/sha256.h"

enum {
    HASH160_BYTES = 20,
    SUM_BYTES = 4,
    BASE58_BYTES = 1 + HASH160_BYTES + SUM_BYTES,
    BASE58_MAX = 100, /* bytes that may be behind a text in base 58 */
    PROGRAM_MIN = 2,  /* BIP 141 */
    PROGRAM_MAX = 40,
    KEY_BYTES = 33,
    LONG_KEY_BYTES = 65
};

static const char base58[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* ---- base 58 -------------------------------------------------------- */

/* Bytes of a text; white space around it does not count. False: a character
 * is wrong, or there are more than BASE58_MAX bytes. */
static bool decode_base58(uint8_t out[BASE58_MAX], size_t *n, const char *text)
{
    uint8_t le[BASE58_MAX]; /* lowest first */
    size_t n_le = 0, zeros = 0;

    text += strspn(text, " \t\n\v\f\r");
    for (; *text == base58[0]; text++)
        zeros++;
    for (; *text != '\0' && strchr(" \t\n\v\f\r", *text) == NULL; text++) {
        const char *digit = strchr(base58, *text);
        unsigned carry;

        if (digit == NULL)
            return false;
        carry = (unsigned)(digit - base58);
        for (size_t i = 0; i < n_le; i++) {
            carry += le[i] * 58u;
            le[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry > 0) {
            if (n_le == sizeof le)
                return false;
            le[n_le++] = (uint8_t)carry;
        }
    }
    if (text[strspn(text, " \t\n\v\f\r")] != '\0' ||
        zeros > (size_t)BASE58_MAX - n_le)
        return false;
    memset(out, 0, zeros);
    for (size_t i = 0; i < n_le; i++)
        out[zeros + i] = le[n_le - 1 - i];
    *n = zeros + n_le;
    return true;
}

static void encode_base58(char *out, const uint8_t *in, size_t n)
{
    uint8_t digits[2 * BASE58_BYTES] = { 0 }; /* lowest first */
    size_t n_digits = 0, zeros = 0;

    while (zeros < n && in[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < n; i++) {
        unsigned carry = in[i];

        for (size_t k = 0; k < n_digits || carry > 0; k++) {
            carry += digits[k] * 256u;
            digits[k] = (uint8_t)(carry % 58);
            carry /= 58;
            if (k == n_digits)
                n_digits++;
        }
    }
    memset(out, base58[0], zeros);
    for (size_t i = 0; i < n_digits; i++)
        out[zeros + i] = base58[digits[n_digits - 1 - i]];
    out[zeros + n_digits] = '\0';
}

static bool sum_is_right(const uint8_t *p, size_t n)
{
    uint8_t hash[32];

    if (n < SUM_BYTES || n > BASE58_BYTES)
        return false;
    ptd_sha256d(hash, p, n - SUM_BYTES);
    return memcmp(hash, p + n - SUM_BYTES, SUM_BYTES) == 0;
}

/* ---- reading addresses ---------------------------------------------- */

static void set_keyhash(struct ptd_script *s, const uint8_t *hash)
{
    static const uint8_t begin[] = { OP_DUP, OP_HASH160, HASH160_BYTES };

    memcpy(s->b, begin, sizeof begin);
    memcpy(s->b + 3, hash, HASH160_BYTES);
    s->b[23] = OP_EQUALVERIFY;
    s->b[24] = OP_CHECKSIG;
    s->n = 25;
}

static void set_scripthash(struct ptd_script *s, const uint8_t *hash)
{
    s->b[0] = OP_HASH160;
    s->b[1] = HASH160_BYTES;
    memcpy(s->b + 2, hash, HASH160_BYTES);
    s->b[22] = OP_EQUAL;
    s->n = 23;
}

static void set_witness(struct ptd_script *s, unsigned version,
                        const uint8_t *program, size_t n)
{
    s->b[0] = (uint8_t)(version == 0 ? OP_0 : OP_1 + version - 1);
    s->b[1] = (uint8_t)n;
    memcpy(s->b + 2, program, n);
    s->n = (uint8_t)(n + 2);
}

static bool decode_old(struct ptd_script *out, const struct ptd_params *params,
                       const char *address, char *why)
{
    uint8_t raw[BASE58_MAX];
    const char *text = "Invalid or unsupported Base58-encoded address.";
    size_t n;

    if (!decode_base58(raw, &n, address)) {
        text = "Invalid or unsupported Segwit (Bech32) or Base58 encoding.";
    } else if (!sum_is_right(raw, n)) {
        text = "Invalid checksum or length of Base58 address (P2PKH or P2SH)";
    } else if (n > SUM_BYTES && (raw[0] == params->base58_pubkey ||
                                 raw[0] == params->base58_script)) {
        if (n == BASE58_BYTES) {
            if (raw[0] == params->base58_pubkey)
                set_keyhash(out, raw + 1);
            else
                set_scripthash(out, raw + 1);
            return true;
        }
        text = "Invalid length for Base58 address (P2PKH or P2SH)";
    }
    snprintf(why, PTD_ADDRESS_WHY_SIZE, "%s", text);
    return false;
}

static bool decode_program(struct ptd_script *out, unsigned version,
                           const uint8_t *p, size_t n, char *why)
{
    const char *unit = n == 1 ? "byte" : "bytes";

    if (version == 0 && n != HASH160_BYTES && n != 32) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE,
                 "Invalid Bech32 v0 address program size (%zu %s), per BIP141",
                 n, unit);
    } else if (version > 16) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE,
                 "Invalid Bech32 address witness version");
    } else if (n < PROGRAM_MIN || n > PROGRAM_MAX) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE,
                 "Invalid Bech32 address program size (%zu %s)", n, unit);
    } else {
        set_witness(out, version, p, n);
        return true;
    }
    return false;
}

static bool decode_segwit(struct ptd_script *out,
                          const struct ptd_params *params, const char *address,
                          char *why)
{
    char hrp[PTD_BECH32_MAX + 1];
    uint8_t values[PTD_BECH32_MAX], program[PTD_BECH32_MAX];
    const char *text = NULL;
    size_t n, n_program;
    int place[2];
    enum ptd_bech32 kind = ptd_bech32_decode(hrp, values, &n, address);

    if (kind == PTD_BECH32_NONE) {
        text = ptd_bech32_locate_errors(place, &n, 2, address);
    } else if (n == 0) {
        text = "Empty Bech32 data section";
    } else if (strcmp(hrp, params->bech32_hrp) != 0) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE,
                 "Invalid or unsupported prefix for Segwit (Bech32) address "
                 "(expected %s, got %.60s).",
                 params->bech32_hrp, hrp);
        return false;
    } else if (values[0] == 0 && kind != PTD_BECH32) {
        text = "Version 0 witness address must use Bech32 checksum";
    } else if (values[0] != 0 && kind != PTD_BECH32M) {
        text = "Version 1+ witness address must use Bech32m checksum";
    } else if (!ptd_convert_bits(program, &n_program, 8, values + 1, n - 1, 5,
                                 false)) {
        text = "Invalid padding in Bech32 data section";
    } else {
        return decode_program(out, values[0], program, n_program, why);
    }
    snprintf(why, PTD_ADDRESS_WHY_SIZE, "%s", text);
    return false;
}

static bool begins_with(const char *text, const char *lower_case)
{
    for (; *lower_case != '\0'; text++, lower_case++) {
        char c =
            *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

        if (c != *lower_case)
            return false;
    }
    return true;
}

enum ptd_err ptd_address_decode(struct ptd_script *out,
                                const struct ptd_params *params,
                                const char *address, char *why)
{
    char unseen[PTD_ADDRESS_WHY_SIZE];
    bool ok;

    if (why == NULL)
        why = unseen;
    why[0] = '\0';
    ok = begins_with(address, params->bech32_hrp)
             ? decode_segwit(out, params, address, why)
             : decode_old(out, params, address, why);
    return ok ? PTD_OK : PTD_EBADVALUE;
}

/* ---- scripts -------------------------------------------------------- */

static bool is_keyhash(const uint8_t *s, size_t n)
{
    return n == 25 && s[0] == OP_DUP && s[1] == OP_HASH160 &&
           s[2] == HASH160_BYTES && s[23] == OP_EQUALVERIFY &&
           s[24] == OP_CHECKSIG;
}

static bool is_scripthash(const uint8_t *s, size_t n)
{
    return n == 23 && s[0] == OP_HASH160 && s[1] == HASH160_BYTES &&
           s[22] == OP_EQUAL;
}

/* BIP 141 */
static bool is_witness(const uint8_t *s, size_t n)
{
    return n >= PROGRAM_MIN + 2 && n <= PROGRAM_MAX + 2 &&
           (s[0] == OP_0 || (s[0] >= OP_1 && s[0] <= OP_16)) && s[1] == n - 2;
}

static bool is_key(const uint8_t *p, size_t n)
{
    return (n == KEY_BYTES && (p[0] == 2 || p[0] == 3)) ||
           (n == LONG_KEY_BYTES && (p[0] == 4 || p[0] == 6 || p[0] == 7));
}

static bool is_pubkey(const uint8_t *s, size_t n)
{
    return n >= 2 && s[n - 1] == OP_CHECKSIG && s[0] == n - 2 &&
           is_key(s + 1, n - 2);
}

/* M keys of N: small numbers as opcodes, or (beyond 16) as one-byte pushes. */
static bool small_number(unsigned *v, const uint8_t *s, size_t n, size_t *at)
{
    if (*at < n && s[*at] >= OP_1 && s[*at] <= OP_16) {
        *v = s[(*at)++] - OP_1 + 1u;
        return true;
    }
    if (n - *at >= 2 && *at < n && s[*at] == 1 && s[*at + 1] > 16 &&
        s[*at + 1] <= 20) {
        *v = s[*at + 1];
        *at += 2;
        return true;
    }
    return false;
}

static bool is_multisig(const uint8_t *s, size_t n)
{
    unsigned m, of, keys = 0;
    size_t at = 0;

    if (n < 1 || s[n - 1] != OP_CHECKMULTISIG || !small_number(&m, s, n, &at))
        return false;
    for (; at < n && (s[at] == KEY_BYTES || s[at] == LONG_KEY_BYTES);
         at += s[at] + 1u, keys++) {
        if (s[at] >= n - at || !is_key(s + at + 1, s[at]))
            return false;
    }
    return small_number(&of, s, n, &at) && of == keys && m <= of && at + 1 == n;
}

static bool pushes_only(const uint8_t *s, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t data = s[at], prefix = 0;

        if (s[at] > OP_16)
            return false;
        if (s[at] > OP_PUSHDATA4) {
            at++;
            continue;
        }
        if (s[at] > 0x4b) {
            prefix = (size_t)1 << (s[at] - 0x4c);
            if (n - at - 1 < prefix)
                return false;
            data = 0;
            for (size_t i = prefix; i > 0; i--)
                data = data << 8 | s[at + i];
        }
        if (data > n - at - 1 - prefix)
            return false;
        at += 1 + prefix + data;
    }
    return true;
}

static const char *witness_type(const uint8_t *s, size_t n)
{
    static const uint8_t anchor[] = { OP_1, 2, 0x4e, 0x73 };

    if (s[0] == OP_0)
        return n == 22   ? "witness_v0_keyhash"
               : n == 34 ? "witness_v0_scripthash"
                         : "nonstandard";
    if (s[0] == OP_1 && n == 34)
        return "witness_v1_taproot";
    if (n == sizeof anchor && memcmp(s, anchor, n) == 0)
        return "anchor";
    return "witness_unknown";
}

const char *ptd_script_type(const uint8_t *script, size_t n)
{
    if (is_scripthash(script, n))
        return "scripthash";
    if (is_witness(script, n))
        return witness_type(script, n);
    if (n >= 1 && script[0] == OP_RETURN && pushes_only(script + 1, n - 1))
        return "nulldata";
    if (is_pubkey(script, n))
        return "pubkey";
    if (is_keyhash(script, n))
        return "pubkeyhash";
    if (is_multisig(script, n))
        return "multisig";
    return "nonstandard";
}

/* ---- writing addresses ---------------------------------------------- */

static void encode_old(char *out, uint8_t prefix, const uint8_t *hash160)
{
    uint8_t raw[BASE58_BYTES], sum[32];

    raw[0] = prefix;
    memcpy(raw + 1, hash160, HASH160_BYTES);
    ptd_sha256d(sum, raw, 1 + HASH160_BYTES);
    memcpy(raw + 1 + HASH160_BYTES, sum, SUM_BYTES);
    encode_base58(out, raw, sizeof raw);
}

static void encode_segwit(char *out, const struct ptd_params *params,
                          const uint8_t *s, size_t n)
{
    uint8_t values[1 + (PROGRAM_MAX * 8 + 4) / 5];
    size_t n_values;

    values[0] = (uint8_t)(s[0] == OP_0 ? 0 : s[0] - OP_1 + 1);
    (void)!ptd_convert_bits(values + 1, &n_values, 5, s + 2, n - 2, 8, true);
    ptd_bech32_encode(out, s[0] == OP_0 ? PTD_BECH32 : PTD_BECH32M,
                      params->bech32_hrp, values, n_values + 1);
}

bool ptd_address_encode(char out[PTD_ADDRESS_SIZE],
                        const struct ptd_params *params, const uint8_t *script,
                        size_t n)
{
    out[0] = '\0';
    if (is_keyhash(script, n))
        encode_old(out, params->base58_pubkey, script + 3);
    else if (is_scripthash(script, n))
        encode_old(out, params->base58_script, script + 2);
    else if (is_witness(script, n) &&
             strcmp(witness_type(script, n), "nonstandard") != 0)
        encode_segwit(out, params, script, n);
    return out[0] != '\0';
}
