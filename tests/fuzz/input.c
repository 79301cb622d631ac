#include <config.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "target.h"

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text;

    if (size > 0 && memchr(data, '\0', size) != NULL)
        return NULL;
    text = malloc(size + 1);
    PTD_ASSERT(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

void fuzz_give_texts(fuzz_seed_fn *fn, void *arg, const char *const *texts,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        fn(arg, (const uint8_t *)texts[i], strlen(texts[i]));
}

/* ---- files ----------------------------------------------------------- */

static char file[256];
static pid_t owner;

/* A child of fork() leaves its parent's file alone. */
static void remove_file(void)
{
    if (getpid() == owner)
        unlink(file);
}

static void name_file(void)
{
    const char *dir = getenv("TMPDIR");
    bool first = owner == 0;

    owner = getpid();
    snprintf(file, sizeof file, "%.200s/ptd-fuzz-%ld",
             dir != NULL ? dir : "/tmp", (long)owner);
    if (first)
        PTD_ASSERT(atexit(remove_file) == 0);
}

const char *fuzz_file(const void *data, size_t size)
{
    int fd;

    if (owner != getpid())
        name_file();
    fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    PTD_ASSERT(fd >= 0);
    PTD_ASSERT(write(fd, data, size) == (ssize_t)size);
    close(fd);
    return file;
}
