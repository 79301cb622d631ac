/* peers.dat as bytes: format 4 of Bitcoin Core ("multiport").
 *
 *     magic, 4 bytes
 *     format 4, lowest compatible format 4 + 32
 *     key, 32 bytes
 *     number of new entries, of tried entries, buckets of new ^ 2^30
 *     new entries, tried entries (addrfile.h)
 *     for each bucket of new: how many are in it, and which (by number above)
 *     version of the AS map, 32 bytes
 *     double SHA-256 of all before
 *
 * Numbers are of 4 bytes, little-endian.
 */
#include <config.h>

#include "addrmgr/addrfile.h"
#include "addrmgr/addrmgr_int.h"
#include "base/alloc.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "wire/writer.h"

static void write_info(struct ptd_writer *w,
                       const struct ptd_addrmgr_info *info)
{
    struct ptd_addr_entry told = ptd_addrmgr_told(info);

    ptd_write_disk_address(w, &told);
    ptd_write_disk_host(w, &info->source);
    ptd_write_i64(w, info->last_success_s);
    ptd_write_i32(w, info->n_attempts);
}

/* All of new, each where its first place is: whoever reads the buckets then
 * finds the entries one behind the other in memory. */
static void write_new_locked(struct ptd_writer *w, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static void write_new_locked(struct ptd_writer *w, struct ptd_addrmgr *m)
{
    const uint32_t *place = &m->new[0][0];
    uint32_t n = 0;

    for (size_t i = 0; i < m->n_info; i++)
        m->info[i].file_at = UINT32_MAX;
    for (size_t i = 0; i < PTD_ADDRMGR_MAX_NEW; i++) {
        struct ptd_addrmgr_info *info;

        if (place[i] == PTD_ADDRMGR_NOBODY)
            continue;
        info = ptd_addrmgr_at_locked(m, place[i]);
        if (info->file_at == UINT32_MAX) {
            info->file_at = n++;
            write_info(w, info);
        }
    }
}

static void write_tried_locked(struct ptd_writer *w, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static void write_tried_locked(struct ptd_writer *w, struct ptd_addrmgr *m)
{
    const uint32_t *place = &m->tried[0][0];

    for (size_t i = 0; i < PTD_ADDRMGR_MAX_TRIED; i++) {
        if (place[i] != PTD_ADDRMGR_NOBODY)
            write_info(w, ptd_addrmgr_at_locked(m, place[i]));
    }
}

static void write_bucket_locked(struct ptd_writer *w, struct ptd_addrmgr *m,
                                int bucket) PTD_REQUIRES(m->mu);
static void write_bucket_locked(struct ptd_writer *w, struct ptd_addrmgr *m,
                                int bucket)
{
    const uint32_t *place = m->new[bucket];
    uint32_t n = 0;

    for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE; i++)
        n += place[i] != PTD_ADDRMGR_NOBODY;
    ptd_write_u32(w, n);
    for (int i = 0; i < PTD_ADDRMGR_BUCKET_SIZE; i++) {
        if (place[i] != PTD_ADDRMGR_NOBODY)
            ptd_write_u32(w, ptd_addrmgr_at_locked(m, place[i])->file_at);
    }
}

/* All but the checksum. */
static void write_all_locked(struct ptd_writer *w, struct ptd_addrmgr *m,
                             const uint8_t magic[4]) PTD_REQUIRES(m->mu);
static void write_all_locked(struct ptd_writer *w, struct ptd_addrmgr *m,
                             const uint8_t magic[4])
{
    struct ptd_hash version;

    ptd_write_raw(w, magic, 4);
    ptd_write_u8(w, PTD_ADDRFILE_FORMAT);
    ptd_write_u8(w, PTD_ADDRFILE_COMPATIBLE + PTD_ADDRFILE_FORMAT);
    ptd_write_raw(w, m->key, sizeof m->key);
    ptd_write_u32(w, (uint32_t)m->n_new);
    ptd_write_u32(w, (uint32_t)m->n_tried);
    ptd_write_u32(w, PTD_ADDRMGR_NEW_BUCKETS ^ PTD_ADDRFILE_BUCKETS_XOR);
    write_new_locked(w, m);
    write_tried_locked(w, m);
    for (int b = 0; b < PTD_ADDRMGR_NEW_BUCKETS; b++)
        write_bucket_locked(w, m, b);
    ptd_netgroup_version(m->cfg.netgroup, &version);
    ptd_write_hash(w, &version);
}

static enum ptd_err encode_locked(struct ptd_addrmgr *m, uint8_t **out,
                                  size_t *n, const uint8_t magic[4])
    PTD_REQUIRES(m->mu);
static enum ptd_err encode_locked(struct ptd_addrmgr *m, uint8_t **out,
                                  size_t *n, const uint8_t magic[4])
{
    struct ptd_writer w;

    ptd_writer_init(&w, NULL, 0);
    write_all_locked(&w, m, magic);
    *n = w.n + PTD_ADDRFILE_SUM_BYTES;
    if ((*out = ptd_alloc(*n)) == NULL)
        return PTD_ENOMEM;
    ptd_writer_init(&w, *out, *n);
    write_all_locked(&w, m, magic);
    PTD_ASSERT(w.err == PTD_OK && w.n + PTD_ADDRFILE_SUM_BYTES == *n);
    return PTD_OK;
}

enum ptd_err ptd_addrmgr_encode(struct ptd_addrmgr *m, uint8_t **out, size_t *n,
                                const uint8_t magic[4])
{
    enum ptd_err e;
    size_t body;

    ptd_addrmgr_enter(m);
    e = encode_locked(m, out, n, magic);
    ptd_addrmgr_leave(m);
    if (e != PTD_OK)
        return e;
    body = *n - PTD_ADDRFILE_SUM_BYTES;
    ptd_sha256d(*out + body, *out, body);
    return PTD_OK;
}
