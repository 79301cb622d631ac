#include <config.h>

#include "sync/park.h"

#include <time.h>

#include "base/rng.h"

#if PTD_USE_FUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(SYS_futex_time64) && !defined(SYS_futex)
#define SYS_futex SYS_futex_time64 /* 32-bit systems born after 2038's fix */
#endif
#endif

static _Thread_local struct ptd_parker self;

bool ptd_park_claim(struct ptd_parker *p, int result)
{
    unsigned w = atomic_load_explicit(&p->word, memory_order_relaxed);

    do {
        if ((w & PTD_PARK_STATE) != PTD_PARK_WAITING)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &p->word, &w, (w & PTD_PARK_ASLEEP) | PTD_PARK_CLAIMED,
        memory_order_acquire, memory_order_relaxed));
    p->result = result;
    return true;
}

/* The sleeper is awake: what it waited for is over. */
static int end(struct ptd_parker *p)
{
    atomic_store_explicit(&p->word, PTD_PARK_RUNNING, memory_order_relaxed);
    p->what = PTD_PARK_FOR_NOTHING;
    return p->result;
}

int ptd_park_wait(struct ptd_parker *p)
{
    int result = 0;

    while (!ptd_park_wait_until(p, PTD_NEVER, &result))
        ; /* a deadline that never comes */
    return result;
}

int ptd_park_give_up(struct ptd_parker *p)
{
    if (ptd_park_claim(p, PTD_PARK_TIMEOUT))
        return end(p);
    return ptd_park_wait(p);
}

static void to_timespec(struct timespec *ts, int64_t us)
{
    ts->tv_sec = (time_t)(us / 1000000);
    ts->tv_nsec = (long)(us % 1000000) * 1000;
}

#if PTD_USE_FUTEX

struct ptd_parker *ptd_parker_self(void)
{
    return &self;
}

void ptd_park_fire(struct ptd_parker *p)
{
    unsigned old = atomic_exchange_explicit(&p->word, PTD_PARK_FIRED,
                                            memory_order_release);

    /* From here on p may be gone: its address is all that is used. */
    if (old & PTD_PARK_ASLEEP)
        syscall(SYS_futex, &p->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Sleep while the word is `seen`, to an absolute time at most. False: the time
 * has come. */
static bool futex_wait(atomic_uint *word, unsigned seen, int64_t mono_us)
{
    struct timespec ts, *until = NULL;

    if (mono_us != PTD_NEVER) {
        to_timespec(&ts, mono_us);
        until = &ts;
    }
    /* The plain wait takes relative times only. */
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, until,
                   NULL, FUTEX_BITSET_MATCH_ANY) == 0 ||
           errno != ETIMEDOUT;
}

bool ptd_park_wait_until(struct ptd_parker *p, int64_t mono_us, int *result)
{
    unsigned w = atomic_fetch_or_explicit(&p->word, PTD_PARK_ASLEEP,
                                          memory_order_acquire);

    w |= PTD_PARK_ASLEEP;
    while ((w & PTD_PARK_STATE) != PTD_PARK_FIRED) {
        if (!futex_wait(&p->word, w, mono_us))
            return false;
        w = atomic_load_explicit(&p->word, memory_order_acquire);
    }
    *result = end(p);
    return true;
}

#else /* !PTD_USE_FUTEX */

struct ptd_parker *ptd_parker_self(void)
{
    pthread_condattr_t attr;
    struct ptd_parker *p = &self;

    if (p->ready)
        return p;
    ptd_mutex_init(&p->mu, PTD_RANK_PARKER);
    PTD_ASSERT(pthread_condattr_init(&attr) == 0);
    PTD_ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    PTD_ASSERT(pthread_cond_init(&p->cond, &attr) == 0);
    PTD_ASSERT(pthread_condattr_destroy(&attr) == 0);
    p->ready = true;
    return p;
}

void ptd_park_fire(struct ptd_parker *p)
{
    /* Store and signal under the mutex: the sleeper cannot return from its
     * wait, and its thread not end, before the unlock. */
    ptd_mutex_lock(&p->mu);
    atomic_store_explicit(&p->word, PTD_PARK_FIRED, memory_order_release);
    PTD_ASSERT(pthread_cond_signal(&p->cond) == 0);
    ptd_mutex_unlock(&p->mu);
}

static bool is_fired(struct ptd_parker *p)
{
    return atomic_load_explicit(&p->word, memory_order_acquire) ==
           PTD_PARK_FIRED;
}

bool ptd_park_wait_until(struct ptd_parker *p, int64_t mono_us, int *result)
{
    struct timespec ts;
    int e = 0;

    to_timespec(&ts, mono_us);
    ptd_mutex_lock(&p->mu);
    while (!is_fired(p) && e == 0)
        e = mono_us == PTD_NEVER
                ? pthread_cond_wait(&p->cond, &p->mu.m)
                : pthread_cond_timedwait(&p->cond, &p->mu.m, &ts);
    e = is_fired(p) ? 0 : e;
    ptd_mutex_unlock(&p->mu);
    PTD_ASSERT(e == 0 || e == ETIMEDOUT);
    if (e != 0)
        return false;
    *result = end(p);
    return true;
}

#endif /* PTD_USE_FUTEX */

uint32_t ptd_park_pick(struct ptd_parker *p, uint32_t n)
{
    uint64_t x = p->random;

    while (x == 0)
        x = ptd_random_u64();
    /* Marsaglia's xorshift, 64 bits. */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    p->random = x;
    return (uint32_t)(((x >> 32) * n) >> 32);
}
