/* pentad: the node. Reads options, starts it, waits for a signal, stops it. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/node.h"
#include "pentad/process.h"

static int fail(const char *error)
{
    fprintf(stderr, "Error: %s\n", error);
    return EXIT_FAILURE;
}

static void wait_for_signal(const sigset_t *set)
{
    int sig;

    do
        (void)sigwait(set, &sig);
    while (sig != SIGINT && sig != SIGTERM);
}

int main(int argc, char **argv)
{
    struct node_options o;
    struct node *n;
    char error[512];
    sigset_t set;
    int status = EXIT_SUCCESS;

    ptd_process_tune();
    /* Before any thread: all of them leave signals to this one. */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);

    if (node_options_read(&o, argc, argv, error, sizeof error) != PTD_OK)
        status = fail(error);
    else if (o.version)
        printf("Pentad version v%s\n", PACKAGE_VERSION);
    else if (o.help)
        fputs(node_help, stdout);
    else if (node_start(&n, &o, error, sizeof error) != PTD_OK)
        status = fail(error);
    else {
        wait_for_signal(&set);
        node_stop(n);
    }
    node_options_fini(&o);
    return status;
}
