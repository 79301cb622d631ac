/* asmap.h - which autonomous system an address belongs to.
 *
 * A map is bytecode over the bits of an address (Bitcoin Core's asmap files).
 * It is checked once, whole, before the first look-up; the look-up is total
 * over all bytes all the same.
 *
 * Threads  any; a map is constant
 * Source   Bitcoin Core's asmap format (contrib/asmap)
 */
#ifndef PTD_ADDRMGR_ASMAP_H
#define PTD_ADDRMGR_ASMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"

enum {
    PTD_ASMAP_MAX_BYTES = 64 << 20, /* the world's map of 2026 has 2 MB */
    PTD_ASMAP_WHY = 4352            /* an error's text, with a path in it */
};

/* True if every way through the code ends in an answer, reads no more than
 * `bits` bits of an address, and leaves no byte unused. */
PTD_MUST_USE bool ptd_asmap_is_sane(const uint8_t *map, size_t n,
                                    unsigned bits);

/* The number of the system of an IPv6 or mapped IPv4 address; 0: none. */
uint32_t ptd_asmap_lookup(const uint8_t *map, size_t n, const uint8_t ip[16])
    PTD_NONNULL(3);

/* What peers.dat calls the map's version; zeros for an empty map. */
void ptd_asmap_version(struct ptd_hash *out, const uint8_t *map, size_t n)
    PTD_NONNULL(1);

/* Read and check a file.
 *
 * map      from malloc, to be freed by the caller
 * why      on failure: a sentence that names the file
 * Returns  PTD_OK; PTD_ENOTFOUND; PTD_EIO; PTD_ETOOBIG; PTD_EBADVALUE: not
 *          sane; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_asmap_load(uint8_t **map, size_t *n, char why[PTD_ASMAP_WHY],
               const char *path) PTD_NONNULL(1, 2, 3, 4);

#endif /* PTD_ADDRMGR_ASMAP_H */
