/* netaddr_io.h - the address of version and addr: 16 bytes and a port. */
#ifndef PTD_WIRE_NETADDR_IO_H
#define PTD_WIRE_NETADDR_IO_H

#include "pentad/netaddr.h"
#include "wire/codec.h"

enum { PTD_IP16_BYTES = 16 + 2 };

static inline void ptd_read_ip16(struct ptd_reader *r, struct ptd_netaddr *na,
                                 const char *field)
{
    uint8_t ip[16];

    ptd_read_copy(r, ip, sizeof ip, field);
    ptd_netaddr_from_ip16(na, ip, ptd_read_u16be(r, field));
}

/* A network that has no such form is written as zeros. */
static inline void ptd_write_ip16(struct ptd_writer *w,
                                  const struct ptd_netaddr *na)
{
    uint8_t ip[16];

    ptd_netaddr_to_ip16(na, ip);
    ptd_write_raw(w, ip, sizeof ip);
    ptd_write_u16be(w, na->port);
}

#endif /* PTD_WIRE_NETADDR_IO_H */
