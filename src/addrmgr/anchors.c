/* anchors.dat: magic, count, addresses (addrfile.h), double SHA-256. */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "addrmgr/addrfile.h"
#include "addrmgr/datafile.h"
#include "addrmgr/peersfile.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "pentad/clock.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum {
    MAX_ADDRESS_BYTES = 4 + 4 + 9 + 1 + 1 + PTD_NETADDR_MAX_BYTES + 2,
    MAX_FILE_BYTES =
        4 + 1 + PTD_ANCHORS_MAX * MAX_ADDRESS_BYTES + PTD_ADDRFILE_SUM_BYTES,
    /* Of a file that somebody else wrote. */
    MAX_READ_BYTES = 64 * 1024,
    MAX_COUNT = 1000,
    MIN_ADDRESS_BYTES = 4 + 4 + 1 + 1 + 1 + 2
};

enum ptd_err ptd_anchors_save(const struct ptd_addr_entry *list, size_t n,
                              const char *path, const uint8_t magic[4])
{
    int64_t start_us = ptd_clock_now_us(NULL);
    uint8_t bytes[MAX_FILE_BYTES], sum[PTD_ADDRFILE_SUM_BYTES];
    struct ptd_writer w;
    enum ptd_err e;

    n = PTD_MIN(n, PTD_ANCHORS_MAX);
    ptd_writer_init(&w, bytes, sizeof bytes);
    ptd_write_raw(&w, magic, 4);
    ptd_write_varint(&w, n);
    for (size_t i = 0; i < n; i++)
        ptd_write_disk_address(&w, &list[i]);
    ptd_sha256d(sum, bytes, w.n);
    ptd_write_raw(&w, sum, sizeof sum);
    PTD_ASSERT(w.err == PTD_OK);
    if ((e = ptd_datafile_replace(path, bytes, w.n)) == PTD_OK)
        ptd_log_info("DumpAnchors: Flush %zu outbound block-relay-only peer "
                     "addresses to anchors.dat completed (%.2fs)",
                     n, (double)(ptd_clock_now_us(NULL) - start_us) / 1e6);
    return e;
}

/* The first of the file's addresses that can be connected to; those behind
 * them are read too, for the checksum. 0 also for any damage. */
static size_t parse(struct ptd_addr_entry out[PTD_ANCHORS_MAX],
                    const uint8_t *p, size_t n, const uint8_t magic[4])
{
    uint8_t sum[PTD_ADDRFILE_SUM_BYTES];
    const uint8_t *got;
    struct ptd_reader r;
    size_t n_out = 0, body;
    uint32_t count;

    ptd_reader_init(&r, p, n);
    got = ptd_read_raw(&r, 4, "magic");
    if (got == NULL || memcmp(got, magic, 4) != 0)
        return 0;
    count = ptd_read_count(&r, "count", MAX_COUNT, MIN_ADDRESS_BYTES);
    for (uint32_t i = 0; i < count && r.err == PTD_OK; i++) {
        struct ptd_addr_entry e;

        ptd_read_disk_address(&r, &e, PTD_ADDRFILE_V2);
        if (n_out < PTD_ANCHORS_MAX && ptd_netaddr_is_valid(&e.na))
            out[n_out++] = e;
    }
    body = (size_t)(r.p - p);
    got = ptd_read_raw(&r, sizeof sum, "checksum");
    if (got == NULL || r.p != r.end)
        return 0;
    ptd_sha256d(sum, p, body);
    return memcmp(sum, got, sizeof sum) == 0 ? n_out : 0;
}

size_t ptd_anchors_take(struct ptd_addr_entry out[PTD_ANCHORS_MAX],
                        const char *path, const uint8_t magic[4])
{
    size_t n, n_out;
    uint8_t *bytes;

    if (ptd_file_read(&bytes, &n, path, MAX_READ_BYTES) != PTD_OK) {
        unlink(path);
        return 0;
    }
    n_out = parse(out, bytes, n, magic);
    ptd_free(bytes);
    unlink(path);
    ptd_log_info("Loaded %zu addresses from \"anchors.dat\"", n_out);
    return n_out;
}
