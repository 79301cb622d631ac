#include <config.h>

#include "node/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/options.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

enum { CONF_MAX_BYTES = 1 << 20 };

#define CONF_NAME "bitcoin.conf"

/* ---- where it is --------------------------------------------------------- */

char *ptd_datadir_default(void)
{
    const char *home = getenv("HOME");

    return ptd_path_join(home != NULL && *home != '\0' ? home : "/", ".pentad");
}

enum ptd_err ptd_datadir_find(char **out, const struct ptd_args *args,
                              struct ptd_complaint *why)
{
    const char *given = ptd_args_text(args, "datadir", "");

    if (*given != '\0' && !ptd_is_directory(given) && access(given, F_OK) == 0)
        return ptd_complain(
            why, "Specified data directory \"%s\" is not a directory.", given);
    if (*given != '\0' && !ptd_is_directory(given))
        return ptd_complain(
            why, "Specified data directory \"%s\" does not exist.", given);
    *out = *given != '\0' ? ptd_path_absolute(given) : ptd_datadir_default();
    return *out != NULL ? PTD_OK : PTD_ENOMEM;
}

/* ---- which network --------------------------------------------------------- */

enum ptd_err ptd_chain_chosen(const char **name, const struct ptd_args *args,
                              struct ptd_complaint *why)
{
    static const struct {
        const char *option, *name;
    } flags[] = {
        { "regtest", "regtest" },
        { "signet", "signet" },
        { "testnet", "test" },
        { "testnet4", "testnet4" },
    };
    int n;

    *name = ptd_args_text(args, "chain", NULL);
    n = *name != NULL;
    for (size_t i = 0; i < PTD_COUNT(flags); i++)
        if (ptd_args_chooses(args, flags[i].option)) {
            *name = flags[i].name;
            n++;
        }
    if (n > 1)
        return ptd_complain(why,
                            "Invalid combination of -regtest, -signet, "
                            "-testnet, -testnet4 and -chain. Can use at most "
                            "one.");
    if (*name == NULL)
        *name = "main";
    return PTD_OK;
}

/* ---- bitcoin.conf -------------------------------------------------------- */

static enum ptd_err cannot_read(struct ptd_complaint *why, const char *what)
{
    return ptd_complain(why, "Error reading configuration file: %.3900s", what);
}

/* shown: the name by which the file is called. */
static enum ptd_err read_file(const char *path, const char *shown,
                              struct ptd_args *args, struct ptd_complaint *why)
{
    struct ptd_complaint problem;
    char *text;
    size_t n;
    enum ptd_err e = ptd_text_read(&text, &n, path, CONF_MAX_BYTES);

    if (e == PTD_ETOOBIG) {
        (void)ptd_complain(&problem, "%s is too long", path);
        return cannot_read(why, problem.text);
    }
    if (e != PTD_OK)
        return e;
    e = ptd_args_read_conf(args, shown, text, n, &problem);
    ptd_free(text);
    return e == PTD_EINVAL ? cannot_read(why, problem.text) : e;
}

static bool is_include(const struct ptd_arg *arg, const char *section)
{
    return arg->source == PTD_ARG_FILE &&
           arg->option == ptd_option_of("includeconf") &&
           strcmp(arg->section, section) == 0;
}

/* Index of the first setting that counts in a section: what stands behind its
 * last negation. */
static size_t includes_from(const struct ptd_args *args, const char *section,
                            size_t from)
{
    for (size_t i = from; i < args->n; i++)
        if (is_include(&args->v[i], section) &&
            args->v[i].kind == PTD_ARG_FALSE)
            from = i + 1;
    return from;
}

static enum ptd_err include(const char *datadir, const char *name,
                            struct ptd_args *args, struct ptd_complaint *why)
{
    char *path = *name != '\0' ? ptd_path_join(datadir, name) : ptd_strdup("");
    struct ptd_complaint problem;
    enum ptd_err e;

    if (path == NULL)
        return PTD_ENOMEM;
    if (ptd_is_directory(path)) {
        (void)ptd_complain(&problem,
                           "Included config file \"%s\" is a directory.", path);
        e = cannot_read(why, problem.text);
    } else if ((e = read_file(path, name, args, why)) == PTD_EIO) {
        (void)ptd_complain(&problem, "Failed to include configuration file %s",
                           name);
        e = cannot_read(why, problem.text);
    } else if (e == PTD_OK) {
        ptd_log_info("Included configuration file %s", name);
    }
    ptd_free(path);
    return e;
}

/* Includes of the main file, which has n settings: those of the network's
 * section first. */
static enum ptd_err include_all(const char *datadir, const char *section,
                                struct ptd_args *args, size_t n,
                                struct ptd_complaint *why)
{
    for (size_t i = includes_from(args, section, 0); i < n; i++) {
        enum ptd_err e;

        if (!is_include(&args->v[i], section))
            continue;
        e = include(datadir, args->v[i].value, args, why);
        if (e != PTD_OK)
            return e;
    }
    return PTD_OK;
}

/* A file that was included includes no other. */
static void warn_of_includes(const struct ptd_args *args, const char *section,
                             size_t from)
{
    for (size_t i = includes_from(args, section, from); i < args->n; i++)
        if (is_include(&args->v[i], section))
            fprintf(stderr,
                    "warning: -includeconf cannot be used from included files; "
                    "ignoring -includeconf=%s\n",
                    args->v[i].value);
}

static enum ptd_err read_includes(const char *datadir, struct ptd_args *args,
                                  struct ptd_complaint *why)
{
    const char *chain, *then;
    size_t n = args->n;
    enum ptd_err e;

    if (ptd_args_is_negated(args, "includeconf"))
        return PTD_OK; /* on the command line */
    if ((e = ptd_chain_chosen(&chain, args, why)) != PTD_OK ||
        (e = include_all(datadir, chain, args, n, why)) != PTD_OK ||
        (e = include_all(datadir, "", args, n, why)) != PTD_OK)
        return e;
    warn_of_includes(args, chain, n);
    warn_of_includes(args, "", n);
    if ((e = ptd_chain_chosen(&then, args, why)) != PTD_OK)
        return e;
    if (strcmp(then, chain) != 0)
        warn_of_includes(args, then, 0);
    return PTD_OK;
}

/* Why it cannot be, unless it is not there: that is the usual case. */
static enum ptd_err cannot_open_conf(struct ptd_complaint *why,
                                     const char *path, int error)
{
    struct ptd_complaint problem;

    (void)ptd_complain(
        &problem, "specified config file \"%s\" could not be opened%s%s.", path,
        error != ENOENT ? ": " : "", error != ENOENT ? strerror(error) : "");
    return cannot_read(why, problem.text);
}

static enum ptd_err check_datadir(const struct ptd_args *args,
                                  struct ptd_complaint *why)
{
    const char *given = ptd_args_text(args, "datadir", "");
    struct ptd_complaint problem;

    if (*given == '\0' || ptd_is_directory(given))
        return PTD_OK;
    (void)ptd_complain(
        &problem, "specified data directory \"%s\" does not exist.", given);
    return cannot_read(why, problem.text);
}

enum ptd_err ptd_datadir_read_conf(char **path, bool *is_read,
                                   const char *datadir, struct ptd_args *args,
                                   struct ptd_complaint *why)
{
    struct ptd_complaint problem;
    enum ptd_err e;

    *is_read = false;
    *path = ptd_path_option(args, "conf", datadir, CONF_NAME);
    if (*path == NULL)
        return ptd_args_is_negated(args, "conf") ? PTD_OK : PTD_ENOMEM;
    if (ptd_is_directory(*path)) {
        (void)ptd_complain(&problem, "Config file \"%s\" is a directory.",
                           *path);
        return cannot_read(why, problem.text);
    }
    e = read_file(*path, *path, args, why);
    if (e == PTD_EIO && (ptd_args_is_set(args, "conf") || errno != ENOENT))
        return cannot_open_conf(why, *path, errno);
    if (e == PTD_EIO)
        return PTD_OK; /* there is none */
    *is_read = e == PTD_OK;
    if (e == PTD_OK)
        e = read_includes(datadir, args, why);
    return e == PTD_OK ? check_datadir(args, why) : e;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Two files, and why the one and not the other was read. */
static enum ptd_err
two_files(const char *datadir, const char *read_from, const char *conf_path,
          const struct ptd_args *args, struct ptd_complaint *why)
{
    const char *given = ptd_args_text(args, "conf", "");
    bool by_hand = *given != '\0';
    bool allowed = ptd_args_bool(args, "allowignoredconf", false);

    (void)ptd_complain(
        why,
        "Data directory \"%s\" contains a \"" CONF_NAME "\" file which is "
        "ignored, because a different configuration file \"%s\" from %s "
        "\"%s%s\" is being used instead. Possible ways to address this would "
        "be to:\n"
        "- Delete or rename the \"" CONF_NAME "\" file in data directory "
        "\"%s\".\n"
        "- Change datadir= or conf= options to specify one configuration "
        "file, not two, and use includeconf= to include any other "
        "configuration files.%s",
        datadir, conf_path,
        by_hand ? "command line argument" : "data directory",
        by_hand ? "-conf=" : "", by_hand ? given : read_from, datadir,
        allowed ? ""
                : "\n- Set allowignoredconf=1 option to treat this condition "
                  "as a warning, not an error.");
    if (!allowed)
        return PTD_EINVAL;
    ptd_log_warn("%s", why->text);
    return PTD_OK;
}

enum ptd_err ptd_datadir_check_conf(const char *datadir, const char *read_from,
                                    const char *conf_path,
                                    const struct ptd_args *args,
                                    struct ptd_complaint *why)
{
    char *own = ptd_path_join(datadir, CONF_NAME);
    enum ptd_err e = PTD_OK;

    if (own == NULL)
        return PTD_ENOMEM;
    if (access(own, F_OK) == 0 && conf_path == NULL)
        ptd_log_info("Data directory \"%s\" contains a \"" CONF_NAME
                     "\" file which is explicitly ignored using -noconf.",
                     datadir);
    else if (access(own, F_OK) == 0 && !is_same_file(own, conf_path))
        e = two_files(datadir, read_from, conf_path, args, why);
    ptd_free(own);
    return e;
}

/* ---- making and locking -------------------------------------------------- */

enum ptd_err ptd_directory_make(const char *dir, struct ptd_complaint *why)
{
    char *path = ptd_strdup(dir);
    enum ptd_err e = PTD_OK;

    if (path == NULL)
        return PTD_ENOMEM;
    for (char *at = path + 1;; at++) {
        char c = *at;
        int error;

        if (c != '/' && c != '\0')
            continue;
        *at = '\0';
        error = mkdir(path, 0700) != 0 ? errno : 0;
        if (error != 0 && !ptd_is_directory(path)) {
            e = ptd_complain(why, "Cannot create directory %s: %s", path,
                             strerror(error));
            break;
        }
        if (c == '\0')
            break;
        *at = c;
    }
    ptd_free(path);
    return e;
}

enum ptd_err ptd_datadir_make(const char *dir, struct ptd_complaint *why)
{
    enum ptd_err e = PTD_OK;
    char *wallets;

    if (ptd_is_directory(dir))
        return PTD_OK;
    if ((wallets = ptd_path_join(dir, "wallets")) == NULL)
        return PTD_ENOMEM;
    e = ptd_directory_make(wallets, why);
    ptd_free(wallets);
    return e;
}

static enum ptd_err cannot_lock(const char *dir, struct ptd_complaint *why)
{
    return ptd_complain(why,
                        "Cannot obtain a lock on directory %s. %s is probably "
                        "already running.",
                        dir, PTD_CLIENT_NAME);
}

static enum ptd_err open_lock(int *fd, const char *dir,
                              struct ptd_complaint *why)
{
    char *path = ptd_path_join(dir, ".lock");

    if (path == NULL)
        return PTD_ENOMEM;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ptd_free(path);
    if (*fd >= 0)
        return PTD_OK;
    return ptd_complain(
        why, "Cannot write to directory '%s'; check permissions.", dir);
}

enum ptd_err ptd_datadir_lock(int *fd, const char *dir,
                              struct ptd_complaint *why)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    enum ptd_err e = open_lock(fd, dir, why);

    if (e != PTD_OK || fcntl(*fd, F_SETLK, &lock) == 0)
        return e;
    close(*fd);
    *fd = -1;
    return cannot_lock(dir, why);
}

enum ptd_err ptd_datadir_probe(const char *dir, struct ptd_complaint *why)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd;
    enum ptd_err e = open_lock(&fd, dir, why);

    if (e != PTD_OK)
        return e;
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        e = cannot_lock(dir, why);
    close(fd);
    return e;
}
