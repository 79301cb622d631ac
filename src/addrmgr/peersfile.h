/* peersfile.h - peers.dat and anchors.dat, as Bitcoin Core keeps them.
 *
 * A file is written anew beside the old one, synced, renamed over it, and the
 * directory synced: a crash leaves the old or the new one, never half of one.
 *
 * Threads  any; two writers of one file at once: one of them wins
 * Blocks   on the disk
 */
#ifndef PTD_ADDRMGR_PEERSFILE_H
#define PTD_ADDRMGR_PEERSFILE_H

#include <stddef.h>
#include <stdint.h>

#include "addrmgr/addrmgr.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

enum {
    PTD_PEERSFILE_WHY = 4096,     /* an error's text, with two paths in it */
    PTD_PEERSFILE_MAX = 64 << 20, /* bytes; a full one has about 9 MB */
    PTD_ANCHORS_MAX = 2
};

/* Fill m from the file at path (…/peers.dat) at start.
 *
 * A missing file is made; one of a later format is renamed to path.bak and a
 * new one made; both are logged. A damaged one stays where it is.
 *
 * why      on failure: what to tell the user, with the file's name
 * Returns  PTD_OK: loaded, or made; else m is empty and the node should not
 *          start: PTD_EMAGIC, PTD_ESHORT, PTD_ETRAILING, PTD_ECHECKSUM,
 *          PTD_EBADVALUE, PTD_ETOOBIG: damaged; PTD_EIO: it cannot be read or
 *          renamed; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_peersfile_load(struct ptd_addrmgr *m, char why[PTD_PEERSFILE_WHY],
                   const char *path, const uint8_t magic[4])
    PTD_NONNULL(1, 2, 3, 4);

/* Write m to path. A failure is logged; the old file is whole.
 * PTD_OK; PTD_EIO; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_peersfile_save(struct ptd_addrmgr *m, const char *path,
                   const uint8_t magic[4]) PTD_NONNULL(1, 2, 3);

/* Write the addresses to connect to first after the next start (the first
 * PTD_ANCHORS_MAX of n). PTD_OK; PTD_EIO (logged); PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_anchors_save(const struct ptd_addr_entry *list, size_t n, const char *path,
                 const uint8_t magic[4]) PTD_NONNULL(3, 4);

/* Read them and delete the file, whatever is in it: an anchor that crashes us
 * is not tried again. Damage and absence give none.
 *
 * Returns  how many
 */
size_t ptd_anchors_take(struct ptd_addr_entry out[PTD_ANCHORS_MAX],
                        const char *path, const uint8_t magic[4])
    PTD_NONNULL(1, 2, 3);

#endif /* PTD_ADDRMGR_PEERSFILE_H */
