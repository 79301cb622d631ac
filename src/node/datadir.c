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

enum { CONF_MAX_BYTES = 4 << 20 };

char *ptd_path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *out;

    if (name[0] == '/')
        return ptd_strdup(name);
    if (name[0] == '\0')
        return ptd_strdup(dir);
    out = ptd_alloc(n);
    if (out != NULL)
        snprintf(out, n, "%s/%s", dir, name);
    return out;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* From where the program was started. */
static enum ptd_err absolute(char **out, const char *path)
{
    char here[4096];

    if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
        *out = ptd_strdup(path);
    else
        *out = ptd_path_join(here, path);
    return *out != NULL ? PTD_OK : PTD_ENOMEM;
}

enum ptd_err ptd_datadir_find(char **out, const struct ptd_args *args,
                              struct ptd_complaint *why)
{
    const char *given = ptd_args_text(args, "datadir", "");
    const char *home = getenv("HOME");

    if (*given != '\0' && !is_directory(given) && access(given, F_OK) == 0)
        return ptd_complain(
            why, "Specified data directory \"%s\" is not a directory.", given);
    if (*given != '\0' && !is_directory(given))
        return ptd_complain(
            why, "Specified data directory \"%s\" does not exist.", given);
    if (*given != '\0')
        return absolute(out, given);
    if (home == NULL || *home == '\0')
        home = "/";
    *out = ptd_path_join(home, ".pentad");
    return *out != NULL ? PTD_OK : PTD_ENOMEM;
}

/* ---- bitcoin.conf -------------------------------------------------------- */

static enum ptd_err read_file(FILE *f, const char *path, struct ptd_args *args,
                              struct ptd_complaint *why)
{
    char *text = ptd_alloc(CONF_MAX_BYTES);
    struct ptd_complaint problem;
    enum ptd_err e;
    size_t n;

    if (text == NULL)
        return PTD_ENOMEM;
    n = fread(text, 1, CONF_MAX_BYTES, f);
    if (ferror(f)) {
        e = ptd_complain(why, "Error reading configuration file: %s: %s", path,
                         strerror(errno));
    } else if (n == CONF_MAX_BYTES) {
        e = ptd_complain(why,
                         "Error reading configuration file: %s is too "
                         "long",
                         path);
    } else {
        e = ptd_args_read_conf(args, text, n, &problem);
        if (e == PTD_EINVAL)
            (void)ptd_complain(why, "Error reading configuration file: %.900s",
                               problem.text);
    }
    ptd_free(text);
    return e;
}

enum ptd_err ptd_datadir_read_conf(const char *datadir, struct ptd_args *args,
                                   struct ptd_complaint *why)
{
    const char *given = ptd_args_text(args, "conf", NULL);
    char *path = ptd_path_join(datadir, given != NULL ? given : "bitcoin.conf");
    enum ptd_err e = PTD_OK;
    FILE *f;

    if (path == NULL)
        return PTD_ENOMEM;
    f = fopen(path, "re");
    if (f != NULL && is_directory(path))
        e = ptd_complain(why,
                         "Error reading configuration file: Config file \"%s\" "
                         "is a directory.",
                         path);
    else if (f != NULL)
        e = read_file(f, path, args, why);
    else if (given != NULL || errno != ENOENT)
        e = ptd_complain(why,
                         "Error reading configuration file: specified config "
                         "file \"%s\" could not be opened.",
                         path);
    if (f != NULL)
        fclose(f);
    ptd_free(path);
    return e;
}

/* ---- making and locking -------------------------------------------------- */

/* Make a directory and those above it. */
static enum ptd_err make_all(const char *dir, struct ptd_complaint *why)
{
    char *path = ptd_strdup(dir);
    enum ptd_err e = PTD_OK;

    if (path == NULL)
        return PTD_ENOMEM;
    for (char *at = path + 1;; at++) {
        char c = *at;

        if (c != '/' && c != '\0')
            continue;
        *at = '\0';
        if (mkdir(path, 0700) != 0 && !is_directory(path)) {
            e = ptd_complain(why, "Cannot create directory %s: %s", path,
                             strerror(errno));
            break;
        }
        if (c == '\0')
            break;
        *at = c;
    }
    ptd_free(path);
    return e;
}

enum ptd_err ptd_datadir_lock(int *fd, const char *dir,
                              struct ptd_complaint *why)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    enum ptd_err e = make_all(dir, why);
    char *path;

    if (e != PTD_OK)
        return e;
    if ((path = ptd_path_join(dir, ".lock")) == NULL)
        return PTD_ENOMEM;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ptd_free(path);
    if (*fd < 0)
        return ptd_complain(why,
                            "Cannot write to directory '%s'; check "
                            "permissions.",
                            dir);
    if (fcntl(*fd, F_SETLK, &lock) == 0)
        return PTD_OK;
    close(*fd);
    *fd = -1;
    return ptd_complain(why,
                        "Cannot obtain a lock on directory %s. %s is probably "
                        "already running.",
                        dir, PTD_CLIENT_NAME);
}
