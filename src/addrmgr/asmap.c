#include <config.h>

#include "addrmgr/asmap.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

/* The code is a stream of bits, the lowest of each byte first. */
struct code {
    const uint8_t *p;
    size_t at;  /* next bit */
    size_t end; /* behind the last bit */
};

enum opcode {
    OP_RETURN, /* 0: the answer is arg */
    OP_JUMP,   /* 10: if the next bit of the address is set, skip arg bits */
    OP_MATCH,  /* 110: the next bits must be arg's, below its highest one bit;
                  else the answer is the default */
    OP_DEFAULT /* 111: from now on the default is arg */
};

struct instruction {
    enum opcode op;
    uint32_t arg;
};

enum { ADDRESS_BITS = 128 };

static bool read_bit(struct code *c, unsigned *out)
{
    if (c->at >= c->end)
        return false;
    *out = c->p[c->at / 8] >> c->at % 8 & 1;
    c->at++;
    return true;
}

static bool read_bits(struct code *c, unsigned n, uint32_t *out)
{
    unsigned bit;

    for (*out = 0; n > 0; n--) {
        if (!read_bit(c, &bit))
            return false;
        *out = *out << 1 | bit;
    }
    return true;
}

/* A number from `least` on, in classes of growing width: a one bit for every
 * class that is too small, a zero bit (not before the widest), the place within
 * the class. */
static bool read_number(struct code *c, uint32_t least, unsigned narrowest,
                        unsigned widest, uint32_t *out)
{
    uint32_t rest;
    unsigned more;

    *out = least;
    for (unsigned width = narrowest;; width++) {
        if (width == widest)
            more = 0;
        else if (!read_bit(c, &more))
            return false;
        if (more == 0) {
            if (!read_bits(c, width, &rest))
                return false;
            *out += rest;
            return true;
        }
        *out += UINT32_C(1) << width;
    }
}

static bool read_opcode(struct code *c, enum opcode *op)
{
    static const enum opcode after_ones[] = { OP_RETURN, OP_JUMP, OP_MATCH };

    for (size_t ones = 0; ones < PTD_COUNT(after_ones); ones++) {
        unsigned bit;

        if (!read_bit(c, &bit))
            return false;
        if (bit == 0) {
            *op = after_ones[ones];
            return true;
        }
    }
    *op = OP_DEFAULT;
    return true;
}

/* False if the code ends within. */
static bool read_instruction(struct code *c, struct instruction *out)
{
    if (!read_opcode(c, &out->op))
        return false;
    switch (out->op) {
    case OP_RETURN:
    case OP_DEFAULT: return read_number(c, 1, 15, 24, &out->arg);
    case OP_JUMP: return read_number(c, 17, 5, 30, &out->arg);
    case OP_MATCH: return read_number(c, 2, 1, 8, &out->arg);
    }
    return false;
}

/* Bits that a match compares: those below the highest one bit of 2 … 511. */
static unsigned match_bits(uint32_t arg)
{
    unsigned n = 0;

    while (arg >> (n + 1) != 0)
        n++;
    return n;
}

/* ---- looking up ------------------------------------------------------ */

static unsigned address_bit(const uint8_t ip[16], unsigned at)
{
    return ip[at / 8] >> (7 - at % 8) & 1;
}

/* True if the address goes on with the match's bits, which are then used. */
static bool matches(const uint8_t ip[16], unsigned *used, uint32_t arg)
{
    for (unsigned n = match_bits(arg); n > 0; n--) {
        if (*used == ADDRESS_BITS ||
            address_bit(ip, (*used)++) != (arg >> (n - 1) & 1))
            return false;
    }
    return true;
}

uint32_t ptd_asmap_lookup(const uint8_t *map, size_t n, const uint8_t ip[16])
{
    struct code c = { .p = map, .end = n * 8 };
    struct instruction in;
    uint32_t otherwise = 0;
    unsigned used = 0;

    while (read_instruction(&c, &in)) {
        switch (in.op) {
        case OP_RETURN: return in.arg;
        case OP_DEFAULT: otherwise = in.arg; break;
        case OP_MATCH:
            if (!matches(ip, &used, in.arg))
                return otherwise;
            break;
        case OP_JUMP:
            if (used == ADDRESS_BITS || in.arg >= c.end - c.at)
                return 0;
            if (address_bit(ip, used++) != 0)
                c.at += in.arg;
            break;
        }
    }
    return 0;
}

/* ---- checking -------------------------------------------------------- */

/* Where a jump leads, and how many bits of the address are left then. */
struct target {
    size_t at;
    unsigned bits;
};

/* The state of a walk over all code in order. Jumps nest: the innermost target
 * comes first. */
struct walk {
    struct code c;
    unsigned bits; /* of the address not yet used here */
    enum opcode last;
    bool short_match; /* within the running row of matches */
    size_t n_targets;
    struct target target[ADDRESS_BITS]; /* each jump uses one bit */
};

static const struct target *innermost(const struct walk *w)
{
    return w->n_targets > 0 ? &w->target[w->n_targets - 1] : NULL;
}

static bool walk_jump(struct walk *w, uint32_t distance)
{
    const struct target *inner = innermost(w);
    size_t to = w->c.at + distance;

    if (distance > w->c.end - w->c.at || w->bits == 0 ||
        (inner != NULL && to >= inner->at))
        return false;
    w->bits--;
    w->target[w->n_targets++] = (struct target){ to, w->bits };
    return true;
}

/* In a row of matches at most one may be shorter than 8 bits: otherwise the
 * same could be said with fewer. */
static bool walk_match(struct walk *w, uint32_t arg)
{
    unsigned n = match_bits(arg);

    if (w->last != OP_MATCH)
        w->short_match = false;
    if ((n < 8 && w->short_match) || n > w->bits)
        return false;
    w->short_match = n < 8;
    w->bits -= n;
    return true;
}

/* Behind the last answer: less than a byte, and zeros. */
static bool is_padding(struct code *c)
{
    unsigned bit;

    if (c->end - c->at > 7)
        return false;
    while (read_bit(c, &bit)) {
        if (bit != 0)
            return false;
    }
    return true;
}

/* An answer ends one way through the code; what follows must be where the
 * innermost jump leads. False: it is not, or there is no jump left. */
static bool walk_return(struct walk *w)
{
    const struct target *inner = innermost(w);

    if (inner == NULL || w->c.at != inner->at)
        return false;
    w->bits = inner->bits;
    w->n_targets--;
    return true;
}

bool ptd_asmap_is_sane(const uint8_t *map, size_t n, unsigned bits)
{
    struct walk w = { .c = { .p = map, .end = n * 8 },
                      .bits = bits,
                      .last = OP_JUMP };
    struct instruction in;

    PTD_ASSERT(bits <= ADDRESS_BITS);
    if (n > PTD_ASMAP_MAX_BYTES)
        return false;
    while (innermost(&w) == NULL || w.c.at < innermost(&w)->at) {
        bool ok = read_instruction(&w.c, &in);

        /* A default behind a default, or before an answer, is useless. */
        if (!ok || (w.last == OP_DEFAULT &&
                    (in.op == OP_DEFAULT || in.op == OP_RETURN)))
            return false;
        switch (in.op) {
        case OP_RETURN:
            if (w.n_targets == 0)
                return is_padding(&w.c);
            ok = walk_return(&w);
            in.op = OP_JUMP; /* as if it had come here by the jump */
            break;
        case OP_JUMP: ok = walk_jump(&w, in.arg); break;
        case OP_MATCH: ok = walk_match(&w, in.arg); break;
        case OP_DEFAULT: break;
        }
        if (!ok)
            return false;
        w.last = in.op;
    }
    return false;
}

/* ---- files ----------------------------------------------------------- */

void ptd_asmap_version(struct ptd_hash *out, const uint8_t *map, size_t n)
{
    if (n == 0)
        *out = (struct ptd_hash){ { 0 } };
    else
        ptd_sha256d(out->b, map, n);
}

enum ptd_err ptd_asmap_load(uint8_t **map, size_t *n, char why[PTD_ASMAP_WHY],
                            const char *path)
{
    enum ptd_err e = ptd_file_read(map, n, path, PTD_ASMAP_MAX_BYTES);

    if (e == PTD_ENOTFOUND)
        snprintf(why, PTD_ASMAP_WHY, "Could not find asmap file \"%s\"", path);
    if (e == PTD_OK)
        ptd_log_info("Opened asmap file \"%s\" (%zu bytes) from disk", path,
                     *n);
    if (e == PTD_OK && !ptd_asmap_is_sane(*map, *n, ADDRESS_BITS)) {
        ptd_log_warn("Sanity check of asmap file \"%s\" failed", path);
        ptd_free(*map);
        e = PTD_EBADVALUE;
    }
    if (e != PTD_OK && e != PTD_ENOTFOUND)
        snprintf(why, PTD_ASMAP_WHY, "Could not parse asmap file \"%s\"", path);
    return e;
}
