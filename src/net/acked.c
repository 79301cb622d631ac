/* How far the other side has come: the system's own view, whose header does not
 * go together with that of the C library. */
#include <config.h>

#include "net/conn.h"

#include <netinet/in.h>
#ifdef HAVE_STRUCT_TCP_INFO_TCPI_BYTES_ACKED
#include <linux/tcp.h>
#endif

uint64_t ptd_conn_bytes_acked(const struct ptd_conn *c)
{
#ifdef HAVE_STRUCT_TCP_INFO_TCPI_BYTES_ACKED
    struct tcp_info info;
    socklen_t n = sizeof info;

    /* Old systems tell less than their headers have; others are not TCP. */
    if (getsockopt(ptd_conn_fd(c), IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
        n >= offsetof(struct tcp_info, tcpi_bytes_acked) +
                 sizeof info.tcpi_bytes_acked)
        return info.tcpi_bytes_acked;
#endif
    return ptd_conn_bytes_sent(c);
}
