/* addrfile.h - addresses as Bitcoin Core keeps them on disk.
 *
 *     version, 4 bytes: 2^29 set: what follows is in the form of addrv2
 *     time, 4 bytes; services; network, length, address; port
 *
 * Without the bit, services are 8 bytes and the address is the 16 of addr.
 *
 * Source   Bitcoin Core's CAddress and CNetAddr, formats V1_DISK and V2_DISK
 */
#ifndef PTD_ADDRMGR_ADDRFILE_H
#define PTD_ADDRMGR_ADDRFILE_H

#include <stdint.h>

#include "pentad/msg.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum {
    PTD_ADDRFILE_FORMAT = 4,      /* that we write, and the last we read */
    PTD_ADDRFILE_COMPATIBLE = 32, /* added to the lowest that can be read */
    PTD_ADDRFILE_BUCKETS_XOR = 1 << 30, /* from format 1 on */
    PTD_ADDRFILE_SUM_BYTES = 32
};

enum ptd_addrfile_form { PTD_ADDRFILE_V1, PTD_ADDRFILE_V2 };

void ptd_write_disk_address(struct ptd_writer *w,
                            const struct ptd_addr_entry *e);
/* Without a port; PTD_NET_NONE as IPv6 zeros. */
void ptd_write_disk_host(struct ptd_writer *w, const struct ptd_netaddr *na);

/* Networks that we do not know give PTD_NET_NONE.
 *
 * form     PTD_ADDRFILE_V1: the form of addrv2 is refused
 */
void ptd_read_disk_address(struct ptd_reader *r, struct ptd_addr_entry *e,
                           enum ptd_addrfile_form form);
void ptd_read_disk_host(struct ptd_reader *r, struct ptd_netaddr *na,
                        enum ptd_addrfile_form form);

/* What is wrong, in Bitcoin Core's words. Gives why. */
const char *ptd_addrfile_why(char *why, size_t cap, const struct ptd_reader *r);

#endif /* PTD_ADDRMGR_ADDRFILE_H */
