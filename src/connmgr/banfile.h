/* banfile.h - banlist.json, as text.
 *
 * An object with "banned_nets", an array of objects {version, ban_created,
 * banned_until, address}. Read one entry at a time, so that it costs the
 * memory of one entry, whatever the file holds.
 *
 * Threads  any
 * Source   Bitcoin Core's BanMapToJson, BanMapFromJson, WriteSettings
 */
#ifndef PTD_CONNMGR_BANFILE_H
#define PTD_CONNMGR_BANFILE_H

#include <stddef.h>

#include "connmgr/banlist.h"

enum { PTD_BANFILE_WHY = 160 };

/* Read all entries; those of another version or of an unreadable address are
 * dropped, and logged.
 *
 * text     n bytes
 * each     called with each; anything but PTD_OK ends the reading
 * why      PTD_BANFILE_WHY bytes: what is wrong, after PTD_EBADVALUE
 * Returns  PTD_OK; PTD_EBADVALUE: it is no ban list; PTD_ENOMEM; what `each`
 *          gave
 */
PTD_MUST_USE enum ptd_err
ptd_banfile_decode(const char *text, size_t n,
                   enum ptd_err (*each)(const struct ptd_ban *ban, void *arg),
                   void *arg, char *why) PTD_NONNULL(1, 3, 5);

/* The text of a file with these bans.
 *
 * text     from ptd_alloc(), *size bytes; the caller's
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_banfile_encode(char **text, size_t *size,
                                             const struct ptd_ban *bans,
                                             size_t n) PTD_NONNULL(1, 2);

#endif /* PTD_CONNMGR_BANFILE_H */
