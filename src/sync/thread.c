#include <config.h>

#include "sync/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "base/alloc.h"
#include "sync/stack.h"

/* What a new thread needs to begin; it frees it first thing. */
struct boot {
    void (*main)(void *);
    void *arg;
    struct ptd_stack *stack;
    char name[PTD_THREAD_NAME_MAX + 1];
};

/* The pooled stack this thread runs on. */
static _Thread_local struct ptd_stack *self;

struct ptd_stack *ptd_stack_self(void)
{
    return self;
}

static void copy_name(char to[PTD_THREAD_NAME_MAX + 1], const char *from)
{
    size_t n = strnlen(from, PTD_THREAD_NAME_MAX);

    memcpy(to, from, n);
    to[n] = '\0';
}

void ptd_thread_set_name(const char *name)
{
    char cut[PTD_THREAD_NAME_MAX + 1];

    copy_name(cut, name);
    (void)pthread_setname_np(pthread_self(), cut);
    if (self != NULL)
        copy_name(self->name, cut);
}

static int kernel_tid(void)
{
#ifdef SYS_gettid
    return (int)syscall(SYS_gettid);
#else
    return -1;
#endif
}

static void *thread_main(void *arg)
{
    struct boot *boot = arg;
    void (*run)(void *) = boot->main;
    void *run_arg = boot->arg;

    self = boot->stack;
    if (self != NULL) {
        self->parker = ptd_parker_self();
        self->tid = kernel_tid();
    }
    ptd_thread_set_name(boot->name);
    ptd_free(boot);
    run(run_arg);
    return NULL;
}

/* pthread_create with all signals blocked, which the thread inherits. */
static int create(pthread_t *id, struct ptd_stack *stack, struct boot *boot)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int e;

    PTD_ASSERT(pthread_attr_init(&attr) == 0);
    if (stack != NULL)
        PTD_ASSERT(pthread_attr_setstack(&attr, stack->base,
                                         ptd_threads_stack_bytes()) == 0);
    sigfillset(&all);
    PTD_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    e = pthread_create(id, &attr, thread_main, boot);
    PTD_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    PTD_ASSERT(pthread_attr_destroy(&attr) == 0);
    return e;
}

enum ptd_err ptd_thread_start(struct ptd_thread *t, struct ptd_threads *pool,
                              const char *name, void (*main)(void *), void *arg)
{
    struct ptd_stack *stack = NULL;
    struct boot *boot;
    int e;

    memset(t, 0, sizeof *t);
    if ((boot = ptd_alloc(sizeof *boot)) == NULL)
        goto fail;
    if (pool != NULL && (stack = ptd_stack_get(pool)) == NULL)
        goto free_boot;
    boot->main = main;
    boot->arg = arg;
    boot->stack = stack;
    copy_name(boot->name, name);
    t->pool = pool;
    t->stack = stack; /* before: a thread may look at its own record */
    if ((e = create(&t->id, stack, boot)) != 0)
        goto put_stack;
    t->started = true;
    return PTD_OK;

put_stack:
    t->stack = NULL;
    if (stack != NULL)
        ptd_stack_put(pool, stack);
    ptd_free(boot);
    return e == ENOMEM ? PTD_ENOMEM : PTD_EAGAIN;
free_boot:
    ptd_free(boot);
fail:
    return PTD_ENOMEM;
}

void ptd_thread_join(struct ptd_thread *t)
{
    if (!t->started)
        return;
    PTD_ASSERT(pthread_join(t->id, NULL) == 0);
    if (t->stack != NULL)
        ptd_stack_put(t->pool, t->stack);
    memset(t, 0, sizeof *t);
}

uintptr_t ptd_thread_self_id(void)
{
    return (uintptr_t)pthread_self();
}
