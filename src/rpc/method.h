/* method.h - what a remote procedure is: its name, its documentation, its
 * function.
 *
 * A method is a constant: its arguments and results are described once, and
 * from the description come the checks of count and type, the names, the help
 * text and (-rpcdoccheck) the check of what the function returns. The function
 * runs on a worker thread of the server, may run several times at once, and
 * may block as long as it watches ptd_rpc_quit(); for what may take long it says
 * so with ptd_rpc_wait_begin().
 *
 *     static json_t *getblockcount(struct ptd_rpc_call *call, void *arg)
 *     {
 *         struct ptd_node *n = arg;
 *         return json_integer(ptd_headers_height(ptd_node_headers(n)));
 *     }
 *     static const struct ptd_rpc_method methods[] = {
 *         { .name = "getblockcount", .category = "blockchain",
 *           .text = "Returns the height of the most-work chain.\n",
 *           .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "The height")),
 *           .fn = getblockcount },
 *     };
 *
 * Threads  any; everything here is constant, a call belongs to its worker
 * Source   Bitcoin Core's rpc/util.h and rpc/server.cpp, for layout and texts
 */
#ifndef PTD_RPC_METHOD_H
#define PTD_RPC_METHOD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/chan.h"
#include "pentad/hash.h"

/* Error codes of Bitcoin Core and of JSON-RPC. */
enum ptd_rpc_code {
    PTD_RPC_MISC_ERROR = -1,
    PTD_RPC_TYPE_ERROR = -3,
    PTD_RPC_INVALID_ADDRESS_OR_KEY = -5,
    PTD_RPC_OUT_OF_MEMORY = -7,
    PTD_RPC_INVALID_PARAMETER = -8,
    PTD_RPC_CLIENT_NOT_CONNECTED = -9,
    PTD_RPC_CLIENT_IN_INITIAL_DOWNLOAD = -10,
    PTD_RPC_DATABASE_ERROR = -20,
    PTD_RPC_DESERIALIZATION_ERROR = -22,
    PTD_RPC_CLIENT_NODE_ALREADY_ADDED = -23,
    PTD_RPC_CLIENT_NODE_NOT_ADDED = -24,
    PTD_RPC_VERIFY_ERROR = -25,
    PTD_RPC_VERIFY_REJECTED = -26,
    PTD_RPC_VERIFY_ALREADY_IN_UTXO_SET = -27,
    PTD_RPC_IN_WARMUP = -28,
    PTD_RPC_CLIENT_NODE_NOT_CONNECTED = -29,
    PTD_RPC_CLIENT_INVALID_IP_OR_SUBNET = -30,
    PTD_RPC_CLIENT_P2P_DISABLED = -31,
    PTD_RPC_METHOD_DEPRECATED = -32,
    PTD_RPC_CLIENT_MEMPOOL_DISABLED = -33,
    PTD_RPC_CLIENT_NODE_CAPACITY_REACHED = -34,
    PTD_RPC_INVALID_REQUEST = -32600,
    PTD_RPC_METHOD_NOT_FOUND = -32601,
    PTD_RPC_INVALID_PARAMS = -32602,
    PTD_RPC_INTERNAL_ERROR = -32603,
    PTD_RPC_PARSE_ERROR = -32700
};

/* ---- documentation of arguments ------------------------------------------- */

enum ptd_rpc_arg_type {
    PTD_RPC_A_END, /* ends a list: what a zeroed entry is */
    PTD_RPC_A_STR,
    PTD_RPC_A_HEX, /* a string of hexadecimal digits */
    PTD_RPC_A_NUM,
    PTD_RPC_A_BOOL,
    PTD_RPC_A_AMOUNT,        /* number or string, checked by its reader */
    PTD_RPC_A_RANGE,         /* number or [begin,end], checked by its reader */
    PTD_RPC_A_ARR,           /* of what inner says */
    PTD_RPC_A_OBJ,           /* with the keys that inner says */
    PTD_RPC_A_OBJ_USER_KEYS, /* with keys that the user chooses */
    PTD_RPC_A_OBJ_NAMED /* like OBJ; its keys may be given as named arguments */
};

enum ptd_rpc_need {
    PTD_RPC_REQUIRED,
    PTD_RPC_OMITTED,     /* optional; null if not given */
    PTD_RPC_DEFAULT_HINT /* optional; `otherwise` says what then, in words, or
                            as the JSON text of the default ("\"str\"", "0") */
};

enum ptd_rpc_arg_flags {
    PTD_RPC_ARG_HIDDEN = 1,  /* it and what follows is not in the help */
    PTD_RPC_ARG_ANY_TYPE = 2 /* its type is not checked */
};

struct ptd_rpc_arg {
    const char *names; /* "name|alias"; "" inside an array */
    enum ptd_rpc_arg_type type;
    enum ptd_rpc_need need;
    const char *otherwise; /* with PTD_RPC_DEFAULT_HINT */
    const char *text;      /* what it is; may have several lines */
    const struct ptd_rpc_arg
        *inner;            /* of ARR and OBJ*; ends with PTD_RPC_A_END */
    const char *oneline;   /* NULL, or how the first line of help shows it */
    const char *type_left; /* NULL, or both: how lists show its type, */
    const char *type_text; /* and its description ("string or numeric") */
    unsigned flags;        /* of enum ptd_rpc_arg_flags */
};

/* One argument; what is not said is by designated initializers:
 *
 *     PTD_RPC_ARG(NUM, "nblocks", REQUIRED, "How many blocks"),
 *     PTD_RPC_ARG(BOOL, "verbose|verbosity", DEFAULT_HINT, "Tell more",
 *                 .otherwise = "false"),
 *     PTD_RPC_ARG(ARR, "hashes", REQUIRED, "Which ones",
 *                 .inner = PTD_RPC_ARGS(
 *                     PTD_RPC_ARG(HEX, "hash", OMITTED, "A block's hash"))) */
#define PTD_RPC_ARG(kind, name, must, what, ...)                               \
    {                                                                          \
        .names = (name), .type = PTD_RPC_A_##kind, .need = PTD_RPC_##must,     \
        .text = (what), __VA_ARGS__                                            \
    }

/* A list of arguments, ended. */
#define PTD_RPC_ARGS(...)                                                      \
    (const struct ptd_rpc_arg[])                                               \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
            .type = PTD_RPC_A_END                                              \
        }                                                                      \
    }

/* ---- documentation of results --------------------------------------------- */

enum ptd_rpc_result_type {
    PTD_RPC_R_END, /* ends a list: what a zeroed entry is */
    PTD_RPC_R_STR,
    PTD_RPC_R_HEX,
    PTD_RPC_R_NUM,
    PTD_RPC_R_AMOUNT, /* a number made by ptd_json_amount() */
    PTD_RPC_R_TIME,   /* seconds since 1970 */
    PTD_RPC_R_BOOL,
    PTD_RPC_R_NONE, /* null */
    PTD_RPC_R_ARR,
    PTD_RPC_R_ARR_FIXED, /* as many entries as inner has */
    PTD_RPC_R_OBJ,       /* without inner: "empty JSON object" */
    PTD_RPC_R_OBJ_DYN,   /* keys that are no literals */
    PTD_RPC_R_ELISION,   /* "...": not described further, nor checked */
    PTD_RPC_R_ANY        /* not described, nor checked */
};

struct ptd_rpc_result {
    enum ptd_rpc_result_type type;
    const char *key;                    /* inside OBJ and OBJ_DYN */
    const char *text;                   /* NULL: none */
    const struct ptd_rpc_result *inner; /* ends with PTD_RPC_R_END */
    const char *when; /* outermost: "for verbosity = 0"; NULL: always */
    bool optional;    /* may be absent */
    bool unchecked;   /* -rpcdoccheck does not look at it */
};

/* One result, likewise; `name` is NULL outside an object:
 *
 *     PTD_RPC_RESULT(NUM, "height", "Of the block"),
 *     PTD_RPC_RESULT(HEX, "hash", "Its hash", .optional = true),
 *     PTD_RPC_RESULT(OBJ, NULL, "All of it", .when = "for verbosity = 1",
 *                    .inner = PTD_RPC_RESULTS(...)) */
#define PTD_RPC_RESULT(kind, name, what, ...)                                  \
    {                                                                          \
        .type = PTD_RPC_R_##kind, .key = (name), .text = (what), __VA_ARGS__   \
    }

/* A list of results, ended: the members of an object, the kinds of entry of an
 * array; outermost, what a method may return. */
#define PTD_RPC_RESULTS(...)                                                   \
    (const struct ptd_rpc_result[])                                            \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
            .type = PTD_RPC_R_END                                              \
        }                                                                      \
    }

/* ---- methods -------------------------------------------------------------- */

struct ptd_rpc_call;

/* Carry a call out. The count of arguments and their types were checked, named
 * ones are in their places.
 *
 * arg      what was given with the methods
 * Returns  the result (a new reference); NULL after ptd_rpc_fail(). NULL
 *          without it stands for lack of memory, so that a jansson constructor
 *          can be returned as it is.
 */
typedef json_t *ptd_rpc_fn(struct ptd_rpc_call *call, void *arg);

struct ptd_rpc_method {
    const char *name;
    const char *category; /* "network"; "hidden" is not listed by help */
    const char *text;     /* the description; ends with a newline */
    const struct ptd_rpc_arg *args;       /* NULL: none */
    const struct ptd_rpc_result *results; /* one, or several with `when` */
    const char *examples; /* NULL: none; PTD_RPC_EXAMPLE makes lines */
    ptd_rpc_fn *fn;
};

/* Two lines of examples, by pentad-cli and by curl; params are literals, as
 * each wants them: PTD_RPC_EXAMPLE("getblockhash", "1000", "1000"). */
#define PTD_RPC_EXAMPLE(method, cli_params, json_params)                       \
    PTD_RPC_EXAMPLE_CLI(method, cli_params)                                    \
    PTD_RPC_EXAMPLE_CURL(method, json_params)
#define PTD_RPC_EXAMPLE_CLI(method, params)                                    \
    "> pentad-cli " method " " params "\n"
#define PTD_RPC_EXAMPLE_CURL(method, params)                                   \
    "> curl --user myusername --data-binary '{\"jsonrpc\": \"2.0\", \"id\": "  \
    "\"curltest\", \"method\": \"" method "\", \"params\": [" params           \
    "]}' -H 'content-type: application/json' http://127.0.0.1:8332/\n"

/* ---- inside a method ------------------------------------------------------ */

/* Say why the call fails; the first time counts. Gives NULL, so that a method
 * can return it. */
json_t *ptd_rpc_fail(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                     const char *format, ...) PTD_PRINTF(3, 4)
    PTD_NONNULL(1, 3);

/* As ptd_rpc_fail(), with the method's help as the text: for arguments whose
 * values the help lists. */
json_t *ptd_rpc_fail_usage(struct ptd_rpc_call *call, enum ptd_rpc_code code)
    PTD_NONNULL(1);

/* As ptd_rpc_fail() for lack of memory. */
json_t *ptd_rpc_fail_memory(struct ptd_rpc_call *call) PTD_NONNULL(1);

bool ptd_rpc_has_failed(const struct ptd_rpc_call *call) PTD_NONNULL(1);

/* How many arguments were given, with trailing nulls. */
size_t ptd_rpc_n_args(const struct ptd_rpc_call *call) PTD_NONNULL(1);

/* The i-th argument, borrowed; NULL if it was not given, or is null. */
const json_t *ptd_rpc_arg(const struct ptd_rpc_call *call, size_t i)
    PTD_NONNULL(1);

/* The i-th argument in C. Where it was not given, or is null, *out stays as it
 * was: set the default first.
 *
 * Returns  true; false: the call has failed, return NULL
 */
PTD_MUST_USE bool ptd_rpc_arg_bool(struct ptd_rpc_call *call, size_t i,
                                   bool *out) PTD_NONNULL(1, 3);
/* "JSON integer out of range" (-1) outside lowest … highest; those of the C
 * type that Core would use. */
PTD_MUST_USE bool ptd_rpc_arg_int(struct ptd_rpc_call *call, size_t i,
                                  int64_t *out, int64_t lowest, int64_t highest)
    PTD_NONNULL(1, 3);
PTD_MUST_USE bool ptd_rpc_arg_double(struct ptd_rpc_call *call, size_t i,
                                     double *out) PTD_NONNULL(1, 3);
/* Borrowed from the call. A string that holds a NUL is refused (-8). */
PTD_MUST_USE bool ptd_rpc_arg_text(struct ptd_rpc_call *call, size_t i,
                                   const char **out) PTD_NONNULL(1, 3);
/* 64 digits in display order; `name` is for the error (-8). */
PTD_MUST_USE bool ptd_rpc_arg_hash(struct ptd_rpc_call *call, size_t i,
                                   const char *name, struct ptd_hash *out)
    PTD_NONNULL(1, 3, 4);
/* BTC, as a number or a string with at most 8 decimals, in satoshi. */
PTD_MUST_USE bool ptd_rpc_arg_amount(struct ptd_rpc_call *call, size_t i,
                                     int64_t *out) PTD_NONNULL(1, 3);
/* A number or, with allow_bool, a boolean (true is 1). */
PTD_MUST_USE bool ptd_rpc_arg_verbosity(struct ptd_rpc_call *call, size_t i,
                                        int *out, bool allow_bool)
    PTD_NONNULL(1, 3);

/* The same for a value that lies inside an argument; NULL and JSON null leave
 * *out as it was. */
PTD_MUST_USE bool ptd_rpc_int(struct ptd_rpc_call *call, const json_t *v,
                              int64_t *out, int64_t lowest, int64_t highest)
    PTD_NONNULL(1, 3);
PTD_MUST_USE bool ptd_rpc_text(struct ptd_rpc_call *call, const json_t *v,
                               const char **out) PTD_NONNULL(1, 3);

const char *ptd_rpc_method_name(const struct ptd_rpc_call *call) PTD_NONNULL(1);

/* Who calls: the user's name, and "127.0.0.1:50000". */
const char *ptd_rpc_user(const struct ptd_rpc_call *call) PTD_NONNULL(1);
const char *ptd_rpc_peer(const struct ptd_rpc_call *call) PTD_NONNULL(1);

/* Closed once the server is to stop: a method that waits has it as a case of
 * its select, and returns then, as on a time-out. Borrowed. */
struct ptd_chan *ptd_rpc_quit(const struct ptd_rpc_call *call) PTD_NONNULL(1);

/* The call begins to wait for what others do, and has done so: however many
 * wait, a worker is left for who does not, were it to tell the node to stop.
 * False: too many wait, or there is no thread; the call has failed. Thread: the
 * call's. */
PTD_MUST_USE bool ptd_rpc_wait_begin(struct ptd_rpc_call *call) PTD_NONNULL(1);
void ptd_rpc_wait_end(struct ptd_rpc_call *call) PTD_NONNULL(1);

/* ---- values --------------------------------------------------------------- */
/* NULL for lack of memory. Integers, booleans, strings are jansson's own; a
 * number with a fraction that was read is not (json_is_real() is false, and
 * json_is_string() true): ask ptd_json_is() of rpc/json.h for types. */

/* satoshi as BTC: a number with exactly 8 decimals. */
PTD_MUST_USE json_t *ptd_json_amount(int64_t satoshi);

/* A number whose digits are given; `text` is a JSON number. Where jansson's own
 * would lose some: more than 64 bits, or trailing zeros. */
PTD_MUST_USE json_t *ptd_json_number(const char *text) PTD_NONNULL(1);

/* A string from bytes that may be no UTF-8 (user agents): what is none becomes
 * "?". */
PTD_MUST_USE json_t *ptd_json_text(const char *bytes, size_t n) PTD_NONNULL(1);

/* Hexadecimal digits of n bytes; a hash in display order. */
PTD_MUST_USE json_t *ptd_json_hex(const void *data, size_t n);
PTD_MUST_USE json_t *ptd_json_hash(const struct ptd_hash *h) PTD_NONNULL(1);

/* Set a member, append an entry; `value` is taken, also if it is NULL. Once
 * something went wrong *o is freed and NULL, and the next calls do nothing but
 * free: build the whole, look at the end.
 *
 *     json_t *o = json_object();
 *     ptd_json_set(&o, "height", json_integer(h));
 *     ptd_json_set(&o, "hash", ptd_json_hash(&hash));
 *     return o;
 */
void ptd_json_set(json_t **o, const char *key, json_t *value PTD_TAKES)
    PTD_NONNULL(1, 2);
void ptd_json_append(json_t **array, json_t *value PTD_TAKES) PTD_NONNULL(1);

#endif /* PTD_RPC_METHOD_H */
