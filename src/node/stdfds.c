#include <config.h>

#include "node/stdfds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool ptd_stdfds_fill(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR); /* the lowest that is free */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

bool ptd_stdout_is_written(void)
{
    bool had_error = ferror(stdout) != 0;

    errno = 0;
    if (fflush(stdout) == 0 && !had_error)
        return true;
    fprintf(stderr, "Error: Cannot write to standard output: %s\n",
            strerror(errno != 0 ? errno : EIO));
    return false;
}
