#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "chain/script_addr.h"

enum { SUM_CHARS = PTD_DESCRIPTOR_SUM_SIZE - 1 };

/* ---- checksum: BIP 380 ---------------------------------------------- */

/* Characters of one group of 32 are likely to be mistaken for each other. */
static const char input[] = "0123456789()[],'/*abcdefgh@:$%{}"
                            "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
                            "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
static const char output[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint64_t polymod_step(uint64_t sum, unsigned value)
{
    static const uint64_t generator[] = { 0xf5dee51989, 0xa9fdca3312,
                                          0x1bab10e32d, 0x3706b1677a,
                                          0x644d626ffd };
    unsigned top = (unsigned)(sum >> 35);

    sum = (sum & 0x7ffffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++) {
        if (top >> i & 1)
            sum ^= generator[i];
    }
    return sum;
}

bool ptd_descriptor_checksum(char out[PTD_DESCRIPTOR_SUM_SIZE],
                             const char *text, size_t n)
{
    uint64_t sum = 1;
    unsigned groups = 0, n_groups = 0;

    for (size_t i = 0; i < n; i++) {
        const char *at = text[i] != '\0' ? strchr(input, text[i]) : NULL;
        unsigned v;

        if (at == NULL)
            return false;
        v = (unsigned)(at - input);
        sum = polymod_step(sum, v & 31);
        groups = groups * 3 + (v >> 5);
        if (++n_groups == 3) {
            sum = polymod_step(sum, groups);
            groups = n_groups = 0;
        }
    }
    if (n_groups > 0)
        sum = polymod_step(sum, groups);
    for (unsigned i = 0; i < SUM_CHARS; i++)
        sum = polymod_step(sum, 0);
    sum ^= 1;
    for (unsigned i = 0; i < SUM_CHARS; i++)
        out[i] = output[sum >> 5 * (SUM_CHARS - 1 - i) & 31];
    out[SUM_CHARS] = '\0';
    return true;
}

/* Cut the checksum off; false if it is wrong. */
static bool check_sum(size_t *n, const char *text, char *why)
{
    const char *mark = strchr(text, '#');
    char want[PTD_DESCRIPTOR_SUM_SIZE];

    *n = mark != NULL ? (size_t)(mark - text) : strlen(text);
    if (mark != NULL && strchr(mark + 1, '#') != NULL) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE, "Multiple '#' symbols");
        return false;
    }
    if (mark != NULL && strlen(mark + 1) != SUM_CHARS) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE,
                 "Expected 8 character checksum, not %zu characters",
                 strlen(mark + 1));
        return false;
    }
    if (!ptd_descriptor_checksum(want, text, *n)) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE, "Invalid characters in payload");
        return false;
    }
    if (mark == NULL || strcmp(mark + 1, want) == 0)
        return true;
    snprintf(why, PTD_ADDRESS_WHY_SIZE,
             "Provided checksum '%s' does not match computed checksum '%s'",
             mark + 1, want);
    return false;
}

/* ---- functions ------------------------------------------------------ */

/* The argument of NAME(...), in newly allocated memory. PTD_ENOTFOUND: it is
 * another function. */
static enum ptd_err argument(char **out, const char *name, const char *text,
                             size_t n)
{
    size_t n_name = strlen(name);

    if (n < n_name + 2 || strncmp(text, name, n_name) != 0 ||
        text[n_name] != '(' || text[n - 1] != ')')
        return PTD_ENOTFOUND;
    n -= n_name + 2;
    *out = ptd_alloc(n + 1);
    if (*out == NULL)
        return PTD_ENOMEM;
    memcpy(*out, text + n_name + 1, n);
    (*out)[n] = '\0';
    return PTD_OK;
}

static enum ptd_err from_address(uint8_t **script, size_t *n,
                                 const struct ptd_params *params,
                                 const char *address, char *why)
{
    struct ptd_script s;

    if (ptd_address_decode(&s, params, address, NULL) != PTD_OK) {
        snprintf(why, PTD_ADDRESS_WHY_SIZE, "Address is not valid");
        return PTD_EBADVALUE;
    }
    *n = s.n;
    *script = ptd_memdup(s.b, s.n);
    return *script != NULL ? PTD_OK : PTD_ENOMEM;
}

static enum ptd_err from_hex(uint8_t **script, size_t *n, const char *hex,
                             char *why)
{
    size_t cap = strlen(hex) / 2;

    *script = ptd_alloc(cap);
    if (*script == NULL)
        return PTD_ENOMEM;
    if (*hex != '\0' && ptd_hex_decode(*script, cap, n, hex))
        return PTD_OK;
    ptd_free(*script);
    snprintf(why, PTD_ADDRESS_WHY_SIZE, "Raw script is not hex");
    return PTD_EBADVALUE;
}

enum ptd_err ptd_descriptor_decode(uint8_t **script, size_t *n,
                                   const struct ptd_params *params,
                                   const char *text, char *why)
{
    char unseen[PTD_ADDRESS_WHY_SIZE];
    size_t n_text;
    char *arg;
    enum ptd_err e;

    if (why == NULL)
        why = unseen;
    why[0] = '\0';
    if (!check_sum(&n_text, text, why))
        return PTD_EBADVALUE;
    if ((e = argument(&arg, "addr", text, n_text)) == PTD_OK) {
        e = from_address(script, n, params, arg, why);
        ptd_free(arg);
        return e;
    }
    if (e == PTD_ENOTFOUND &&
        (e = argument(&arg, "raw", text, n_text)) == PTD_OK) {
        e = from_hex(script, n, arg, why);
        ptd_free(arg);
        return e;
    }
    if (e != PTD_ENOTFOUND)
        return e;
    snprintf(why, PTD_ADDRESS_WHY_SIZE,
             "'%.*s' is not a valid descriptor function",
             (int)(n_text > 80 ? 80 : n_text), text);
    return PTD_EBADVALUE;
}
