/* rig.h - a peer under test, and what stands at the other end.
 *
 * The other end is either a second peer (struct duo) or the test itself, which
 * speaks raw frames over the socket (struct solo). Nothing sleeps: a test waits
 * for an event on a channel, for bytes on its socket, or moves the clock.
 */
#ifndef PTD_TESTS_PEER_RIG_H
#define PTD_TESTS_PEER_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "pentad/chan.h"
#include "pentad/log.h"
#include "pentad/peer.h"

#define SECOND_US INT64_C(1000000)

/* What the hooks of a peer under test report. */
enum event_what { EV_VERSION, EV_READY, EV_GONE, EV_MSG, EV_UNKNOWN };
struct event {
    struct ptd_peer *peer;
    enum event_what what;
    enum ptd_msg_type type; /* EV_MSG */
};

/* One peer under test, with its events. */
struct subject {
    struct ptd_env *env;
    struct ptd_peer *peer;
    struct ptd_chan *events; /* struct event; 4096 */
};

/* Configuration with hooks that report into s->events, and a listener for
 * every type that reports EV_MSG. */
void rig_config(struct ptd_peer_config *cfg, struct subject *s);

/* Connected TCP sockets over loopback. */
void rig_tcp_pair(int fd[2]);

/* Wait for an event of this kind, throwing away others; fails the test after
 * 20 s of real time. type PTD_MSG_UNKNOWN: any. */
struct event rig_wait(struct subject *s, enum event_what what,
                      enum ptd_msg_type type);
/* True if an event of this kind is there already. */
bool rig_has(struct subject *s, enum event_what what, enum ptd_msg_type type);

/* ---- two peers ------------------------------------------------------------ */

struct duo {
    struct ptd_env *env;
    struct subject in, out; /* the inbound and the outbound end */
};

/* Make both ends, not attached; tune may change each configuration. */
void rig_duo_make(struct duo *d, struct ptd_clock *clk,
                  void (*tune)(struct ptd_peer_config *, bool is_outbound));
/* Attach both. */
void rig_duo_attach(struct duo *d);
/* The same, and wait until both are ready. */
void rig_duo_start(struct duo *d);
/* Disconnect, join and free both, and the env. */
void rig_duo_end(struct duo *d);

/* ---- a peer and the test --------------------------------------------------- */

struct solo {
    struct subject s;
    struct ptd_clock *clk; /* virtual from the start, or NULL */
    int fd;                /* the test's end */
    uint8_t magic[4];
    uint32_t pver;   /* that the test speaks */
    uint64_t n_sent; /* frames */
};

enum { SOLO_REAL_CLOCK, SOLO_VIRTUAL_CLOCK };

/* Make and attach; no byte has been exchanged by the test yet. */
void rig_solo_start(struct solo *r, enum ptd_direction dir, int clock,
                    void (*tune)(struct ptd_peer_config *, bool is_outbound));
/* Do the test's side of the handshake as a node of r->pver, and wait until the
 * peer is ready. */
void rig_solo_handshake(struct solo *r);
void rig_solo_end(struct solo *r);

/* Send a message of ours (taken), or a payload under any command. */
void rig_send(struct solo *r, struct ptd_msg *m);
void rig_send_raw(struct solo *r, const char *command, const void *payload,
                  size_t n);
void rig_send_bytes(struct solo *r, const void *p, size_t n);
struct ptd_msg *rig_version(struct solo *r);

/* Read one frame; NULL when the peer closed the connection. Payload and
 * message are freed by rig_frame_free(). */
struct rig_frame {
    char command[PTD_COMMAND_BYTES + 1];
    enum ptd_msg_type type;
    uint8_t *payload;
    size_t n;
};
bool rig_recv(struct solo *r, struct rig_frame *f);
void rig_frame_free(struct rig_frame *f);
/* Read frames until one of this type comes; false: closed before. */
bool rig_recv_type(struct solo *r, enum ptd_msg_type type, struct rig_frame *f);
/* Read until the peer closes; counts frames of a type. */
size_t rig_recv_all(struct solo *r, enum ptd_msg_type type);

/* A ping, and read until its pong: all that was sent before is handled, and all
 * that the peer sent before is counted. */
void rig_sync(struct solo *r);

/* Wait until the peer has handled every frame that the test sent and its in
 * thread is back at the socket: the clock may then be moved without the time
 * counting as a callback's. (Yields: there is nothing to wait on for "has
 * returned".) */
void rig_settle(struct solo *r);

/* Wait until a write of the peer is blocked, and move the clock to the deadline
 * of that write, having seen that the peer lives one step before. A write that
 * the system lets go on meanwhile (its buffers grow) is another write. */
void rig_step_over_write(struct solo *r, int64_t write_us);

/* A message of each type with every list filled. */
struct ptd_msg *rig_sample(enum ptd_msg_type type);

/* Lines of the log at a level and above, kept for the test. */
struct rig_log {
    int sink;
    size_t n_lines;
    char lines[256][256]; /* the first ones, cut */
};

/* From here on, for every tag. Read only what the test's own thread caused, or
 * what is known to be over. */
void rig_log_start(struct rig_log *log, enum ptd_log_level level);
void rig_log_stop(struct rig_log *log);
/* How many of the lines have this text in them. */
size_t rig_log_count(const struct rig_log *log, const char *text);

/* Threads of this process, and open descriptors. */
size_t rig_n_threads(void);
/* Wait until there are n threads: a thread that was joined may be listed for a
 * moment yet. Fails the test after 20 s of real time. */
void rig_await_threads(size_t n);
size_t rig_n_fds(void);

#endif /* PTD_TESTS_PEER_RIG_H */
