#include <config.h>

#include "node/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

unsigned long ptd_limit_in(const char *path)
{
    unsigned long v = ULONG_MAX;
    FILE *f = fopen(path, "re");

    if (f == NULL)
        return v;
    if (fscanf(f, "%lu", &v) != 1)
        v = ULONG_MAX;
    fclose(f);
    return v;
}

/* The smallest pids.max from a group up to the top. */
static unsigned long smallest(const char *top, char *group)
{
    unsigned long v = ULONG_MAX;
    char path[2 * PATH_MAX];

    for (;;) {
        unsigned long limit;
        char *slash;

        snprintf(path, sizeof path, "%s%s/pids.max", top, group);
        limit = ptd_limit_in(path);
        v = PTD_MIN(v, limit);
        if ((slash = strrchr(group, '/')) == NULL)
            return v;
        *slash = '\0';
    }
}

/* "0::/a/b" is the group of version 2; "7:pids:/a/b", maybe with other
 * controllers beside it, that of version 1. Gives whether it says pids. */
static bool is_of_pids(const char *controllers, const char **folder)
{
    const char *at = strstr(controllers, "pids");

    *folder = "";
    if (controllers[0] == '\0')
        return true;
    *folder = "/pids";
    return at != NULL && (at == controllers || at[-1] == ',') &&
           (at[4] == '\0' || at[4] == ',');
}

static unsigned long of_line(char *line, const char *mount)
{
    char *controllers = strchr(line, ':'), *group, top[PATH_MAX];
    const char *folder;

    line[strcspn(line, "\n")] = '\0';
    if (controllers == NULL || (group = strchr(controllers + 1, ':')) == NULL)
        return ULONG_MAX;
    *controllers++ = '\0';
    *group++ = '\0';
    if (!is_of_pids(controllers, &folder))
        return ULONG_MAX;
    if (strcmp(group, "/") == 0)
        group[0] = '\0';
    snprintf(top, sizeof top, "%s%s", mount, folder);
    return smallest(top, group);
}

unsigned long ptd_cgroup_pids_max(const char *self, const char *mount)
{
    unsigned long v = ULONG_MAX;
    char line[PATH_MAX];
    FILE *f = fopen(self, "re");

    if (f == NULL)
        return v;
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long limit = of_line(line, mount);

        v = PTD_MIN(v, limit);
    }
    fclose(f);
    return v;
}
