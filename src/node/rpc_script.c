/* Scripts as people read them: operations by name, and descriptors. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "chain/opcode.h"
#include "chain/script_addr.h"
#include "node/rpc_methods.h"
#include "rpc/json.h"

/* Operations from OP_NOP to OP_CHECKSIGADD. */
static const char names[OP_CHECKSIGADD - OP_NOP + 1][24] = {
    "NOP",
    "VER",
    "IF",
    "NOTIF",
    "VERIF",
    "VERNOTIF",
    "ELSE",
    "ENDIF",
    "VERIFY",
    "RETURN",
    "TOALTSTACK",
    "FROMALTSTACK",
    "2DROP",
    "2DUP",
    "3DUP",
    "2OVER",
    "2ROT",
    "2SWAP",
    "IFDUP",
    "DEPTH",
    "DROP",
    "DUP",
    "NIP",
    "OVER",
    "PICK",
    "ROLL",
    "ROT",
    "SWAP",
    "TUCK",
    "CAT",
    "SUBSTR",
    "LEFT",
    "RIGHT",
    "SIZE",
    "INVERT",
    "AND",
    "OR",
    "XOR",
    "EQUAL",
    "EQUALVERIFY",
    "RESERVED1",
    "RESERVED2",
    "1ADD",
    "1SUB",
    "2MUL",
    "2DIV",
    "NEGATE",
    "ABS",
    "NOT",
    "0NOTEQUAL",
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MOD",
    "LSHIFT",
    "RSHIFT",
    "BOOLAND",
    "BOOLOR",
    "NUMEQUAL",
    "NUMEQUALVERIFY",
    "NUMNOTEQUAL",
    "LESSTHAN",
    "GREATERTHAN",
    "LESSTHANOREQUAL",
    "GREATERTHANOREQUAL",
    "MIN",
    "MAX",
    "WITHIN",
    "RIPEMD160",
    "SHA1",
    "SHA256",
    "HASH160",
    "HASH256",
    "CODESEPARATOR",
    "CHECKSIG",
    "CHECKSIGVERIFY",
    "CHECKMULTISIG",
    "CHECKMULTISIGVERIFY",
    "NOP1",
    "CHECKLOCKTIMEVERIFY",
    "CHECKSEQUENCEVERIFY",
    "NOP4",
    "NOP5",
    "NOP6",
    "NOP7",
    "NOP8",
    "NOP9",
    "NOP10",
    "CHECKSIGADD",
};

/* ---- one operation ---------------------------------------------------------- */

struct op {
    uint8_t code;
    const uint8_t *data; /* that it pushes; n of it */
    size_t n;
};

/* False: the script ends inside. */
static bool next_op(struct op *o, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    size_t n_size = 0;

    *o = (struct op){ .code = *p++ };
    if (o->code < OP_PUSHDATA1)
        o->n = o->code;
    else if (o->code <= OP_PUSHDATA4)
        n_size = (size_t)1 << (o->code - OP_PUSHDATA1);
    if ((size_t)(end - p) < n_size)
        return false;
    for (size_t i = 0; i < n_size; i++)
        o->n |= (size_t)p[i] << (8 * i);
    p += n_size;
    if ((size_t)(end - p) < o->n)
        return false;
    o->data = p;
    *at = p + o->n;
    return true;
}

/* A number as scripts have it: lowest byte first, the sign in the last bit. */
static int64_t number(const uint8_t *p, size_t n)
{
    int64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v |= (int64_t)(i + 1 == n ? p[i] & 0x7f : p[i]) << (8 * i);
    return n > 0 && (p[n - 1] & 0x80) ? -v : v;
}

/* ---- signatures -------------------------------------------------------------- */

/* An integer of a signature at p: positive, without a needless zero. Gives its
 * whole length, 0 if it is none. BIP 66. */
static size_t der_integer(const uint8_t *p, size_t n)
{
    size_t len;

    if (n < 3 || p[0] != 0x02)
        return 0;
    len = p[1];
    if (len == 0 || len > n - 2 || (p[2] & 0x80) ||
        (len > 1 && p[2] == 0 && !(p[3] & 0x80)))
        return 0;
    return len + 2;
}

/* The way in which it signs, as in "[ALL|ANYONECANPAY]"; NULL: it is no
 * signature. BIP 66: 0x30 length, two integers, and the way. */
static const char *way_of_signature(const uint8_t *p, size_t n)
{
    static const char *const ways[2][3] = {
        { "ALL", "NONE", "SINGLE" },
        { "ALL|ANYONECANPAY", "NONE|ANYONECANPAY", "SINGLE|ANYONECANPAY" },
    };
    size_t r, s;
    uint8_t way;

    if (n < 9 || n > 73 || p[0] != 0x30 || p[1] != n - 3)
        return NULL;
    r = der_integer(p + 2, n - 3);
    s = r > 0 ? der_integer(p + 2 + r, n - 3 - r) : 0;
    way = p[n - 1];
    if (s == 0 || r + s != n - 3 || (way & 0x7f) < 1 || (way & 0x7f) > 3)
        return NULL;
    return ways[way >> 7][(way & 0x7f) - 1];
}

/* ---- as text ----------------------------------------------------------------- */

static void add_hex(struct ptd_text *t, const uint8_t *p, size_t n)
{
    char two[3];

    for (size_t i = 0; i < n; i++)
        ptd_text_puts(t, ptd_hex_encode(two, p + i, 1));
}

static void add_push(struct ptd_text *t, const struct op *o, bool shows_way)
{
    const char *way;

    if (o->n <= 4) {
        ptd_text_printf(t, "%" PRId64, number(o->data, o->n));
        return;
    }
    way = shows_way ? way_of_signature(o->data, o->n) : NULL;
    add_hex(t, o->data, way != NULL ? o->n - 1 : o->n);
    if (way != NULL)
        ptd_text_printf(t, "[%s]", way);
}

static void add_op(struct ptd_text *t, const struct op *o, bool shows_way)
{
    if (o->code <= OP_PUSHDATA4)
        add_push(t, o, shows_way);
    else if (o->code == OP_1NEGATE)
        ptd_text_puts(t, "-1");
    else if (o->code == OP_RESERVED)
        ptd_text_puts(t, "OP_RESERVED");
    else if (o->code <= OP_16)
        ptd_text_printf(t, "%d", o->code - OP_1 + 1);
    else if (o->code <= OP_CHECKSIGADD)
        ptd_text_printf(t, "OP_%s", names[o->code - OP_NOP]);
    else
        ptd_text_puts(t, o->code == OP_INVALID ? "OP_INVALIDOPCODE"
                                               : "OP_UNKNOWN");
}

static json_t *take(struct ptd_text *t)
{
    json_t *v = t->failed ? NULL : ptd_json_text(t->n > 0 ? t->v : "", t->n);

    ptd_text_fini(t);
    return v;
}

json_t *rpc_script_asm(const uint8_t *script, size_t n,
                       enum rpc_script_kind kind)
{
    const uint8_t *at = script, *end = script + n;
    /* Nobody can spend with a script that begins so: it has no signatures. */
    const bool shows_way =
        kind == RPC_SCRIPT_SPENDS && !(n > 0 && script[0] == OP_RETURN);
    struct ptd_text t = { 0 };
    struct op o;

    while (at < end) {
        if (at != script)
            ptd_text_puts(&t, " ");
        if (!next_op(&o, &at, end)) {
            ptd_text_puts(&t, "[error]");
            break;
        }
        add_op(&t, &o, shows_way);
    }
    return take(&t);
}

/* ---- descriptors --------------------------------------------------------------- */

/* A key that a descriptor can name, by its first byte and length. */
static bool is_key(const struct op *o)
{
    return (o->n == 33 && (o->data[0] == 2 || o->data[0] == 3)) ||
           (o->n == 65 && o->data[0] == 4);
}

/* pk(KEY); false: it is another script. */
static bool add_pk(struct ptd_text *t, const uint8_t *script, size_t n)
{
    const uint8_t *at = script;
    struct op key;

    if (strcmp(ptd_script_type(script, n), "pubkey") != 0 ||
        !next_op(&key, &at, script + n) || !is_key(&key))
        return false;
    ptd_text_puts(t, "pk(");
    add_hex(t, key.data, key.n);
    ptd_text_puts(t, ")");
    return true;
}

/* multi(2,KEY,KEY,KEY), likewise. */
static bool add_multi(struct ptd_text *t, const uint8_t *script, size_t n)
{
    const uint8_t *at = script, *end = script + n;
    struct op needed, key;

    if (strcmp(ptd_script_type(script, n), "multisig") != 0 ||
        !next_op(&needed, &at, end) || needed.code < OP_1 ||
        needed.code > OP_16)
        return false;
    for (const uint8_t *look = at; next_op(&key, &look, end) && key.n > 1;)
        if (!is_key(&key))
            return false;
    ptd_text_printf(t, "multi(%d", needed.code - OP_1 + 1);
    while (next_op(&key, &at, end) && key.n > 1) {
        ptd_text_puts(t, ",");
        add_hex(t, key.data, key.n);
    }
    ptd_text_puts(t, ")");
    return true;
}

json_t *rpc_script_descriptor(const struct ptd_params *params,
                              const uint8_t *script, size_t n)
{
    char address[PTD_ADDRESS_SIZE], sum[PTD_DESCRIPTOR_SUM_SIZE];
    struct ptd_text t = { 0 };

    if (add_pk(&t, script, n) || add_multi(&t, script, n)) {
        /* it has keys */
    } else if (ptd_address_encode(address, params, script, n)) {
        ptd_text_printf(&t, "addr(%s)", address);
    } else {
        ptd_text_puts(&t, "raw(");
        add_hex(&t, script, n);
        ptd_text_puts(&t, ")");
    }
    if (!t.failed && ptd_descriptor_checksum(sum, t.v, t.n))
        ptd_text_printf(&t, "#%s", sum);
    return take(&t);
}
