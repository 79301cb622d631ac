/* badport.h - ports of other services.
 *
 * A node that listens there would make its peers knock at somebody's door: they
 * do not call it there unless they know no other.
 *
 * Threads  any
 * Source   Fetch Standard, "bad port"; Bitcoin Core IsBadPort()
 */
#ifndef PTD_CONNMGR_BADPORT_H
#define PTD_CONNMGR_BADPORT_H

#include <stdbool.h>
#include <stdint.h>

bool ptd_port_is_bad(uint16_t port);

#endif /* PTD_CONNMGR_BADPORT_H */
