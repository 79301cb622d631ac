/* fakegate.h - a gateway on loopback, honest or hostile. */
#ifndef PTD_TESTS_CONNMGR_FAKEGATE_H
#define PTD_TESTS_CONNMGR_FAKEGATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "net/latch.h"
#include "pentad/chan.h"
#include "pentad/netaddr.h"
#include "sync/thread.h"

enum fake_mode {
    FAKE_HONEST,      /* speaks PCP and NAT-PMP */
    FAKE_NATPMP,      /* NAT-PMP alone */
    FAKE_SILENT,      /* reads */
    FAKE_LOSES_FIRST, /* answers every second request */
    FAKE_FLOOD,       /* thousands of useless answers, no right one */
    FAKE_CHATTY, /* one of each kind of useless answer, then the right one */
    FAKE_NONCE,  /* a wrong nonce (PCP), a wrong port (NAT-PMP) */
    FAKE_SHORT,  /* one byte too few */
    FAKE_EMPTY,  /* an empty datagram */
    FAKE_HUGE,   /* more bytes than a message may have */
    FAKE_PORT,   /* of a mapping that nobody asked for */
    FAKE_ECHO    /* what it got */
};

struct fakegate {
    struct ptd_netaddr na; /* where it is */
    int fd;
    struct ptd_latch stop;
    struct ptd_thread thread;

    /* For the thread; change them only while nobody asks. */
    _Atomic enum fake_mode mode;
    atomic_uint result;          /* of each answer */
    atomic_uint lifetime;        /* granted; 0xfffffffe: as asked */
    struct ptd_netaddr external; /* set before its start */

    struct ptd_chan *heard; /* a signal for each request, if there is room */
    atomic_uint n_heard;
};

/* at        "127.0.0.1:0" or "[::1]:0"
 * external  what it gives; NULL: 8.8.4.4:18333
 * Returns   false: there is no such address here */
bool fakegate_start(struct fakegate *g, const char *at, enum fake_mode mode,
                    const char *external);
void fakegate_stop(struct fakegate *g);

#endif /* PTD_TESTS_CONNMGR_FAKEGATE_H */
