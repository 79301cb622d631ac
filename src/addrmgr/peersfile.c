#include <config.h>

#include "addrmgr/peersfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addrmgr/datafile.h"
#include "base/alloc.h"
#include "base/file.h"
#include "pentad/clock.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum ptd_err ptd_peersfile_save(struct ptd_addrmgr *m, const char *path,
                                const uint8_t magic[4])
{
    uint8_t *bytes;
    enum ptd_err e;
    size_t n;

    if ((e = ptd_addrmgr_encode(m, &bytes, &n, magic)) != PTD_OK) {
        ptd_log_error("Cannot write %s: %s", path, ptd_err_text(e));
        return e;
    }
    e = ptd_datafile_replace(path, bytes, n);
    ptd_free(bytes);
    return e;
}

/* A file of a program that is newer than this one. */
static enum ptd_err keep_aside(char why[PTD_PEERSFILE_WHY], const char *path)
{
    size_t cap = strlen(path) + sizeof ".bak";
    char *aside = ptd_alloc(cap);
    enum ptd_err e = PTD_OK;

    if (aside == NULL)
        return PTD_ENOMEM;
    snprintf(aside, cap, "%s.bak", path);
    if (rename(path, aside) != 0) {
        snprintf(why, PTD_PEERSFILE_WHY,
                 "Failed to rename invalid peers.dat file (\"%s\": %s). Please "
                 "move or delete it and try again.",
                 path, strerror(errno));
        e = PTD_EIO;
    } else {
        ptd_log_warn("Creating new peers.dat because the file version was not "
                     "compatible (\"%s\"). Original backed up to peers.dat.bak",
                     path);
    }
    ptd_free(aside);
    return e;
}

static enum ptd_err tell(char why[PTD_PEERSFILE_WHY], enum ptd_err e,
                         const char *reason, const char *path)
{
    snprintf(why, PTD_PEERSFILE_WHY,
             "Invalid or corrupt peers.dat (%s). If you believe this is a bug, "
             "please report it to %s. As a workaround, you can move the file "
             "(\"%s\") out of the way (rename, move, or delete) to have a new "
             "one created on the next start.",
             reason, PACKAGE_BUGREPORT, path);
    return e;
}

/* Read and decode; PTD_ENOTFOUND and PTD_EVERSION leave why alone. */
static enum ptd_err read_file(struct ptd_addrmgr *m,
                              char why[PTD_PEERSFILE_WHY], const char *path,
                              const uint8_t magic[4])
{
    char reason[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    enum ptd_err e;
    size_t n;

    e = ptd_file_read(&bytes, &n, path, PTD_PEERSFILE_MAX);
    if (e == PTD_ENOTFOUND)
        return e;
    if (e == PTD_ETOOBIG)
        return tell(why, e, "the file is too large", path);
    if (e != PTD_OK) {
        snprintf(why, PTD_PEERSFILE_WHY, "Cannot read peers.dat (\"%s\"): %s",
                 path, e == PTD_EIO ? strerror(errno) : ptd_err_text(e));
        return e;
    }
    e = ptd_addrmgr_decode(m, reason, bytes, n, magic);
    ptd_free(bytes);
    if (e != PTD_OK && e != PTD_EVERSION)
        tell(why, e, reason, path);
    return e;
}

enum ptd_err ptd_peersfile_load(struct ptd_addrmgr *m,
                                char why[PTD_PEERSFILE_WHY], const char *path,
                                const uint8_t magic[4])
{
    int64_t start_us = ptd_clock_now_us(NULL);
    enum ptd_err e = read_file(m, why, path, magic);

    if (e == PTD_OK) {
        ptd_log_info("Loaded %zu addresses from peers.dat  %lldms",
                     ptd_addrmgr_size(m, PTD_NET_NONE, PTD_ADDRMGR_BOTH),
                     (long long)(ptd_clock_now_us(NULL) - start_us) / 1000);
        return PTD_OK;
    }
    if (e == PTD_ENOTFOUND) {
        ptd_log_info("Creating peers.dat because the file was not found "
                     "(\"%s\")",
                     path);
    } else if (e != PTD_EVERSION) {
        return e;
    } else if ((e = keep_aside(why, path)) != PTD_OK) {
        return e;
    }
    /* A failure is logged; the tables are good all the same. */
    (void)!ptd_peersfile_save(m, path, magic);
    return PTD_OK;
}
