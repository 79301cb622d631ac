#include <config.h>

#include "chain/io.h"

#include <errno.h>
#include <unistd.h>

enum ptd_err ptd_io_error(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PTD_EFULL;
    case ENOMEM: return PTD_ENOMEM;
    default: return PTD_EIO;
    }
}

enum ptd_err ptd_read_at(int fd, void *out, size_t n, uint64_t at)
{
    uint8_t *p = out;

    while (n > 0) {
        ssize_t some = pread(fd, p, n, (off_t)at);

        if (some == 0)
            return PTD_ESHORT;
        if (some < 0) {
            if (errno == EINTR)
                continue;
            return ptd_io_error();
        }
        p += some;
        n -= (size_t)some;
        at += (uint64_t)some;
    }
    return PTD_OK;
}

enum ptd_err ptd_write_at(int fd, const void *data, size_t n, uint64_t at)
{
    const uint8_t *p = data;

    while (n > 0) {
        ssize_t some = pwrite(fd, p, n, (off_t)at);

        if (some < 0) {
            if (errno == EINTR)
                continue;
            return ptd_io_error();
        }
        p += some;
        n -= (size_t)some;
        at += (uint64_t)some;
    }
    return PTD_OK;
}
