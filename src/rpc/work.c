#include <config.h>

#include <stdio.h>

#include "base/alloc.h"
#include "rpc/rpc_int.h"

static void answer_page(struct ptd_rpc *r, struct ptd_rpc_job *job)
{
    struct ptd_rpc_page page = {
        .path = job->uri,
        .user = job->user,
        .quit = r->quit,
        .status = 200,
        .type = "text/plain; charset=utf-8",
    };

    job->page->fn(&page, job->page->arg);
    job->reply = (struct ptd_rpc_reply){ page.status, page.type, page.body,
                                         page.body != NULL ? page.n : 0 };
}

static void answer(struct ptd_rpc *r, struct ptd_rpc_job *job)
{
    struct ptd_rpc_who who = { job->user, job->peer, r->quit };

    if (job->page != NULL)
        answer_page(r, job);
    else
        ptd_rpc_answer(r, &who, job->body.v != NULL ? job->body.v : "",
                       job->body.n, &job->reply);
    ptd_text_fini(&job->body);
}

/* ---- calls that wait ------------------------------------------------------- */

/* One in the place of the last worker, once that is about to wait; it stays. */
static bool is_spare_due(struct ptd_rpc *r)
{
    bool is_due;

    ptd_mutex_lock(&r->mu);
    is_due = r->n_waiting == r->n_workers && !r->has_spare;
    r->has_spare = r->has_spare || is_due;
    ptd_mutex_unlock(&r->mu);
    return is_due;
}

static bool count_in(struct ptd_rpc *r)
{
    bool has_room;

    ptd_mutex_lock(&r->mu);
    has_room = r->n_waiting < r->n_workers;
    r->n_waiting += has_room;
    ptd_mutex_unlock(&r->mu);
    return has_room;
}

static void count_out(struct ptd_rpc *r, bool gives_spare_up)
{
    ptd_mutex_lock(&r->mu);
    r->n_waiting--;
    if (gives_spare_up)
        r->has_spare = false;
    ptd_mutex_unlock(&r->mu);
}

bool ptd_rpc_wait_begin(struct ptd_rpc_call *call)
{
    struct ptd_rpc *r = call->rpc;

    if (r == NULL || atomic_load(&r->interrupted))
        return true; /* nobody else is to be served */
    if (!count_in(r)) {
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                     "%d calls wait already, as many as -rpcthreads allows",
                     r->n_workers);
        return false;
    }
    if (is_spare_due(r) && ptd_rpc_worker_start(r) != PTD_OK) {
        count_out(r, true);
        ptd_rpc_fail(call, PTD_RPC_OUT_OF_MEMORY, "No thread left to wait in");
        return false;
    }
    call->waits = true;
    return true;
}

void ptd_rpc_wait_end(struct ptd_rpc_call *call)
{
    if (call->waits)
        count_out(call->rpc, false);
    call->waits = false;
}

/* ---- the thread ------------------------------------------------------------ */

enum ptd_err ptd_rpc_worker_start(struct ptd_rpc *r)
{
    char name[PTD_THREAD_NAME_MAX + 1];
    enum ptd_err e;
    size_t i;

    ptd_mutex_lock(&r->mu);
    i = r->n_started;
    ptd_mutex_unlock(&r->mu);
    snprintf(name, sizeof name, "rpc-%u", (unsigned)i % 100000);
    e = ptd_thread_start(&r->workers[i], NULL, name, ptd_rpc_worker_main, r);
    if (e != PTD_OK)
        return e;
    ptd_mutex_lock(&r->mu);
    r->n_started++;
    ptd_mutex_unlock(&r->mu);
    return PTD_OK;
}

void ptd_rpc_worker_main(void *arg)
{
    struct ptd_rpc *r = arg;
    struct ptd_rpc_job *job;

    while (ptd_chan_recv(r->jobs, &job) == PTD_OK) {
        answer(r, job);
        ptd_mutex_lock(&r->mu);
        ptd_list_append(&r->done, &job->link);
        ptd_mutex_unlock(&r->mu);
        ptd_latch_set(&r->wake);
    }
}
