#include <config.h>

#include "base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#ifndef HAVE_ARC4RANDOM_BUF
#include <sys/random.h>
#endif

#include "base/util.h"

void ptd_random_bytes(void *out, size_t n)
{
    if (n == 0)
        return; /* out may be NULL */
#ifdef HAVE_ARC4RANDOM_BUF
    arc4random_buf(out, n);
#else
    unsigned char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        PTD_ASSERT(got >= 0 || errno == EINTR);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
#endif
}

uint32_t ptd_random_u32(void)
{
    uint32_t v;

    ptd_random_bytes(&v, sizeof v);
    return v;
}

uint64_t ptd_random_u64(void)
{
    uint64_t v;

    ptd_random_bytes(&v, sizeof v);
    return v;
}

uint64_t ptd_random_below(uint64_t bound)
{
    uint64_t v, reject;

    PTD_ASSERT(bound > 0);
    /* 2^64 mod bound values at the bottom would make some results likelier. */
    reject = -bound % bound;
    do
        v = ptd_random_u64();
    while (v < reject);
    return v % bound;
}

int64_t ptd_random_exponential(int64_t mean)
{
    for (int64_t whole = 0;; whole++) {
        uint64_t first = ptd_random_u64(), last = first, next;
        bool odd = true;

        while ((next = ptd_random_u64()) < last) {
            last = next;
            odd = !odd;
        }
        if (odd)
            return whole * mean +
                   (int64_t)((double)first / 0x1p64 * (double)mean);
    }
}

void ptd_random_shuffle(void *array, size_t n, size_t elem_size)
{
    unsigned char *a = array;
    unsigned char tmp[256];

    PTD_ASSERT(elem_size <= sizeof tmp);
    for (size_t i = n; i > 1; i--) {
        unsigned char *x = a + (i - 1) * elem_size;
        unsigned char *y = a + ptd_random_below(i) * elem_size;

        memcpy(tmp, x, elem_size);
        memmove(x, y, elem_size);
        memcpy(y, tmp, elem_size);
    }
}
