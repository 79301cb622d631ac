/* The program: options, directory, log, background, signals around a node. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "node/capture.h"
#include "node/daemon.h"
#include "node/datadir.h"
#include "node/limits.h"
#include "node/node.h"
#include "node/notify.h"
#include "node/options.h"
#include "node/rpc_start.h"
#include "node/stdfds.h"
#include "pentad/log.h"
#include "pentad/process.h"

PTD_LOG_TAG(NODE);

/* What the program holds besides the node. */
struct program {
    struct ptd_args args;
    struct ptd_node_config cfg;
    struct ptd_complaint why;
    struct ptd_texts warnings;
    struct ptd_log_early *early; /* until the log is open */
    struct ptd_log_file *log;
    struct ptd_clock *clock;
    struct ptd_notifier *notifier;
    struct ptd_capture *capture;
    struct ptd_node_rpc *rpc; /* NULL with -server=0 */
    struct ptd_daemon daemon;
    int lock_fd;        /* of the network's directory, -1: none */
    int blocks_lock_fd; /* of that of the blocks */
    bool has_pid_file;  /* … of ours */
    sigset_t signals;
};

/* ---- options ------------------------------------------------------------- */

/* Whether -help or -version was asked for, and done. */
static bool just_told(const struct ptd_args *args)
{
    bool all = ptd_args_is_set(args, "help-debug");
    bool help = all || ptd_args_is_set(args, "help") ||
                ptd_args_is_set(args, "h") || ptd_args_is_set(args, "?");
    bool version = ptd_args_bool(args, "version", false);

    if (!help && !version)
        return false;
    printf("%s version v%s\n", PTD_CLIENT_NAME, PACKAGE_VERSION);
    if (!version) {
        putchar('\n');
        ptd_options_print(stdout, all ? PTD_OPTIONS_ALL : PTD_OPTIONS_COMMON);
    }
    return true;
}

static enum ptd_err read_argv(struct program *p, int argc, char *const *argv)
{
    struct ptd_complaint problem;
    enum ptd_err e = ptd_args_read_argv(&p->args, argc, argv, &problem);

    if (e == PTD_EINVAL)
        (void)ptd_complain(&p->why,
                           "Error parsing command line arguments: %.3900s",
                           problem.text);
    return e;
}

/* The files' settings; directories come to be. */
static enum ptd_err read_files(struct program *p, int argc, char *const *argv)
{
    struct ptd_node_config *cfg = &p->cfg;
    const char *loose;
    enum ptd_err e;

    if ((e = ptd_node_config_find(cfg, &p->args, &p->why)) != PTD_OK ||
        (e = ptd_datadir_make(cfg->datadir, &p->why)) != PTD_OK ||
        (e = ptd_datadir_make(cfg->netdir, &p->why)) != PTD_OK ||
        (e = ptd_datadir_check_conf(cfg->datadir, cfg->conf_read_from,
                                    cfg->conf_path, &p->args, &p->why)) !=
            PTD_OK)
        return e;
    if (cfg->settings_path != NULL &&
        (e = ptd_settings_sync(cfg->settings_path, &p->args, &p->why)) !=
            PTD_OK)
        return e;
    loose = ptd_args_loose(argc, argv);
    if (loose == NULL)
        return PTD_OK;
    return ptd_complain(&p->why,
                        "Command line contains unexpected token '%.1000s', see "
                        "pentad -h for a list of options.",
                        loose);
}

/* ---- directories and files ----------------------------------------------- */

/* Before the fork: the user is still there to read. */
static enum ptd_err probe_locks(struct program *p)
{
    enum ptd_err e = ptd_directory_make(p->cfg.blocksdir, &p->why);

    if (e == PTD_OK)
        e = ptd_datadir_probe(p->cfg.netdir, &p->why);
    return e == PTD_OK ? ptd_datadir_probe(p->cfg.blocksdir, &p->why) : e;
}

static enum ptd_err lock(struct program *p)
{
    enum ptd_err e = ptd_datadir_lock(&p->lock_fd, p->cfg.netdir, &p->why);

    if (e != PTD_OK)
        return e;
    return ptd_datadir_lock(&p->blocks_lock_fd, p->cfg.blocksdir, &p->why);
}

static enum ptd_err write_pid(struct program *p)
{
    const char *path = p->cfg.pid_path;
    bool written;
    FILE *f;

    if (path == NULL)
        return PTD_OK;
    if ((f = fopen(path, "we")) != NULL) {
        p->has_pid_file = true;
        written = fprintf(f, "%ld\n", (long)getpid()) > 0;
        if (fclose(f) == 0 && written)
            return PTD_OK;
    }
    return ptd_complain(&p->why, "Unable to create the PID file '%.2000s': %s",
                        path, strerror(errno));
}

static void remove_pid(struct program *p)
{
    if (p->has_pid_file && unlink(p->cfg.pid_path) != 0)
        ptd_log_warn("Unable to remove PID file (%s): %s", p->cfg.pid_path,
                     strerror(errno));
}

/* ---- the log ------------------------------------------------------------- */

static enum ptd_err open_log(struct program *p)
{
    const struct ptd_node_config *cfg = &p->cfg;
    enum ptd_err e;

    if (cfg->log_path == NULL && !cfg->console) {
        ptd_log_early_free(p->early);
        p->early = NULL;
        return PTD_OK;
    }
    if (cfg->log_path != NULL && cfg->log_shrink)
        (void)!ptd_log_shrink_file(cfg->log_path);
    e = ptd_log_file_open(&p->log, cfg->log_path, cfg->console ? stdout : NULL,
                          &cfg->log_format, p->early);
    if (e != PTD_OK)
        return ptd_complain(&p->why, "Could not open debug log file %.3000s",
                            cfg->log_path != NULL ? cfg->log_path : "");
    p->early = NULL;
    if (!cfg->log_limit)
        ptd_log_info("Log rate limiting disabled");
    else
        e = ptd_log_file_limit(p->log);
    return e;
}

static void tell_conf(const struct ptd_node_config *cfg)
{
    if (cfg->conf_path == NULL)
        ptd_log_info("Config file: <disabled>");
    else
        ptd_log_info("Config file: %s%s", cfg->conf_path,
                     cfg->conf_is_read ? "" : " (not found, skipping)");
}

static void tell_datadir(struct program *p)
{
    const char *given = ptd_args_text(&p->args, "datadir", "");
    char *usual = ptd_datadir_default(), here[4096];

    ptd_log_info("Default data directory %s", usual != NULL ? usual : "");
    ptd_log_info("Using data directory %s", p->cfg.netdir);
    if (*given != '\0' && *given != '/' && getcwd(here, sizeof here) != NULL)
        ptd_log_warn("Relative datadir option '%s' specified, which will be "
                     "interpreted relative to the current working directory "
                     "'%s'. This is fragile, because if pentad is started in "
                     "the future from a different location, it will be unable "
                     "to locate the current data files. There could also be "
                     "data loss if pentad is started while in a temporary "
                     "directory.",
                     given, here);
    ptd_free(usual);
}

/* What is worth a look, but stops nothing. */
static void warn(const struct program *p)
{
    for (size_t i = 0; i < p->warnings.n; i++) {
        fprintf(stderr, "Warning: %s\n", p->warnings.v[i]);
        ptd_log_warn("%s", p->warnings.v[i]);
    }
}

static void tell_start(struct program *p)
{
    char text[32] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (p->cfg.log_format.no_time && gmtime_r(&now, &tm) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        ptd_log_info("Startup time: %s", text);
    tell_datadir(p);
    tell_conf(&p->cfg);
    ptd_args_log(&p->args);
    if (ptd_log_is_any_enabled())
        ptd_log_info("Log output may contain privacy-sensitive information. "
                     "Be cautious when sharing logs.");
}

static void tell_limits(const struct ptd_node_config *cfg)
{
    struct rlimit r = { 0 };

    (void)getrlimit(RLIMIT_NOFILE, &r);
    ptd_log_info("Using at most %u automatic connections (%llu file "
                 "descriptors available)",
                 cfg->max_connections, (unsigned long long)r.rlim_cur);
}

/* ---- what the node is given ------------------------------------------------ */

static enum ptd_err make_clock(struct program *p)
{
    p->clock = ptd_clock_new();
    if (p->clock == NULL)
        return PTD_ENOMEM;
    if (p->cfg.mock_time_s > 0)
        ptd_clock_set_wall_us(p->clock, p->cfg.mock_time_s * 1000000);
    ptd_log_set_clock(p->clock);
    p->cfg.clock = p->clock;
    return PTD_OK;
}

static bool has_commands(const struct ptd_node_config *cfg)
{
    return cfg->alert_notify != NULL || cfg->block_notify != NULL ||
           cfg->startup_notify != NULL;
}

static enum ptd_err make_helpers(struct program *p)
{
    char *dir;
    enum ptd_err e = PTD_OK;

    if (has_commands(&p->cfg))
        e = ptd_notifier_start(&p->notifier);
    p->cfg.notifier = p->notifier;
    if (e != PTD_OK || !p->cfg.capture_messages)
        return e;
    if ((dir = ptd_path_join(p->cfg.netdir, "message_capture")) == NULL)
        return PTD_ENOMEM;
    e = ptd_capture_new(&p->capture, dir, p->clock);
    if (e == PTD_EIO)
        e = ptd_complain(&p->why, "Cannot create directory %.2000s: %s", dir,
                         strerror(errno));
    p->cfg.capture = p->capture;
    ptd_free(dir);
    return e;
}

/* ---- life ------------------------------------------------------------------ */

/* All that can go wrong while the user still waits at the terminal. */
static enum ptd_err prepare(struct program *p, int argc, char *const *argv)
{
    enum ptd_err e = read_files(p, argc, argv);

    if (e != PTD_OK)
        return e;
    ptd_log_info("%s version v%s", PTD_CLIENT_NAME, PACKAGE_VERSION);
    if ((e = ptd_node_config_read(&p->cfg, &p->args, &p->warnings, &p->why)) !=
        PTD_OK)
        return e;
    return probe_locks(p);
}

static enum ptd_err go_to_background(struct program *p)
{
    if (!p->cfg.daemon)
        return PTD_OK;
    puts(PTD_CLIENT_NAME " starting");
    if (ptd_daemon_start(&p->daemon, p->cfg.daemon_wait) != PTD_OK)
        return ptd_complain(&p->why, "fork_daemon() failed: %s",
                            strerror(errno));
    ptd_process_tune(); /* it is another process now */
    return PTD_OK;
}

static enum ptd_err open_all(struct program *p)
{
    enum ptd_err e;

    if ((e = lock(p)) != PTD_OK || (e = write_pid(p)) != PTD_OK ||
        (e = make_clock(p)) != PTD_OK || (e = open_log(p)) != PTD_OK)
        return e;
    tell_start(p);
    warn(p);
    if ((e = ptd_limits_raise(&p->cfg.max_connections, &p->why)) != PTD_OK)
        return e;
    tell_limits(&p->cfg);
    return make_helpers(p);
}

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

void ptd_node_program_stop(void)
{
    (void)kill(getpid(), SIGTERM); /* main waits for it */
}

static void stop_program(void *arg)
{
    (void)arg;
    ptd_node_program_stop();
}

/* RPC listens before anything else, so that who waits for the node can see
 * what it waits for. */
static enum ptd_err start(struct program *p, struct ptd_node **node)
{
    enum ptd_err e = PTD_OK;

    if (p->cfg.server)
        e = ptd_node_rpc_start(&p->rpc, &p->cfg, stop_program, NULL, &p->why);
    if (e != PTD_OK)
        return e;
    ptd_node_rpc_busy(p->rpc, "Loading block index…");
    e = ptd_node_start(node, &p->cfg, &p->why);
    if (e == PTD_OK)
        ptd_node_rpc_ready(p->rpc, *node);
    return e;
}

/* The one place for the order: calls under way look at the node, and may wait
 * for what it does. */
static void stop(struct program *p, struct ptd_node *node)
{
    ptd_node_rpc_interrupt(p->rpc);
    ptd_node_interrupt(node);
    ptd_node_rpc_stop(p->rpc);
    p->rpc = NULL;
    ptd_node_stop(node);
}

static enum ptd_err run(struct program *p)
{
    struct ptd_node *node;
    enum ptd_err e = start(p, &node);

    if (e != PTD_OK)
        return e;
    ptd_log_info("init message: Done loading");
    ptd_notify(p->notifier, p->cfg.startup_notify, NULL);
    ptd_daemon_tell(&p->daemon, true);
    wait_for_signal(p);
    ptd_log_info("Shutdown in progress...");
    ptd_notify_and_wait(p->cfg.shutdown_notify.v, p->cfg.shutdown_notify.n);
    stop(p, node);
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
    ptd_node_rpc_stop(p->rpc); /* of a start that failed */
    ptd_notifier_stop(p->notifier);
    ptd_capture_free(p->capture);
    remove_pid(p);
    ptd_log_file_close(p->log);
    ptd_log_early_free(p->early);
    ptd_log_set_clock(NULL);
    ptd_clock_free(p->clock);
    if (p->blocks_lock_fd >= 0)
        close(p->blocks_lock_fd);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    ptd_texts_fini(&p->warnings);
    ptd_node_config_fini(&p->cfg);
    ptd_args_fini(&p->args);
}

/* A failure is to be found in the log too, if its place is known by now, and
 * the directory is ours. */
static void open_log_late(struct program *p)
{
    struct ptd_complaint why;

    if (p->log != NULL || p->early == NULL || p->cfg.log_path == NULL)
        return;
    if (p->lock_fd < 0 &&
        ptd_datadir_lock(&p->lock_fd, p->cfg.netdir, &why) != PTD_OK)
        return;
    if (ptd_log_file_open(&p->log, p->cfg.log_path, NULL, &p->cfg.log_format,
                          p->early) == PTD_OK)
        p->early = NULL;
}

/* A line of the log for each of the text's. */
static void log_failure(const char *text)
{
    for (;;) {
        size_t n = strcspn(text, "\n");

        ptd_log_error("%.*s", (int)n, text);
        if (text[n] == '\0')
            return;
        text += n + 1;
    }
}

/* To who waits at the terminal, and to the log. */
static void tell_failure(struct program *p, enum ptd_err e)
{
    const char *text = p->why.text[0] != '\0' ? p->why.text : ptd_err_text(e);

    open_log_late(p);
    log_failure(text);
    fprintf(stderr, "%s%s\n", p->why.offers ? "" : "Error: ", text);
}

int ptd_node_program(int argc, char **argv)
{
    struct program p = { .lock_fd = -1,
                         .blocks_lock_fd = -1,
                         .daemon.token_fd = -1 };
    bool told = false;
    enum ptd_err e;

    if (!ptd_stdfds_fill())
        return EXIT_FAILURE; /* nowhere to say why */
    ptd_process_tune();
    block_signals(&p);
    ptd_args_init(&p.args);
    if ((e = ptd_log_early_start(&p.early)) == PTD_OK &&
        (e = read_argv(&p, argc, argv)) == PTD_OK)
        told = just_told(&p.args);
    if (e == PTD_OK && !told && (e = prepare(&p, argc, argv)) == PTD_OK &&
        (e = go_to_background(&p)) == PTD_OK && (e = open_all(&p)) == PTD_OK)
        e = run(&p);
    if (e != PTD_OK)
        tell_failure(&p, e);
    close_all(&p);
    ptd_daemon_tell(&p.daemon, false); /* if it was not told of success */
    if (told && !ptd_stdout_is_written())
        return EXIT_FAILURE;
    return e == PTD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
