/* Which bucket and which place there: Bitcoin Core's hashes, input for input,
 * so that a peers.dat means the same to both. SHA-256d keyed with a secret: a
 * stranger cannot say which addresses push each other out. */
#include <config.h>

#include "addrmgr/addrmgr_int.h"

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "crypto/sha256.h"

enum {
    NEW_BUCKETS_PER_SOURCE = 64,
    TRIED_BUCKETS_PER_GROUP = 8,
    /* key, two addresses or groups with their lengths, a number */
    INPUT_MAX = PTD_ADDRMGR_KEY_BYTES + 2 * (1 + PTD_NETADDR_MAX_BYTES + 2) + 8
};

/* What is hashed. */
struct input {
    size_t n;
    uint8_t b[INPUT_MAX];
};

static void add_bytes(struct input *in, const void *p, size_t n)
{
    PTD_ASSERT(n <= sizeof in->b - in->n);
    memcpy(in->b + in->n, p, n);
    in->n += n;
}

static void add_u8(struct input *in, uint8_t v)
{
    add_bytes(in, &v, 1);
}

static void add_u32(struct input *in, uint32_t v)
{
    uint8_t b[4];

    ptd_put_le32(b, v);
    add_bytes(in, b, sizeof b);
}

static void add_u64(struct input *in, uint64_t v)
{
    uint8_t b[8];

    ptd_put_le64(b, v);
    add_bytes(in, b, sizeof b);
}

static void add_group(struct input *in, const struct ptd_group *g)
{
    add_u8(in, g->n);
    add_bytes(in, g->key, g->n);
}

/* Length, the address (IPv4 as IPv6), the port's high byte first. */
static void add_address(struct input *in, const struct ptd_netaddr *na)
{
    uint8_t ip[16], port[2];
    const uint8_t *p = na->addr;
    size_t n = na->len;

    if (ptd_netaddr_to_ip16(na, ip)) {
        p = ip;
        n = sizeof ip;
    }
    add_u8(in, (uint8_t)(n + sizeof port));
    add_bytes(in, p, n);
    ptd_put_be16(port, na->port);
    add_bytes(in, port, sizeof port);
}

static struct input keyed_locked(const struct ptd_addrmgr *m)
    PTD_REQUIRES(m->mu);
static struct input keyed_locked(const struct ptd_addrmgr *m)
{
    struct input in;

    in.n = 0;
    add_bytes(&in, m->key, sizeof m->key);
    return in;
}

static uint64_t hash_of(const struct input *in)
{
    uint8_t out[32];

    ptd_sha256d(out, in->b, in->n);
    return ptd_get_le64(out);
}

int ptd_addrmgr_tried_bucket_locked(const struct ptd_addrmgr *m,
                                    const struct ptd_netaddr *na)
{
    struct input by_address = keyed_locked(m), by_group = keyed_locked(m);
    struct ptd_group group;

    add_address(&by_address, na);
    ptd_netgroup_of(m->cfg.netgroup, &group, na);
    add_group(&by_group, &group);
    add_u64(&by_group, hash_of(&by_address) % TRIED_BUCKETS_PER_GROUP);
    return (int)(hash_of(&by_group) % PTD_ADDRMGR_TRIED_BUCKETS);
}

int ptd_addrmgr_new_bucket_locked(const struct ptd_addrmgr *m,
                                  const struct ptd_netaddr *na,
                                  const struct ptd_netaddr *source)
{
    struct input by_both = keyed_locked(m), by_source = keyed_locked(m);
    struct ptd_group group, source_group;

    ptd_netgroup_of(m->cfg.netgroup, &group, na);
    ptd_netgroup_of(m->cfg.netgroup, &source_group, source);
    add_group(&by_both, &group);
    add_group(&by_both, &source_group);
    add_group(&by_source, &source_group);
    add_u64(&by_source, hash_of(&by_both) % NEW_BUCKETS_PER_SOURCE);
    return (int)(hash_of(&by_source) % PTD_ADDRMGR_NEW_BUCKETS);
}

int ptd_addrmgr_position_locked(const struct ptd_addrmgr *m,
                                enum ptd_addrmgr_table table, int bucket,
                                const struct ptd_netaddr *na)
{
    struct input in = keyed_locked(m);

    add_u8(&in, table == PTD_ADDRMGR_NEW ? 'N' : 'K');
    add_u32(&in, (uint32_t)bucket);
    add_address(&in, na);
    return (int)(hash_of(&in) % PTD_ADDRMGR_BUCKET_SIZE);
}
