/* rig.h - what the tests of the net room share. */
#ifndef PTD_TESTS_NET_RIG_H
#define PTD_TESTS_NET_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/bufpool.h"
#include "net/conn.h"
#include "pentad/msg.h"

extern const uint8_t rig_magic[4];
extern const struct ptd_codec rig_codec;

/* A connection whose other end is a plain socket. */
struct rig {
    struct ptd_bufpool *pool;
    struct ptd_conn *conn;
    int far;       /* non-blocking */
    uint64_t sent; /* by rig_pump() */
};

/* A pair of TCP sockets over loopback. */
void rig_tcp_pair(int fd[2]);

/* pool_cfg NULL: the defaults. */
void rig_init(struct rig *r, const struct ptd_bufpool_config *pool_cfg);
void rig_fini(struct rig *r); /* asserts that no memory of the pool is out */

/* Bytes to be sent. */
struct bytes {
    uint8_t *p; /* malloc */
    size_t n;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_free(struct bytes *b);

/* Append a frame with a right checksum. payload NULL: n bytes of a pattern
 * that depends on the seed. */
void bytes_add_frame(struct bytes *b, const char *command, const void *payload,
                     size_t n);
void rig_pattern(uint8_t *out, size_t n, unsigned seed);

/* A frame as it came, payload copied. */
struct got {
    struct ptd_frame f;
    uint8_t *payload;
};

enum { RIG_MAX_GOT = 4096 };

struct gots {
    struct got list[RIG_MAX_GOT];
    size_t n;
    size_t n_recv;          /* receives that gave bytes */
    size_t max_out;         /* most bytes of the pool that were out */
    enum ptd_err end;       /* what the stream ended with, PTD_OK: goes on */
    struct ptd_frame last;  /* told with it */
    struct ptd_buf *keep[64]; /* f.buf of frames, referenced, if wanted */
    const uint8_t *kept[64];  /* their payloads */
    size_t n_keep;
    bool want_keep;
};

/* Send bytes from the far end and cut what arrives, all in one thread. */
void rig_pump(struct rig *r, struct gots *g, const uint8_t *p, size_t n);

void gots_free(struct gots *g);

/* Everything that arrives at the far end until it would block. */
void rig_drain(struct rig *r, struct bytes *out);

TCase *bufpool_case(void);
TCase *frame_case(void);
TCase *write_case(void);
TCase *carrier_case(void);
TCase *dial_case(void);
TCase *socks5_case(void);
TCase *listen_case(void);
TCase *subnet_case(void);

#endif /* PTD_TESTS_NET_RIG_H */
