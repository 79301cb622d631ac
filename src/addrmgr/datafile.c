#include <config.h>

#include "addrmgr/datafile.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum ptd_err ptd_datafile_replace(const char *path, const uint8_t *p, size_t n)
{
    enum ptd_err e = ptd_file_replace(path, p, n);

    if (e == PTD_EIO)
        ptd_log_error("Cannot write %s: %s", path, strerror(errno));
    return e;
}
