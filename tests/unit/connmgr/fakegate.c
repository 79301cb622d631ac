#include <config.h>

#include "fakegate.h"

#include <check.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "guard.h"
#include "net/addr.h"
#include "net/wait.h"

/* One request, and who sent it. */
struct heard {
    uint8_t p[64];
    size_t n;
    struct sockaddr_storage from;
    socklen_t len;
};

static void say(struct fakegate *g, const struct heard *h, const void *p,
                size_t n)
{
    /* Into a full or closed socket: UDP loses that anyhow. */
    (void)!sendto(g->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT,
                  (const struct sockaddr *)&h->from, h->len);
}

static uint32_t granted(struct fakegate *g, uint32_t asked)
{
    uint32_t lifetime = atomic_load(&g->lifetime);

    return lifetime == 0xfffffffe ? asked : lifetime;
}

/* The right answer to a request of ours; its length. */
static size_t answer(struct fakegate *g, uint8_t out[64], const struct heard *h)
{
    unsigned result = atomic_load(&g->result);

    memset(out, 0, 64);
    if (h->n == 60 && h->p[0] == 2 && atomic_load(&g->mode) != FAKE_NATPMP) {
        memcpy(out, h->p, 60);
        out[1] |= 0x80;
        out[2] = 0;
        out[3] = (uint8_t)result;
        ptd_put_be32(out + 4, granted(g, ptd_get_be32(h->p + 4)));
        memset(out + 8, 0, 16);
        ptd_netaddr_to_ip16(&g->external, out + 44);
        ptd_put_be16(out + 42, g->external.port);
        return 60;
    }
    if (h->n == 2 && h->p[0] == 0 && h->p[1] == 0) {
        out[1] = 0x80;
        memcpy(out + 8, g->external.addr, 4);
        return 12;
    }
    if (h->n == 12 && h->p[0] == 0 && h->p[1] == 2) {
        out[1] = 0x82;
        ptd_put_be16(out + 2, (uint16_t)result);
        memcpy(out + 8, h->p + 4, 2);
        ptd_put_be16(out + 10, g->external.port);
        ptd_put_be32(out + 12, granted(g, ptd_get_be32(h->p + 8)));
        return 16;
    }
    out[3] = 1; /* NAT-PMP's UNSUPP_VERSION */
    return 8;
}

static void say_wrong(struct fakegate *g, const struct heard *h,
                      enum fake_mode mode)
{
    static const uint8_t huge[4096];
    uint8_t out[64];
    size_t n = answer(g, out, h);

    switch (mode) {
    /* NAT-PMP's answer about the address has neither. */
    case FAKE_NONCE: out[n == 60 ? 30 : n == 16 ? 8 : 0] ^= 1; break;
    case FAKE_PORT: out[n == 60 ? 40 : n == 16 ? 8 : 0] ^= 1; break;
    case FAKE_SHORT: n--; break;
    case FAKE_EMPTY: n = 0; break;
    case FAKE_ECHO:
        memcpy(out, h->p, h->n);
        n = h->n;
        break;
    case FAKE_HUGE: say(g, h, huge, sizeof huge); return;
    case FAKE_HONEST:
    case FAKE_NATPMP:
    case FAKE_SILENT:
    case FAKE_LOSES_FIRST:
    case FAKE_FLOOD:
    case FAKE_CHATTY: break;
    }
    say(g, h, out, n);
}

static void react(struct fakegate *g, const struct heard *h, unsigned number)
{
    enum fake_mode mode = atomic_load(&g->mode);
    uint8_t out[64];
    size_t n;

    switch (mode) {
    case FAKE_SILENT: return;
    case FAKE_LOSES_FIRST:
        if (number % 2 == 0)
            return;
        break;
    case FAKE_FLOOD:
        for (unsigned i = 0; i < 5000; i++)
            say_wrong(g, h, FAKE_NONCE);
        return;
    case FAKE_CHATTY:
        for (enum fake_mode m = FAKE_NONCE; m <= FAKE_ECHO; m++)
            say_wrong(g, h, m);
        break;
    case FAKE_NONCE:
    case FAKE_SHORT:
    case FAKE_EMPTY:
    case FAKE_HUGE:
    case FAKE_PORT:
    case FAKE_ECHO: say_wrong(g, h, mode); return;
    case FAKE_HONEST:
    case FAKE_NATPMP: break;
    }
    n = answer(g, out, h);
    say(g, h, out, n);
}

static void fakegate_main(void *arg)
{
    struct fakegate *g = arg;
    struct ptd_wait w = ptd_wait_until(-1, &g->stop);
    struct heard h;

    while (ptd_wait_fd(&w, g->fd, POLLIN) == PTD_OK) {
        ssize_t n;

        h.len = sizeof h.from;
        n = recvfrom(g->fd, h.p, sizeof h.p, MSG_DONTWAIT,
                     (struct sockaddr *)&h.from, &h.len);
        if (n < 0)
            continue;
        h.n = (size_t)n;
        react(g, &h, atomic_fetch_add(&g->n_heard, 1));
        (void)!ptd_chan_try_send(g->heard, NULL);
    }
}

bool fakegate_start(struct fakegate *g, const char *at, enum fake_mode mode,
                    const char *external)
{
    struct sockaddr_storage sa;
    socklen_t len;

    *g = (struct fakegate){ .fd = -1 };
    g->external = guard_addr(external != NULL ? external : "8.8.4.4:18333");
    g->na = guard_addr(at);
    g->na.port = 0;
    atomic_store(&g->mode, mode);
    atomic_store(&g->lifetime, 0xfffffffe);
    ck_assert_int_eq(ptd_addr_to_sockaddr(&g->na, &sa, &len), PTD_OK);
    g->fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (g->fd < 0)
        return false;
    if (bind(g->fd, (struct sockaddr *)&sa, len) != 0) {
        close(g->fd);
        return false;
    }
    ck_assert_int_eq(ptd_addr_local(&g->na, g->fd), PTD_OK);
    ck_assert_int_eq(ptd_latch_init(&g->stop), PTD_OK);
    ck_assert_ptr_nonnull(g->heard = ptd_chan_new(0, 64));
    ck_assert_int_eq(
        ptd_thread_start(&g->thread, NULL, "fakegate", fakegate_main, g),
        PTD_OK);
    return true;
}

void fakegate_stop(struct fakegate *g)
{
    ptd_latch_set(&g->stop);
    ptd_thread_join(&g->thread);
    ptd_latch_fini(&g->stop);
    ptd_chan_free(g->heard);
    close(g->fd);
}
