/* rig.h - what the tests of the rpc room share: a server with a few methods,
 * and a client that is nothing but a socket. */
#ifndef PTD_TESTS_RPC_RIG_H
#define PTD_TESTS_RPC_RIG_H

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/chan.h"
#include "rpc/rpc.h"

/* "user:pass" in base64. */
#define RIG_AUTH "Authorization: Basic dXNlcjpwYXNz\r\n"

struct rig {
    struct ptd_rpc_config cfg;
    struct ptd_rpc *rpc;
    char dir[64]; /* of its own, for the cookie */
    uint16_t port;
    struct ptd_chan *entered; /* one signal for each `block` that runs */
    struct ptd_chan *release; /* closed: `block` returns */
    struct ptd_chan *stopped; /* one signal for each `stop` */
    atomic_int n_stops;
    atomic_int n_runs; /* of `count` */
};

/* A configuration with user "user" and password "pass", any port. */
void rig_init(struct rig *g);
enum ptd_err rig_add_methods(struct rig *g);
void rig_run(struct rig *g);   /* what rig_start() does with a made server */
void rig_start(struct rig *g); /* up and warm */
void rig_stop(struct rig *g);
void rig_fini(struct rig *g); /* stops too */

struct answer {
    int status; /* 0: the connection ended without one */
    char head[4096];
    char *body; /* NUL-terminated; malloc */
    size_t n;
};

int rig_dial(const struct rig *g);
void rig_send(int fd, const void *data, size_t n);
void rig_puts(int fd, const char *text);

/* The same for what is no socket. */
void rig_write_all(int fd, const char *text);

/* A POST to "/" with the right password. */
void rig_post(int fd, const char *body);

/* Read one answer; fails the test after 20 s of silence. */
void rig_read(int fd, struct answer *a);
void answer_free(struct answer *a);

/* The value of a header, "" if there is none; until the next call. */
const char *answer_header(const struct answer *a, const char *name);

/* True if the other side has closed; waits up to 20 s for anything at all. */
bool rig_is_closed(int fd);

/* One call on a connection of its own. */
void rig_call(const struct rig *g, const char *body, struct answer *a);

/* Expect status and body (without the last newline). */
void rig_expect(const struct rig *g, const char *name, const char *body,
                int status, const char *want);

TCase *json_case(void);
TCase *request_case(void);
TCase *args_case(void);
TCase *help_case(void);
TCase *auth_case(void);
TCase *http_case(void);
TCase *hostile_case(void);
TCase *stop_case(void);
TCase *memory_case(void);
TCase *cli_case(void);

#endif /* PTD_TESTS_RPC_RIG_H */
