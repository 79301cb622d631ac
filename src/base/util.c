#include <config.h>

#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>

void ptd_assert_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    abort();
}
