/* Messages of our own, made in one call. */
#include <config.h>

#include <string.h>

#include "wire/codec.h"

/* A copy of a list in memory of m; m is freed for lack of it. */
static void *copy_list(struct ptd_msg *m, const void *list, size_t n,
                       size_t size)
{
    void *copy = ptd_msg_alloc_raw(m, n, size);

    if (copy == NULL)
        ptd_msg_free(m);
    else if (n > 0)
        memcpy(copy, list, n * size);
    return copy;
}

struct ptd_msg *ptd_msg_new_nonce(enum ptd_msg_type type, uint64_t nonce)
{
    struct ptd_msg *m;

    if (type != PTD_MSG_PING && type != PTD_MSG_PONG)
        return NULL;
    m = ptd_msg_new(type);
    if (m != NULL)
        PTD_MSG_AS(nonce, m)->nonce = nonce;
    return m;
}

struct ptd_msg *ptd_msg_new_inv(enum ptd_msg_type type,
                                const struct ptd_inv *list, size_t n)
{
    struct ptd_msg_inv *inv;
    struct ptd_msg *m;

    if ((type != PTD_MSG_INV && type != PTD_MSG_GETDATA &&
         type != PTD_MSG_NOTFOUND) ||
        n > PTD_MAX_INV_PER_MSG || (m = ptd_msg_new(type)) == NULL)
        return NULL;
    inv = PTD_MSG_AS(inv, m);
    inv->list = copy_list(m, list, n, sizeof *list);
    if (inv->list == NULL)
        return NULL;
    inv->n = (uint32_t)n;
    return m;
}

struct ptd_msg *ptd_msg_new_addr(enum ptd_msg_type type,
                                 const struct ptd_addr_entry *list, size_t n)
{
    struct ptd_msg_addr *addr;
    struct ptd_msg *m;

    if ((type != PTD_MSG_ADDR && type != PTD_MSG_ADDRV2) ||
        n > PTD_MAX_ADDR_PER_MSG || (m = ptd_msg_new(type)) == NULL)
        return NULL;
    addr = PTD_MSG_AS(addr, m);
    addr->list = copy_list(m, list, n, sizeof *list);
    if (addr->list == NULL)
        return NULL;
    addr->n = (uint32_t)n;
    return m;
}

struct ptd_msg *ptd_msg_new_locator(enum ptd_msg_type type, uint32_t version,
                                    const struct ptd_hash *hashes, size_t n,
                                    const struct ptd_hash *stop)
{
    struct ptd_msg_locator *loc;
    struct ptd_msg *m;

    if ((type != PTD_MSG_GETBLOCKS && type != PTD_MSG_GETHEADERS) ||
        n > PTD_MAX_LOCATOR || (m = ptd_msg_new(type)) == NULL)
        return NULL;
    loc = PTD_MSG_AS(locator, m);
    loc->hashes = copy_list(m, hashes, n, sizeof *hashes);
    if (loc->hashes == NULL)
        return NULL;
    loc->n = (uint32_t)n;
    loc->version = version;
    if (stop != NULL)
        loc->stop = *stop;
    return m;
}

struct ptd_msg *
ptd_msg_new_reject(const char *command, enum ptd_reject_code code,
                   const char *reason, const struct ptd_hash *hash)
{
    size_t n = strlen(reason);
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_REJECT);
    struct ptd_msg_reject *r = PTD_MSG_AS(reject, m);

    if (m == NULL)
        return NULL;
    if (n > PTD_MAX_REJECT_REASON)
        n = PTD_MAX_REJECT_REASON; /* a text for people: cut, not refused */
    if (strlen(command) > PTD_MAX_REJECT_COMMAND ||
        ptd_msg_copy_bytes(m, &r->command, command, strlen(command)) !=
            PTD_OK ||
        ptd_msg_copy_bytes(m, &r->reason, reason, n) != PTD_OK) {
        ptd_msg_free(m);
        return NULL;
    }
    r->code = (uint8_t)code;
    r->has_hash = hash != NULL;
    if (hash != NULL)
        r->hash = *hash;
    return m;
}
