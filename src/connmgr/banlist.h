/* banlist.h - who may not connect: ranges of addresses, until a time.
 *
 * What setban, listbanned and clearbanned work on, kept in banlist.json in
 * Bitcoin Core's form. Bans are made by users alone; remotes that misbehave
 * are discouraged (discourage.h).
 *
 * Cost     Looking an address up takes one probe of a hash table for each
 *          prefix length in use (at most 33 for IPv4, 129 for IPv6), whatever
 *          the number of bans. A change writes the whole file, some 160 bytes
 *          a ban: hence PTD_BANLIST_MAX
 * Owner    ptd_banlist_open() gives one; ptd_banlist_free()
 * Threads  any
 * Locks    one (PTD_RANK_GUARD), never held while the file is written; writers
 *          take turns
 * Source   Bitcoin Core's BanMan, CBanDB, BanMapFromJson
 */
#ifndef PTD_CONNMGR_BANLIST_H
#define PTD_CONNMGR_BANLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/subnet.h"
#include "pentad/attr.h"
#include "pentad/clock.h"
#include "pentad/err.h"

struct ptd_banlist;

enum {
    PTD_BANLIST_MAX = 100000,         /* bans held at once */
    PTD_BANLIST_FILE_MAX = 128 << 20, /* bytes of a file that is looked at */
    PTD_BAN_DEFAULT_S = 24 * 60 * 60  /* -bantime, unless said otherwise */
};

/* One ban. Times are wall time, in seconds since 1970. */
struct ptd_ban {
    struct ptd_subnet subnet;
    int64_t created_s;
    int64_t until_s; /* banned before, no longer at or after it */
};

/* What the time of a ban means. */
enum ptd_ban_time {
    PTD_BAN_FOR,  /* seconds from now */
    PTD_BAN_UNTIL /* seconds since 1970 */
};

struct ptd_banlist_config {
    struct ptd_clock *clock; /* borrowed; NULL: the system's time */
    const char *path;        /* of banlist.json, copied; NULL: keep no file */
    int64_t default_s;       /* how long, where nothing is said; <= 0:
                                PTD_BAN_DEFAULT_S */
};

/* Make a list and load its file; write it anew if it is missing, damaged or
 * holds bans that have ended.
 *
 * A damaged file is renamed to PATH.bak and named in the log; the list is empty
 * then. Entries that cannot be read are dropped, as those beyond
 * PTD_BANLIST_MAX are, with a line in the log; of two for the same range the
 * later one counts.
 *
 * Returns  PTD_OK, also if the file cannot be written (the log says so);
 *          PTD_ENOMEM
 * Blocks   on the disk
 */
PTD_MUST_USE enum ptd_err
ptd_banlist_open(struct ptd_banlist **out, const struct ptd_banlist_config *cfg)
    PTD_NONNULL(1, 2);

/* Write what is unsaved, free. Nobody may use it any more. Takes NULL. */
void ptd_banlist_free(struct ptd_banlist *b PTD_TAKES);

/* Ban a range; on disk when this returns.
 *
 * seconds  as `what` says; <= 0: for the default time
 * Returns  PTD_OK, also if a ban that lasts as long stands already (it stays
 *          as it is);
 *          PTD_ELIMIT: PTD_BANLIST_MAX bans stand already, none has ended;
 *          PTD_EIO: it is banned, but the file could not be written (logged);
 *          PTD_ENOMEM: not banned, or banned but not written
 * Blocks   on the disk
 */
PTD_MUST_USE enum ptd_err
ptd_banlist_ban(struct ptd_banlist *b, const struct ptd_subnet *s,
                int64_t seconds, enum ptd_ban_time what) PTD_NONNULL(1, 2);

/* Lift the ban of exactly this range.
 *
 * Returns  PTD_OK; PTD_ENOTFOUND; PTD_EIO, PTD_ENOMEM: lifted, but not written
 */
PTD_MUST_USE enum ptd_err
ptd_banlist_unban(struct ptd_banlist *b, const struct ptd_subnet *s)
    PTD_NONNULL(1, 2);

/* Lift all. PTD_OK; PTD_EIO, PTD_ENOMEM: lifted, but not written. */
PTD_MUST_USE enum ptd_err ptd_banlist_clear(struct ptd_banlist *b)
    PTD_NONNULL(1);

/* True if some ban takes this address in. */
bool ptd_banlist_has_addr(struct ptd_banlist *b, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* True if exactly this range is banned. */
bool ptd_banlist_has_subnet(struct ptd_banlist *b, const struct ptd_subnet *s)
    PTD_NONNULL(1, 2);

/* All bans that have not ended, in order of their ranges.
 *
 * out      to be freed with ptd_free(), also if *n is 0
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_banlist_list(struct ptd_banlist *b, struct ptd_ban **out, size_t *n)
    PTD_NONNULL(1, 2, 3);

#endif /* PTD_CONNMGR_BANLIST_H */
