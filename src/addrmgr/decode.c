/* peers.dat from bytes: encode.c has the format; formats 0 to 3 are older.
 *
 * Parsing comes before the checksum, as in Bitcoin Core, so that the error of
 * a file that was cut says so; nothing that is parsed is trusted. */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addrmgr/addrfile.h"
#include "addrmgr/addrmgr_int.h"
#include "base/alloc.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

enum {
    FORMAT_DETERMINISTIC = 1, /* buckets XORed with 2^30 */
    FORMAT_ASMAP = 2,         /* the map's version at the end */
    FORMAT_BIP155 = 3,        /* addresses as in addrv2 */
    /* The least that an entry takes: version, time, services, network, length,
     * port; source's network and length; success, attempts. */
    INFO_MIN_BYTES = 4 + 4 + 1 + 1 + 1 + 2 + 1 + 1 + 8 + 4
};

/* One load under way. */
struct load {
    struct ptd_reader r;
    char *why; /* PTD_ADDRMGR_WHY bytes */
    unsigned format;
    enum ptd_addrfile_form form;
    int32_t n_new, n_tried, n_buckets; /* as the file says */
    uint32_t *who; /* of the file's new entries; nobody: not kept */
    size_t n_lost_new, n_lost_tried;
};

PTD_PRINTF(3, 4)
static enum ptd_err fail(struct load *l, enum ptd_err e, const char *format,
                         ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(l->why, PTD_ADDRMGR_WHY, format, args);
    va_end(args);
    return e;
}

/* What the reader met, if anything. */
static enum ptd_err reader_error(struct load *l)
{
    if (l->r.err != PTD_OK)
        ptd_addrfile_why(l->why, PTD_ADDRMGR_WHY, &l->r);
    return l->r.err;
}

static enum ptd_err no_memory(struct load *l)
{
    return fail(l, PTD_ENOMEM, "%s", ptd_err_text(PTD_ENOMEM));
}

/* ---- the head -------------------------------------------------------- */

static enum ptd_err read_format(struct load *l, const uint8_t magic[4])
{
    const uint8_t *got = ptd_read_raw(&l->r, 4, "magic");
    uint8_t compatible;

    if (got != NULL && memcmp(got, magic, 4) != 0)
        return fail(l, PTD_EMAGIC, "Invalid network magic number");
    l->format = ptd_read_u8(&l->r, "format");
    compatible = ptd_read_u8(&l->r, "lowest compatible format");
    if (l->r.err != PTD_OK)
        return reader_error(l);
    if (compatible < PTD_ADDRFILE_COMPATIBLE)
        return fail(l, PTD_EBADVALUE,
                    "Corrupted addrman database: The compat value (%u) is "
                    "lower than the expected minimum value %u.: iostream error",
                    compatible, (unsigned)PTD_ADDRFILE_COMPATIBLE);
    compatible = (uint8_t)(compatible - PTD_ADDRFILE_COMPATIBLE);
    if (compatible > PTD_ADDRFILE_FORMAT)
        return fail(l, PTD_EVERSION,
                    "Unsupported format of addrman database: %u. It is "
                    "compatible with formats >=%u, but the maximum supported "
                    "is %u.",
                    l->format, compatible, (unsigned)PTD_ADDRFILE_FORMAT);
    l->form = l->format >= FORMAT_BIP155 ? PTD_ADDRFILE_V2 : PTD_ADDRFILE_V1;
    return PTD_OK;
}

static enum ptd_err check_count(struct load *l, const char *name, int32_t n,
                                int32_t max)
{
    if (n >= 0 && n <= max)
        return PTD_OK;
    return fail(l, PTD_EBADVALUE,
                "Corrupt AddrMan serialization: %s=%" PRId32
                ", should be in [0, %" PRId32 "]: iostream error",
                name, n, max);
}

static enum ptd_err read_head_locked(struct load *l, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static enum ptd_err read_head_locked(struct load *l, struct ptd_addrmgr *m)
{
    enum ptd_err e;

    ptd_read_copy(&l->r, m->key, sizeof m->key, "key");
    l->n_new = ptd_read_i32(&l->r, "number of new entries");
    l->n_tried = ptd_read_i32(&l->r, "number of tried entries");
    l->n_buckets = ptd_read_i32(&l->r, "number of buckets");
    if (l->format >= FORMAT_DETERMINISTIC)
        l->n_buckets ^= PTD_ADDRFILE_BUCKETS_XOR;
    if ((e = reader_error(l)) != PTD_OK ||
        (e = check_count(l, "nNew", l->n_new, PTD_ADDRMGR_MAX_NEW)) != PTD_OK)
        return e;
    return check_count(l, "nTried", l->n_tried, PTD_ADDRMGR_MAX_TRIED);
}

/* ---- entries --------------------------------------------------------- */

/* An entry as it is in the file. */
struct stored {
    struct ptd_addr_entry e;
    struct ptd_netaddr source;
    int64_t last_success_s;
    int32_t n_attempts;
};

static enum ptd_err read_stored(struct load *l, struct stored *s)
{
    ptd_read_disk_address(&l->r, &s->e, l->form);
    ptd_read_disk_host(&l->r, &s->source, l->form);
    s->last_success_s = ptd_read_i64(&l->r, "last success");
    s->n_attempts = ptd_read_i32(&l->r, "attempts");
    return reader_error(l);
}

/* Make an entry of it, in new without a place. An address that comes twice is
 * damage; the number is what Bitcoin Core finds then. */
static enum ptd_err create_locked(struct load *l, struct ptd_addrmgr *m,
                                  const struct stored *s, uint32_t *who)
    PTD_REQUIRES(m->mu);
static enum ptd_err create_locked(struct load *l, struct ptd_addrmgr *m,
                                  const struct stored *s, uint32_t *who)
{
    struct ptd_addrmgr_info *info;

    if (ptd_addrmgr_lookup_locked(m, &s->e.na) != PTD_ADDRMGR_NOBODY)
        return fail(l, PTD_EBADVALUE,
                    "Corrupt data. Consistency check failed with code -5: "
                    "iostream error");
    *who = ptd_addrmgr_create_locked(m, &s->e, &s->source);
    if (*who == PTD_ADDRMGR_NOBODY)
        return no_memory(l);
    info = ptd_addrmgr_at_locked(m, *who);
    info->last_success_s = s->last_success_s;
    info->n_attempts = PTD_MAX(s->n_attempts, 0);
    return PTD_OK;
}

static enum ptd_err read_new_locked(struct load *l, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static enum ptd_err read_new_locked(struct load *l, struct ptd_addrmgr *m)
{
    size_t n = (size_t)l->n_new;
    struct stored s;
    enum ptd_err e;

    /* No memory for entries that cannot be in the file. */
    if (ptd_reader_left(&l->r) / INFO_MIN_BYTES < n) {
        ptd_reader_fail(&l->r, PTD_ESHORT, "new entries", n, 0);
        return reader_error(l);
    }
    if ((l->who = ptd_calloc(n, sizeof *l->who)) == NULL)
        return no_memory(l);
    for (size_t i = 0; i < n; i++) {
        if ((e = read_stored(l, &s)) != PTD_OK)
            return e;
        if (!ptd_netaddr_is_valid(&s.e.na))
            l->n_lost_new++;
        else if ((e = create_locked(l, m, &s, &l->who[i])) != PTD_OK)
            return e;
    }
    return PTD_OK;
}

/* Those whose place is taken are lost: then the group map has changed. */
static enum ptd_err place_tried_locked(struct load *l, struct ptd_addrmgr *m,
                                       const struct stored *s)
    PTD_REQUIRES(m->mu);
static enum ptd_err place_tried_locked(struct load *l, struct ptd_addrmgr *m,
                                       const struct stored *s)
{
    int bucket = ptd_addrmgr_tried_bucket_locked(m, &s->e.na);
    int at =
        ptd_addrmgr_position_locked(m, PTD_ADDRMGR_TRIED, bucket, &s->e.na);
    struct ptd_addrmgr_info *info;
    enum ptd_err e;
    uint32_t who;

    if (!ptd_netaddr_is_valid(&s->e.na) ||
        m->tried[bucket][at] != PTD_ADDRMGR_NOBODY) {
        l->n_lost_tried++;
        return PTD_OK;
    }
    if ((e = create_locked(l, m, s, &who)) != PTD_OK)
        return e;
    info = ptd_addrmgr_at_locked(m, who);
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_NEW, -1);
    ptd_addrmgr_count_locked(m, info, PTD_ADDRMGR_TRIED, 1);
    info->tried = true;
    m->tried[bucket][at] = who;
    return PTD_OK;
}

static enum ptd_err read_tried_locked(struct load *l, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static enum ptd_err read_tried_locked(struct load *l, struct ptd_addrmgr *m)
{
    struct stored s;
    enum ptd_err e;

    for (int32_t i = 0; i < l->n_tried; i++) {
        if ((e = read_stored(l, &s)) != PTD_OK ||
            (e = place_tried_locked(l, m, &s)) != PTD_OK)
            return e;
    }
    return PTD_OK;
}

/* ---- buckets --------------------------------------------------------- */

static void place_in_locked(struct ptd_addrmgr *m, uint32_t who, int bucket)
    PTD_REQUIRES(m->mu);
static void place_in_locked(struct ptd_addrmgr *m, uint32_t who, int bucket)
{
    struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);
    int at = ptd_addrmgr_position_locked(m, PTD_ADDRMGR_NEW, bucket, &info->na);

    if (m->new[bucket][at] != PTD_ADDRMGR_NOBODY)
        return;
    m->new[bucket][at] = who;
    info->n_refs++;
}

/* Where it was, if the buckets are the same as then and the place is free;
 * else where its first source puts it, if that is free. */
static void place_new_locked(struct ptd_addrmgr *m, uint32_t who, int bucket,
                             bool same) PTD_REQUIRES(m->mu);
static void place_new_locked(struct ptd_addrmgr *m, uint32_t who, int bucket,
                             bool same)
{
    const struct ptd_addrmgr_info *info = ptd_addrmgr_at_locked(m, who);
    uint8_t before = info->n_refs;

    if (before >= PTD_ADDRMGR_MAX_REFS)
        return;
    if (same)
        place_in_locked(m, who, bucket);
    if (info->n_refs == before)
        place_in_locked(
            m, who, ptd_addrmgr_new_bucket_locked(m, &info->na, &info->source));
}

/* Walk over the buckets' lists: once only to see where they end, then to
 * place who is in them. */
static void walk_buckets_locked(struct load *l, struct ptd_addrmgr *m,
                                bool place, bool same) PTD_REQUIRES(m->mu);
static void walk_buckets_locked(struct load *l, struct ptd_addrmgr *m,
                                bool place, bool same)
{
    for (int bucket = 0; bucket < l->n_buckets && l->r.err == PTD_OK;
         bucket++) {
        int32_t n = ptd_read_i32(&l->r, "bucket size");

        for (int32_t i = 0; i < n && l->r.err == PTD_OK; i++) {
            int32_t which = ptd_read_i32(&l->r, "bucket entry");

            if (place && which >= 0 && which < l->n_new &&
                l->who[which] != PTD_ADDRMGR_NOBODY)
                place_new_locked(m, l->who[which], bucket, same);
        }
    }
}

static enum ptd_err read_buckets_locked(struct load *l, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static enum ptd_err read_buckets_locked(struct load *l, struct ptd_addrmgr *m)
{
    struct ptd_reader at_buckets = l->r, at_end;
    struct ptd_hash now, then = { { 0 } };
    bool same;

    walk_buckets_locked(l, m, false, false);
    if (l->format >= FORMAT_ASMAP)
        ptd_read_hash(&l->r, &then, "asmap version");
    if (l->r.err != PTD_OK)
        return reader_error(l);
    at_end = l->r;
    ptd_netgroup_version(m->cfg.netgroup, &now);
    same = l->n_buckets == PTD_ADDRMGR_NEW_BUCKETS && ptd_hash_eq(&now, &then);
    l->r = at_buckets;
    walk_buckets_locked(l, m, true, same);
    l->r = at_end;
    return PTD_OK;
}

/* Forget new entries that got no place. */
static void prune_locked(struct load *l, struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static void prune_locked(struct load *l, struct ptd_addrmgr *m)
{
    for (int32_t i = 0; i < l->n_new; i++) {
        uint32_t who = l->who[i];

        if (who != PTD_ADDRMGR_NOBODY &&
            ptd_addrmgr_at_locked(m, who)->n_refs == 0) {
            ptd_addrmgr_delete_locked(m, who);
            l->n_lost_new++;
        }
    }
}

/* ---- the whole ------------------------------------------------------- */

static enum ptd_err check_sum(struct load *l, const uint8_t *file)
{
    size_t body = (size_t)(l->r.p - file);
    uint8_t sum[PTD_ADDRFILE_SUM_BYTES];
    const uint8_t *got = ptd_read_raw(&l->r, sizeof sum, "checksum");

    if (got == NULL)
        return reader_error(l);
    ptd_sha256d(sum, file, body);
    if (memcmp(sum, got, sizeof sum) != 0)
        return fail(l, PTD_ECHECKSUM, "Checksum mismatch, data corrupted");
    if (ptd_reader_left(&l->r) > 0)
        return fail(l, PTD_ETRAILING, "%zu bytes left over behind the checksum",
                    ptd_reader_left(&l->r));
    return PTD_OK;
}

static enum ptd_err load_locked(struct load *l, struct ptd_addrmgr *m,
                                const uint8_t *file, const uint8_t magic[4])
    PTD_REQUIRES(m->mu);
static enum ptd_err load_locked(struct load *l, struct ptd_addrmgr *m,
                                const uint8_t *file, const uint8_t magic[4])
{
    enum ptd_err e;
    int wrong;

    if ((e = read_format(l, magic)) != PTD_OK ||
        (e = read_head_locked(l, m)) != PTD_OK ||
        (e = read_new_locked(l, m)) != PTD_OK ||
        (e = read_tried_locked(l, m)) != PTD_OK ||
        (e = read_buckets_locked(l, m)) != PTD_OK)
        return e;
    prune_locked(l, m);
    if ((wrong = ptd_addrmgr_check_locked(m, PTD_ADDRMGR_SHALLOW)) != 0)
        return fail(l, PTD_EBADVALUE,
                    "Corrupt data. Consistency check failed with code %d: "
                    "iostream error",
                    wrong);
    return check_sum(l, file);
}

enum ptd_err ptd_addrmgr_decode(struct ptd_addrmgr *m,
                                char why[PTD_ADDRMGR_WHY], const uint8_t *p,
                                size_t n, const uint8_t magic[4])
{
    struct load l = { .why = why };
    enum ptd_err e;

    ptd_reader_init(&l.r, p, n);
    ptd_addrmgr_enter(m);
    ptd_addrmgr_reset_locked(m);
    e = load_locked(&l, m, p, magic);
    if (e != PTD_OK)
        ptd_addrmgr_reset_locked(m);
    ptd_addrmgr_leave(m);
    ptd_free(l.who);
    if (e == PTD_OK && l.n_lost_new + l.n_lost_tried > 0)
        ptd_log_debug("addrman lost %zu new and %zu tried addresses due to "
                      "collisions or invalid addresses",
                      l.n_lost_new, l.n_lost_tried);
    return e;
}
