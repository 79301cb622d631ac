/* log.h - what the library says, and to whom.
 *
 * Silent until a sink is added. Each .c file names its tag once; each tag has
 * a level; below it neither arguments nor formats are evaluated.
 *
 *     PTD_LOG_TAG(PEER);
 *     ptd_log_debug("%s: version %u", name, pver);
 *     ptd_log_warn_every(60, "%s: bad checksum in %s", name, command);
 *
 * error  the node cannot go on     info   a few lines an hour
 * warn   a human should look       debug  per message        trace  bytes
 *
 * Text that a peer supplied is escaped and cut by whoever logs it.
 *
 * Owner    the process: this room alone has state of its own
 * Threads  any
 * Locks    sinks (PTD_RANK_LOG), held while sinks are called, so that lines do
 *          not mix: a sink must not log, nor take a lock of lower rank
 */
#ifndef PTD_LOG_H
#define PTD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pentad/attr.h"
#include "pentad/err.h"

PTD_BEGIN_DECLS

enum ptd_log_level {
    PTD_LOG_OFF, /* for ptd_log_set_level() only: nothing at all */
    PTD_LOG_ERROR,
    PTD_LOG_WARN,
    PTD_LOG_INFO,
    PTD_LOG_DEBUG,
    PTD_LOG_TRACE
};

/* What -debug=<category> and the logging RPC switch, in the order of their
 * names; most of them stand for what only a full node has, and are accepted.
 *
 * Source   Bitcoin Core */
#define PTD_LOG_CATEGORIES(X)                                                  \
    X(ADDRMAN, "addrman")                                                      \
    X(BENCH, "bench")                                                          \
    X(BLOCKSTORAGE, "blockstorage")                                            \
    X(CMPCTBLOCK, "cmpctblock")                                                \
    X(COINDB, "coindb")                                                        \
    X(ESTIMATEFEE, "estimatefee")                                              \
    X(HTTP, "http")                                                            \
    X(I2P, "i2p")                                                              \
    X(IPC, "ipc")                                                              \
    X(KERNEL, "kernel")                                                        \
    X(LEVELDB, "leveldb")                                                      \
    X(LIBEVENT, "libevent")                                                    \
    X(MEMPOOL, "mempool")                                                      \
    X(MEMPOOLREJ, "mempoolrej")                                                \
    X(NET, "net")                                                              \
    X(PRIVBROADCAST, "privatebroadcast")                                       \
    X(PROXY, "proxy")                                                          \
    X(PRUNE, "prune")                                                          \
    X(QT, "qt")                                                                \
    X(RAND, "rand")                                                            \
    X(REINDEX, "reindex")                                                      \
    X(RPC, "rpc")                                                              \
    X(SCAN, "scan")                                                            \
    X(SELECTCOINS, "selectcoins")                                              \
    X(TOR, "tor")                                                              \
    X(TXPACKAGES, "txpackages")                                                \
    X(TXRECONCILIATION, "txreconciliation")                                    \
    X(VALIDATION, "validation")                                                \
    X(WALLETDB, "walletdb")                                                    \
    X(ZMQ, "zmq")

#define PTD_LOGC_NAME_(name, text) PTD_LOGC_##name,
enum ptd_log_category {
    PTD_LOG_CATEGORIES(PTD_LOGC_NAME_) PTD_LOG_N_CATEGORIES
};
#undef PTD_LOGC_NAME_

/* Tags, and the category that each belongs to. */
#define PTD_LOG_TAGS(X)                                                        \
    X(NODE, KERNEL)     /* the program: start, stop, configuration */          \
    X(SRVR, NET)        /* server: peers in and out */                         \
    X(PEER, NET)        /* one peer */                                         \
    X(NETW, NET)        /* sockets, dialling, proxies */                       \
    X(WIRE, NET)        /* messages */                                         \
    X(CMGR, NET)        /* outbound slots */                                   \
    X(ADXR, ADDRMAN)    /* addresses */                                        \
    X(SYNC, NET)        /* headers and blocks from peers */                    \
    X(CHAN, VALIDATION) /* header tree, blocks */                              \
    X(IMPO, REINDEX)    /* files of blocks that are read again */              \
    X(TXMP, MEMPOOL)    /* transactions: pool, relay, filters */               \
    X(RPCS, RPC)        /* requests from users */                              \
    X(HTTP, HTTP)       /* the server below RPC */                             \
    X(PROX, PROXY)      /* SOCKS5 */                                           \
    X(TORC, TOR)        /* Tor control */                                      \
    X(I2PS, I2P)        /* I2P SAM */                                          \
    X(ZMQP, ZMQ)        /* publishers on ZeroMQ */                             \
    X(BENC, BENCH)      /* how long things took */

#define PTD_LOG_NAME_(tag, category) PTD_LOG_##tag,
enum ptd_log_tag { PTD_LOG_TAGS(PTD_LOG_NAME_) PTD_LOG_N_TAGS };
#undef PTD_LOG_NAME_

/* ---- saying something ------------------------------------------------- */

/* Where a line of the log comes from; valid during the call, its texts are
 * static. */
struct ptd_log_site {
    enum ptd_log_tag tag;
    enum ptd_log_level level;
    int line;
    const char *file;
    const char *function;
};

/* Allows one line per call site and period; part of the macros below. */
struct ptd_log_limit {
    uint32_t next_s;      /* atomic: monotonic second of the next line */
    uint32_t n_held_back; /* atomic: lines suppressed since the last */
};

/* Names the file's tag: once per .c, without a prefix. */
#define PTD_LOG_TAG(name)                                                      \
    static const enum ptd_log_tag ptd_log_file_tag = PTD_LOG_##name

#define ptd_log_error(...) PTD_LOG_AT(PTD_LOG_ERROR, __VA_ARGS__)
#define ptd_log_warn(...)  PTD_LOG_AT(PTD_LOG_WARN, __VA_ARGS__)
#define ptd_log_info(...)  PTD_LOG_AT(PTD_LOG_INFO, __VA_ARGS__)
#define ptd_log_debug(...) PTD_LOG_AT(PTD_LOG_DEBUG, __VA_ARGS__)
#define ptd_log_trace(...) PTD_LOG_AT(PTD_LOG_TRACE, __VA_ARGS__)

/* At most one line per call site and `seconds`; the next one says how many
 * were held back. For whatever a peer can cause at will. */
#define ptd_log_warn_every(seconds, ...)                                       \
    PTD_LOG_AT_EVERY(PTD_LOG_WARN, seconds, __VA_ARGS__)
#define ptd_log_info_every(seconds, ...)                                       \
    PTD_LOG_AT_EVERY(PTD_LOG_INFO, seconds, __VA_ARGS__)
#define ptd_log_debug_every(seconds, ...)                                      \
    PTD_LOG_AT_EVERY(PTD_LOG_DEBUG, seconds, __VA_ARGS__)

/* True if the file's tag logs at this level: to guard work that only a log
 * line needs. */
#define ptd_log_wants(level) ptd_log_is_on(ptd_log_file_tag, (level))

#define PTD_LOG_AT(lvl, ...)                                                   \
    do {                                                                       \
        if (ptd_log_is_on(ptd_log_file_tag, (lvl))) {                          \
            const struct ptd_log_site ptd_site_ = { ptd_log_file_tag, (lvl),   \
                                                    __LINE__, __FILE__,        \
                                                    __func__ };                \
            ptd_log_write(&ptd_site_, __VA_ARGS__);                            \
        }                                                                      \
    } while (0)

#define PTD_LOG_AT_EVERY(lvl, seconds, ...)                                    \
    do {                                                                       \
        static struct ptd_log_limit ptd_limit_;                                \
        uint32_t ptd_n_;                                                       \
        if (ptd_log_is_on(ptd_log_file_tag, (lvl)) &&                          \
            ptd_log_limit_pass(&ptd_limit_, (seconds), &ptd_n_)) {             \
            const struct ptd_log_site ptd_site_ = { ptd_log_file_tag, (lvl),   \
                                                    __LINE__, __FILE__,        \
                                                    __func__ };                \
            ptd_log_write_held(&ptd_site_, ptd_n_, __VA_ARGS__);               \
        }                                                                      \
    } while (0)

/* ---- levels ----------------------------------------------------------- */

/* Errors, warnings and infos are always logged. Below them a tag logs if its
 * category is enabled, down to the category's threshold, or to the common one
 * where it has none; PTD_LOG_DEBUG at start, nothing enabled.
 *
 * In the functions that take a category's name "1", "all" and "" mean every
 * category.
 *
 * Returns  PTD_OK; PTD_ENOTFOUND: no such category
 * Source   Bitcoin Core's -debug, -debugexclude, -loglevel and logging RPC
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_log_enable(const char *category)
    PTD_NONNULL(1);
PTD_API PTD_MUST_USE enum ptd_err ptd_log_disable(const char *category)
    PTD_NONNULL(1);

/* PTD_LOG_INFO, PTD_LOG_DEBUG or PTD_LOG_TRACE, commonly or for one category;
 * for "all" categories nothing is changed, as in Core. */
PTD_API void ptd_log_set_threshold(enum ptd_log_level level);
PTD_API PTD_MUST_USE enum ptd_err
ptd_log_set_category_threshold(const char *category, enum ptd_log_level level)
    PTD_NONNULL(1);

/* As at start. */
PTD_API void ptd_log_reset_levels(void);

/* Walk the categories by name: the i-th, and whether it is enabled. NULL
 * behind the last. */
PTD_API const char *ptd_log_category_at(size_t i, bool *is_enabled)
    PTD_NONNULL(2);
PTD_API bool ptd_log_is_any_enabled(void);

/* Level of one tag, or of all, until the next call of a function above. */
PTD_API void ptd_log_set_level(enum ptd_log_tag tag, enum ptd_log_level level);
PTD_API void ptd_log_set_level_all(enum ptd_log_level level);
PTD_API enum ptd_log_level ptd_log_level_of(enum ptd_log_tag tag);

/* Names, such as "PEER", "net" and "warning"; never NULL. */
PTD_API const char *ptd_log_tag_name(enum ptd_log_tag tag);
PTD_API const char *ptd_log_tag_category(enum ptd_log_tag tag);
PTD_API const char *ptd_log_level_name(enum ptd_log_level level);

/* ---- sinks ------------------------------------------------------------ */

/* One line of the log, as a sink gets it; valid during the call. */
struct ptd_log_line {
    const struct ptd_log_site *site;
    int64_t wall_us;      /* since 1970, UTC, by the system's clock */
    const char *thread;   /* name of the thread that spoke */
    const char *text;     /* one line without its end; a control character has
                           become "\x0a" and the like */
    uint32_t n_held_back; /* by a rate limit, before this line */
    int64_t mock_us;      /* since 1970, if ptd_log_set_clock()'s clock was set
                             by hand; 0: it was not */
};

/* Called with the log's lock held: one line at a time. */
typedef void ptd_log_sink_fn(const struct ptd_log_line *line, void *arg);

#define PTD_LOG_MAX_SINKS 8

/* Add a sink; from now on it gets every line.
 *
 * id       for ptd_log_remove_sink()
 * Returns  PTD_OK; PTD_ELIMIT: there are PTD_LOG_MAX_SINKS already
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_log_add_sink(int *id, ptd_log_sink_fn *fn,
                                                   void *arg) PTD_NONNULL(1, 2);

/* After this returns the sink is called no more. Not from a sink. */
PTD_API void ptd_log_remove_sink(int id);

struct ptd_clock;

/* Rate limits go by this clock from now on, and a time that was set by hand is
 * shown beside the system's; NULL: none. The clock must outlive its use here. */
PTD_API void ptd_log_set_clock(struct ptd_clock *clk);

/* ---- the sink that writes lines ---------------------------------------- */

/* What stands before the text:
 *
 *     <time> (mocktime: <time>) [thread] [file:line] [function] [what] text
 *
 * where [what] is missing at info, [warning] or [error] at these, [net] at
 * debug, [net:trace] at trace.
 *
 * Source   Bitcoin Core's debug.log
 */
struct ptd_log_format {
    bool no_time;     /* -logtimestamps=0 */
    bool micros;      /* -logtimemicros */
    bool threads;     /* -logthreadnames */
    bool sources;     /* -logsourcelocations */
    bool always_tags; /* -loglevelalways: category ("all" where none is shown)
                         and level on every line */
};

/* Write one line and its end into out, cut to cap - 1 bytes, the end included
 * in any case. Gives its length. cap >= 64. */
PTD_API size_t ptd_log_format_line(char *out, size_t cap,
                                   const struct ptd_log_format *format,
                                   const struct ptd_log_line *line)
    PTD_NONNULL(1, 3, 4);

struct ptd_log_early;

/* A sink that holds lines until there is a file to write them to: up to 1 MB,
 * then it forgets the oldest. PTD_OK, PTD_ENOMEM, PTD_ELIMIT. */
PTD_API PTD_MUST_USE enum ptd_err
ptd_log_early_start(struct ptd_log_early **out) PTD_NONNULL(1);

/* Remove the sink and forget its lines. Takes NULL. */
PTD_API void ptd_log_early_free(struct ptd_log_early *early PTD_TAKES);

struct ptd_log_file;

/* A sink that appends lines to a file, to a stream, or both. Each line is with
 * the kernel before whoever logs it goes on.
 *
 * path     NULL: no file; a file is created with mode 0600
 * stream   NULL: none; borrowed; flushed after each line
 * early    NULL, or what was said before: taken and written first, after five
 *          empty lines in the file that part this run from the last; on
 *          failure it is still the caller's
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO: the file cannot be opened (errno
 *          says why); PTD_ELIMIT: too many sinks
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_log_file_open(struct ptd_log_file **out, const char *path, FILE *stream,
                  const struct ptd_log_format *format,
                  struct ptd_log_early *early) PTD_NONNULL(1, 4);

/* From now on let infos, warnings and errors of one call site fill at most
 * PTD_LOG_LIMIT_BYTES of the file in PTD_LOG_LIMIT_WINDOW_S; the stream gets
 * them all. Lines begin with "[*] " while any site is held back.
 *
 * Source   Bitcoin Core's -logratelimit
 */
#define PTD_LOG_LIMIT_BYTES    (1024 * 1024)
#define PTD_LOG_LIMIT_WINDOW_S 3600
PTD_API PTD_MUST_USE enum ptd_err ptd_log_file_limit(struct ptd_log_file *f)
    PTD_NONNULL(1);

/* Keep the last 10 MB of a file of more than 11. A file that cannot be read or
 * written is left alone. PTD_OK, PTD_ENOMEM, PTD_EIO.
 *
 * Source   Bitcoin Core's -shrinkdebugfile
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_log_shrink_file(const char *path)
    PTD_NONNULL(1);

/* Open the path again at the next line, for log rotation. Any thread, and safe
 * in a signal handler. */
PTD_API void ptd_log_file_reopen(struct ptd_log_file *f) PTD_NONNULL(1);

/* Remove the sink and close the file. Takes NULL. */
PTD_API void ptd_log_file_close(struct ptd_log_file *f PTD_TAKES);

/* ---- what the macros are made of --------------------------------------- */

PTD_API bool ptd_log_is_on(enum ptd_log_tag tag, enum ptd_log_level level);
PTD_API void ptd_log_write(const struct ptd_log_site *site, const char *format,
                           ...) PTD_PRINTF(2, 3) PTD_NONNULL(1, 2);
PTD_API void ptd_log_write_held(const struct ptd_log_site *site,
                                uint32_t n_held_back, const char *format, ...)
    PTD_PRINTF(3, 4) PTD_NONNULL(1, 3);
PTD_API bool ptd_log_limit_pass(struct ptd_log_limit *limit, uint32_t seconds,
                                uint32_t *n_held_back) PTD_NONNULL(1, 3);

PTD_END_DECLS

#endif /* PTD_LOG_H */
