#include <config.h>

#include "node/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "pentad/clock.h"
#include "pentad/log.h"
#include "pentad/peer.h"
#include "wire/encoded.h"

PTD_LOG_TAG(SRVR);

enum { HEADER_BYTES = 8 + PTD_COMMAND_BYTES + 4 };

struct ptd_capture {
    int dir; /* everything is opened below it */
    struct ptd_clock *clk;
};

enum ptd_err ptd_capture_new(struct ptd_capture **out, const char *dir,
                             struct ptd_clock *clk)
{
    struct ptd_capture *c = ptd_calloc(1, sizeof *c);

    if (c == NULL)
        return PTD_ENOMEM;
    c->clk = clk;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        ptd_free(c);
        return PTD_EIO;
    }
    c->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir < 0) {
        ptd_free(c);
        return PTD_EIO;
    }
    *out = c;
    return PTD_OK;
}

void ptd_capture_free(struct ptd_capture *c)
{
    if (c == NULL)
        return;
    close(c->dir);
    ptd_free(c);
}

static int open_file(struct ptd_capture *c, const struct ptd_netaddr *addr,
                     enum ptd_capture_way way)
{
    char name[PTD_NETADDR_TEXT], path[PTD_NETADDR_TEXT + 16];

    ptd_netaddr_format(addr, name, sizeof name);
    for (char *at = name; (at = strchr(at, ':')) != NULL;)
        *at = '_';
    if (mkdirat(c->dir, name, 0700) != 0 && errno != EEXIST)
        return -1;
    snprintf(path, sizeof path, "%s/%s", name,
             way == PTD_CAPTURE_RECV ? "msgs_recv.dat" : "msgs_sent.dat");
    return openat(c->dir, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                  0600);
}

/* All of a record, or as much of it as the disk takes. */
static bool write_record(int fd, const uint8_t header[HEADER_BYTES],
                         const uint8_t *payload, size_t n)
{
    struct iovec v[2] = {
        { (void *)(uintptr_t)header, HEADER_BYTES },
        { (void *)(uintptr_t)payload, n },
    };
    struct iovec *at = v, *end = v + (n > 0 ? 2 : 1);

    while (at < end) {
        ssize_t k = writev(fd, at, (int)(end - at));

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        while (at < end && (size_t)k >= at->iov_len) {
            k -= (ssize_t)at->iov_len;
            at++;
        }
        if (at < end) {
            at->iov_base = (uint8_t *)at->iov_base + k;
            at->iov_len -= (size_t)k;
        }
    }
    return true;
}

void ptd_capture_bytes(struct ptd_capture *c, const struct ptd_netaddr *addr,
                       enum ptd_capture_way way, const char *command,
                       const uint8_t *payload, size_t n)
{
    uint8_t header[HEADER_BYTES] = { 0 };
    int fd = open_file(c, addr, way);

    ptd_put_le64(header, (uint64_t)ptd_clock_wall_us(c->clk));
    memcpy(header + 8, command, strnlen(command, PTD_COMMAND_BYTES));
    ptd_put_le32(header + 8 + PTD_COMMAND_BYTES, (uint32_t)n);
    if (fd < 0 || !write_record(fd, header, payload, n))
        ptd_log_warn_every(60, "A message cannot be captured: %s",
                           strerror(errno));
    if (fd >= 0)
        close(fd);
}

void ptd_capture_msg(struct ptd_capture *c, struct ptd_peer *p,
                     enum ptd_capture_way way, struct ptd_msg *m)
{
    uint32_t pver = ptd_peer_pver(p);
    const struct ptd_codec cx = {
        .pver = pver != 0 ? pver : PTD_PVER_WTXIDRELAY,
        .encoding = PTD_ENC_WITNESS,
    };
    struct ptd_encoded *form;

    if (ptd_msg_encoded(m, &form, &cx) != PTD_OK) {
        ptd_log_warn_every(60, "%s: a message cannot be captured",
                           ptd_peer_name(p));
        return;
    }
    ptd_capture_bytes(c, ptd_peer_addr(p), way, ptd_msg_command(m),
                      form->payload, form->n);
    ptd_encoded_free(form);
}
