#include <config.h>

#include "sync/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "sync/stack.h"

/* What a new thread needs; freed by it. */
struct boot {
    void (*main)(void *);
    void *arg;
    char name[PTD_THREAD_NAME_MAX + 1];
};

static void copy_name(char to[PTD_THREAD_NAME_MAX + 1], const char *name)
{
    snprintf(to, PTD_THREAD_NAME_MAX + 1, "%s", name);
}

void ptd_thread_set_name(const char *name)
{
    char cut[PTD_THREAD_NAME_MAX + 1];

    copy_name(cut, name);
    (void)pthread_setname_np(pthread_self(), cut);
}

static void *thread_main(void *arg)
{
    struct boot boot = *(struct boot *)arg;

    ptd_free(arg);
    ptd_thread_set_name(boot.name);
    boot.main(boot.arg);
    return NULL;
}

static enum ptd_err create(struct ptd_thread *t, struct boot *boot)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int e;

    if (pthread_attr_init(&attr) != 0)
        return PTD_ENOMEM;
    e = t->stack != NULL ? pthread_attr_setstack(&attr, t->stack,
                                                 ptd_threads_stack_bytes())
                         : 0;
    if (e == 0) {
        /* Signals are the program's business: no thread of ours takes one. */
        sigfillset(&all);
        PTD_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
        e = pthread_create(&t->id, &attr, thread_main, boot);
        PTD_ASSERT(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    }
    (void)pthread_attr_destroy(&attr);
    return e == 0 ? PTD_OK : e == EAGAIN ? PTD_EAGAIN : PTD_ENOMEM;
}

enum ptd_err ptd_thread_start(struct ptd_thread *t, struct ptd_threads *pool,
                              const char *name, void (*main)(void *), void *arg)
{
    struct boot *boot = ptd_alloc(sizeof *boot);
    enum ptd_err e = PTD_ENOMEM;

    memset(t, 0, sizeof *t);
    if (boot == NULL)
        return e;
    boot->main = main;
    boot->arg = arg;
    copy_name(boot->name, name);
    if (pool != NULL && (t->stack = ptd_stack_get(pool)) == NULL)
        goto free_boot;
    t->pool = pool;
    if ((e = create(t, boot)) != PTD_OK)
        goto free_stack;
    t->started = true;
    return PTD_OK;

free_stack:
    if (t->stack != NULL)
        ptd_stack_put(pool, t->stack);
free_boot:
    ptd_free(boot);
    memset(t, 0, sizeof *t);
    return e;
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
