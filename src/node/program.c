/* The program: options, directory, log, signals around a node. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/datadir.h"
#include "node/limits.h"
#include "node/node.h"
#include "node/options.h"
#include "node/stdfds.h"
#include "pentad/log.h"
#include "pentad/process.h"

PTD_LOG_TAG(NODE);

/* What the program holds besides the node. */
struct program {
    struct ptd_args args;
    struct ptd_node_config cfg;
    struct ptd_complaint why;
    struct ptd_log_file *log;
    int lock_fd;     /* of the data directory, -1: none */
    int net_lock_fd; /* of the network's, where it is another */
    sigset_t signals;
};

/* ---- before the node ----------------------------------------------------- */

/* Whether -help or -version was asked for, and done. */
static bool just_told(const struct ptd_args *args)
{
    if (ptd_args_bool(args, "version", false)) {
        printf("%s version v%s\n", PTD_CLIENT_NAME, PACKAGE_VERSION);
        return true;
    }
    if (ptd_args_bool(args, "help", false) || ptd_args_bool(args, "h", false) ||
        ptd_args_bool(args, "?", false)) {
        ptd_options_print(stdout);
        return true;
    }
    return false;
}

static enum ptd_err open_log(struct program *p)
{
    const struct ptd_node_config *cfg = &p->cfg;
    enum ptd_err e;

    if (cfg->log_path == NULL && !cfg->console)
        return PTD_OK;
    e = ptd_log_file_open(&p->log, cfg->log_path, cfg->console ? stdout : NULL,
                          &cfg->log_format);
    if (e != PTD_OK)
        return ptd_complain(&p->why, "Could not open debug log file %s: %s",
                            cfg->log_path != NULL ? cfg->log_path : "",
                            strerror(errno));
    return PTD_OK;
}

static enum ptd_err prepare(struct program *p)
{
    struct ptd_node_config *cfg = &p->cfg;
    enum ptd_err e;

    if ((e = ptd_node_config_read(cfg, &p->args, &p->why)) != PTD_OK ||
        (e = ptd_node_config_log(&p->args, &p->why)) != PTD_OK ||
        (e = ptd_datadir_lock(&p->lock_fd, cfg->datadir, &p->why)) != PTD_OK)
        return e;
    if (strcmp(cfg->datadir, cfg->netdir) != 0 &&
        (e = ptd_datadir_lock(&p->net_lock_fd, cfg->netdir, &p->why)) != PTD_OK)
        return e;
    if ((e = open_log(p)) != PTD_OK)
        return e;
    ptd_log_info("%s version v%s", PTD_CLIENT_NAME, PACKAGE_VERSION);
    ptd_log_info("Using data directory %s", cfg->netdir);
    ptd_limits_raise(&cfg->max_connections);
    return PTD_OK;
}

/* ---- the node runs ------------------------------------------------------- */

static void wait_for_signal(struct program *p)
{
    int sig;

    for (;;) {
        if (sigwait(&p->signals, &sig) != 0)
            continue;
        if (sig == SIGINT || sig == SIGTERM)
            return;
        if (sig == SIGHUP && p->log != NULL)
            ptd_log_file_reopen(p->log);
    }
}

static enum ptd_err run(struct program *p)
{
    struct ptd_node *node;
    enum ptd_err e = ptd_node_start(&node, &p->cfg, &p->why);

    if (e != PTD_OK)
        return e;
    wait_for_signal(p);
    ptd_log_info("Shutdown in progress...");
    ptd_node_stop(node);
    ptd_log_info("Shutdown done");
    return PTD_OK;
}

/* Every thread inherits the mask: signals are main's alone. */
static void block_signals(struct program *p)
{
    sigemptyset(&p->signals);
    sigaddset(&p->signals, SIGINT);
    sigaddset(&p->signals, SIGTERM);
    sigaddset(&p->signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &p->signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* standard output may be a pipe */
}

static void close_all(struct program *p)
{
    ptd_log_file_close(p->log);
    if (p->net_lock_fd >= 0)
        close(p->net_lock_fd);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    ptd_node_config_fini(&p->cfg);
    ptd_args_fini(&p->args);
}

int ptd_node_program(int argc, char **argv)
{
    struct program p = { .lock_fd = -1, .net_lock_fd = -1 };
    enum ptd_err e;

    if (!ptd_stdfds_fill())
        return EXIT_FAILURE; /* nowhere to say why */
    ptd_process_tune();
    block_signals(&p);
    ptd_args_init(&p.args);
    e = ptd_args_read_argv(&p.args, argc, argv, &p.why);
    if (e == PTD_OK && just_told(&p.args)) {
        close_all(&p);
        return ptd_stdout_is_written() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (e == PTD_OK)
        e = prepare(&p);
    if (e == PTD_OK)
        e = run(&p);
    if (e != PTD_OK)
        fprintf(stderr, "Error: %s\n",
                p.why.text[0] != '\0' ? p.why.text : ptd_err_text(e));
    close_all(&p);
    return e == PTD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
