#include <config.h>

#include "addrmgr/addrrelay.h"

#include "base/bytes.h"
#include "base/util.h"
#include "crypto/siphash.h"

#define DAY_S         UINT64_C(86400)
#define COST_US       INT64_C(10000000) /* one address in 10 s */
#define BURST_US      (1000 * COST_US)
#define CREDIT_MAX_US (INT64_MAX / 4)

/* ---- relay ----------------------------------------------------------- */

/* What a peer draws for an address on a day. */
static uint64_t lot_of(uint64_t k0, uint64_t k1, uint64_t addr, uint64_t day,
                       uint64_t id)
{
    uint8_t in[24];

    ptd_put_le64(in, addr);
    ptd_put_le64(in + 8, day);
    ptd_put_le64(in + 16, id);
    return ptd_siphash24(k0, k1, in, sizeof in);
}

size_t ptd_addrrelay_choose(uint64_t chosen[PTD_ADDRRELAY_PEERS], uint64_t k0,
                            uint64_t k1, const struct ptd_netaddr *na,
                            int64_t now_s, enum ptd_addrrelay_net reach,
                            const uint64_t *ids, size_t n)
{
    size_t max = reach == PTD_ADDRRELAY_REACHABLE ? PTD_ADDRRELAY_PEERS : 1;
    uint64_t addr = ptd_netaddr_hash(na, k0, k1);
    uint64_t day = ((uint64_t)PTD_MAX(now_s, 0) + addr % DAY_S) / DAY_S;
    uint64_t best[PTD_ADDRRELAY_PEERS] = { 0 };
    size_t n_chosen = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t lot = lot_of(k0, k1, addr, day, ids[i]);
        size_t at = n_chosen;

        /* Sorted, the highest first; the last falls out. */
        while (at > 0 && best[at - 1] < lot)
            at--;
        if (at == max)
            continue;
        n_chosen = PTD_MIN(n_chosen + 1, max);
        for (size_t j = n_chosen - 1; j > at; j--) {
            best[j] = best[j - 1];
            chosen[j] = chosen[j - 1];
        }
        best[at] = lot;
        chosen[at] = ids[i];
    }
    return n_chosen;
}

/* ---- the bucket ------------------------------------------------------ */

void ptd_addrbucket_init(struct ptd_addrbucket *b, int64_t now_us)
{
    *b = (struct ptd_addrbucket){ .credit_us = COST_US, .updated_us = now_us };
}

void ptd_addrbucket_grant(struct ptd_addrbucket *b)
{
    b->credit_us = PTD_MIN(b->credit_us + BURST_US, CREDIT_MAX_US);
}

void ptd_addrbucket_refill(struct ptd_addrbucket *b, int64_t now_us)
{
    int64_t passed_us = now_us - b->updated_us;

    b->updated_us = now_us;
    /* What was granted above the limit stays, but does not grow. */
    if (passed_us > 0 && b->credit_us < BURST_US)
        b->credit_us = passed_us < BURST_US - b->credit_us
                           ? b->credit_us + passed_us
                           : BURST_US;
}

bool ptd_addrbucket_take(struct ptd_addrbucket *b)
{
    if (b->credit_us < COST_US)
        return false;
    b->credit_us -= COST_US;
    return true;
}
