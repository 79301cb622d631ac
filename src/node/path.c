/* Names of files and what is in them. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "node/datadir.h"

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
        snprintf(out, n, "%s%s%s", dir, strcmp(dir, "/") == 0 ? "" : "/", name);
    return out;
}

/* Take the last part off, unless there is none or it is ".." itself. */
static bool drop_last(char *path, char **end, bool absolute)
{
    char *slash = *end;

    if (*end == path + absolute)
        return absolute; /* "/.." is "/" */
    while (slash > path + absolute && slash[-1] != '/')
        slash--;
    if (*end - slash == 2 && memcmp(slash, "..", 2) == 0)
        return false;
    *end = slash > path + absolute ? slash - 1 : slash;
    return true;
}

char *ptd_path_normalise(char *path)
{
    bool absolute = path[0] == '/', had_text = path[0] != '\0';
    char *from = path + absolute, *to = path + absolute;

    while (*from != '\0') {
        size_t n = strcspn(from, "/");
        bool is_up = n == 2 && memcmp(from, "..", 2) == 0;

        if (n > 0 && !(n == 1 && *from == '.') &&
            !(is_up && drop_last(path, &to, absolute))) {
            if (to > path + absolute)
                *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n + (from[n] == '/');
    }
    if (to == path && had_text)
        *to++ = '.';
    *to = '\0';
    return path;
}

char *ptd_path_absolute(const char *path)
{
    char here[4096], *out;

    if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
        out = ptd_strdup(path);
    else
        out = ptd_path_join(here, path);
    return out != NULL ? ptd_path_normalise(out) : NULL;
}

char *ptd_path_option(const struct ptd_args *args, const char *option,
                      const char *dir, const char *otherwise)
{
    const char *given = ptd_args_text(args, option, "");
    char *name, *path;

    if (ptd_args_is_negated(args, option))
        return NULL;
    name = ptd_strdup(*given != '\0' ? given : otherwise);
    if (name == NULL)
        return NULL;
    path = ptd_path_join(dir, ptd_path_normalise(name));
    ptd_free(name);
    return path;
}

bool ptd_is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum ptd_err read_all(int fd, char **text, size_t *n, size_t max)
{
    size_t cap = 0;

    *n = 0;
    for (;;) {
        char *grown = ptd_array_grow(*text, &cap, *n + 4096, 1);
        ssize_t k;

        if (grown == NULL)
            return PTD_ENOMEM;
        *text = grown;
        k = read(fd, *text + *n, cap - *n - 1);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return PTD_EIO;
        if (k == 0)
            break;
        *n += (size_t)k;
        if (*n > max)
            return PTD_ETOOBIG;
    }
    (*text)[*n] = '\0';
    return PTD_OK;
}

enum ptd_err ptd_text_read(char **text, size_t *n, const char *path, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), saved_errno;
    enum ptd_err e;

    if (fd < 0)
        return PTD_EIO;
    *text = NULL;
    e = read_all(fd, text, n, max);
    saved_errno = errno;
    close(fd);
    if (e != PTD_OK)
        ptd_free(*text);
    errno = saved_errno;
    return e;
}
