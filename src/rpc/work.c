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
