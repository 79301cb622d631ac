/* The one file that sees libzmq. A socket belongs to one thread at a time: to
 * who opens it, then to the thread "zmq", at last to who joined that. */
#include <config.h>

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "base/bytes.h"
#include "base/util.h"
#include "pentad/log.h"
#include "zmq/publisher_int.h"

PTD_LOG_TAG(ZMQP);

/* What a subscriber sends is shorter: greetings, and names of topics. */
enum { MAX_INBOUND_BYTES = 1024 };

static const char *const topics[N_TOPICS] = {
    [TOPIC_HASHBLOCK] = "hashblock", [TOPIC_HASHTX] = "hashtx",
    [TOPIC_RAWBLOCK] = "rawblock",   [TOPIC_RAWTX] = "rawtx",
    [TOPIC_SEQUENCE] = "sequence",
};

const char *pub_topic_name(enum topic topic)
{
    return topics[topic];
}

enum topic pub_topic_of(const char *name)
{
    for (int i = 0; i < N_TOPICS; i++)
        if (strcmp(topics[i], name) == 0)
            return (enum topic)i;
    return N_TOPICS;
}

/* ---- opening --------------------------------------------------------- */

/* In Bitcoin Core's words. */
static bool failed(const char *what)
{
    ptd_log_warn("Error: %s, msg: %s", what, zmq_strerror(errno));
    return false;
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* "tcp://[::1]:28332". ZeroMQ has to be told: where an IPv4 address is meant,
 * some systems refuse the sockets that serve both. */
static bool is_ipv6(const char *address)
{
    static const char tcp[] = "tcp://";
    const char *colon = strrchr(address, ':');

    if (strncmp(address, tcp, strlen(tcp)) != 0)
        return false;
    address += strlen(tcp);
    return colon > address &&
           memchr(address, ':', (size_t)(colon - address)) != NULL;
}

static bool set_up(void *socket, const struct publication *pub)
{
    const int64_t max_bytes = MAX_INBOUND_BYTES;

    if (!set_int(socket, ZMQ_LINGER, 0) ||
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) !=
            0)
        return failed("Failed to set up socket");
    if (!set_int(socket, ZMQ_SNDHWM, pub->hwm))
        return failed("Failed to set outbound message high water mark");
    if (!set_int(socket, ZMQ_TCP_KEEPALIVE, 1))
        return failed("Failed to set SO_KEEPALIVE");
    if (!set_int(socket, ZMQ_IPV6, is_ipv6(pub->address)))
        return failed("Failed to set ZMQ_IPV6");
    if (zmq_bind(socket, pub->address) != 0)
        return failed("Failed to bind address");
    return true;
}

/* The socket that an earlier one has at the same address. */
static void *socket_at(const struct ptd_publisher *p, size_t n,
                       const char *address)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(p->pub[i].address, address) == 0)
            return p->pub[i].socket;
    return NULL;
}

static bool open_one(struct ptd_publisher *p, size_t i)
{
    struct publication *pub = &p->pub[i];

    ptd_log_debug("Outbound message high water mark for pub%s at %s is %d",
                  topics[pub->topic], pub->address, pub->hwm);
    pub->socket = socket_at(p, i, pub->address);
    if (pub->socket != NULL) {
        ptd_log_debug("Reusing socket for address %s", pub->address);
        return true;
    }
    pub->socket = zmq_socket(p->ctx, ZMQ_PUB);
    if (pub->socket == NULL)
        return failed("Failed to create socket");
    pub->owns_socket = true;
    return set_up(pub->socket, pub);
}

enum ptd_err pub_open(struct ptd_publisher *p)
{
    int major, minor, patch;

    zmq_version(&major, &minor, &patch);
    ptd_log_debug("version %d.%d.%d", major, minor, patch);
    p->ctx = zmq_ctx_new();
    if (p->ctx == NULL) {
        failed("Unable to initialize context");
        return PTD_EINVAL;
    }
    for (size_t i = 0; i < p->n_pub; i++) {
        const struct publication *pub = &p->pub[i];

        if (!open_one(p, i)) {
            ptd_log_warn("Notifier pub%s failed (address = %s): nothing is "
                         "published over ZeroMQ",
                         topics[pub->topic], pub->address);
            return PTD_EINVAL;
        }
        ptd_log_debug("Notifier pub%s ready (address = %s)", topics[pub->topic],
                      pub->address);
    }
    return PTD_OK;
}

void pub_close(struct ptd_publisher *p)
{
    for (size_t i = 0; i < p->n_pub; i++) {
        if (!p->pub[i].owns_socket)
            continue;
        ptd_log_debug("Close socket at address %s", p->pub[i].address);
        zmq_close(p->pub[i].socket);
    }
    if (p->ctx != NULL)
        zmq_ctx_term(p->ctx);
}

/* ---- sending --------------------------------------------------------- */

enum { N_FRAMES = 3 };

struct frame {
    const void *data;
    size_t n;
};

/* All frames, or none of them. */
static bool make_frames(zmq_msg_t msg[N_FRAMES],
                        const struct frame frame[N_FRAMES])
{
    for (int i = 0; i < N_FRAMES; i++) {
        if (zmq_msg_init_size(&msg[i], frame[i].n) != 0) {
            while (i-- > 0)
                zmq_msg_close(&msg[i]);
            return false;
        }
        memcpy(zmq_msg_data(&msg[i]), frame[i].data, frame[i].n);
    }
    return true;
}

/* A socket of this kind never waits: who is not fast enough misses it. */
static bool send_frames(void *socket, const struct frame frame[N_FRAMES])
{
    zmq_msg_t msg[N_FRAMES];
    bool ok = true;

    if (!make_frames(msg, frame))
        return false;
    for (int i = 0; i < N_FRAMES; i++) {
        int more = i + 1 < N_FRAMES ? ZMQ_SNDMORE : 0;

        if (ok)
            ok = zmq_msg_send(&msg[i], socket, more | ZMQ_DONTWAIT) >= 0;
        if (!ok)
            zmq_msg_close(&msg[i]);
    }
    return ok;
}

void pub_send(struct ptd_publisher *p, enum topic topic, const char *what,
              const struct ptd_hash *hash, const void *body, size_t n)
{
    char hex[PTD_HASH_HEX_SIZE];
    uint8_t number[4];
    const struct frame frame[N_FRAMES] = { { topics[topic],
                                             strlen(topics[topic]) },
                                           { body, n },
                                           { number, sizeof number } };

    for (size_t i = 0; i < p->n_pub; i++) {
        struct publication *pub = &p->pub[i];

        if (pub->topic != topic)
            continue;
        ptd_log_debug("Publish %s %s to %s", what, ptd_hash_to_hex(hash, hex),
                      pub->address);
        ptd_put_le32(number, pub->next++);
        if (!send_frames(pub->socket, frame))
            ptd_log_warn_every(60, "Error: Unable to send ZMQ msg, msg: %s",
                               zmq_strerror(errno));
    }
}

void pub_skip(struct ptd_publisher *p, enum topic topic, uint32_t n)
{
    for (size_t i = 0; i < p->n_pub; i++)
        if (p->pub[i].topic == topic)
            p->pub[i].next += n;
}
