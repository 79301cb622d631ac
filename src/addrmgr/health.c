/* Does the AS map fit the addresses that we have? An old one leaves many in no
 * system; a wrong one puts all into few. */
#include <config.h>

#include <stdlib.h>

#include "addrmgr/addrmgr_int.h"
#include "base/alloc.h"
#include "pentad/log.h"

PTD_LOG_TAG(ADXR);

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The systems of all IPv4 and IPv6 addresses, 0 for none. NULL for lack of
 * memory. */
static uint32_t *systems_locked(struct ptd_addrmgr *m, size_t *n)
    PTD_REQUIRES(m->mu);
static uint32_t *systems_locked(struct ptd_addrmgr *m, size_t *n)
{
    uint32_t *as = ptd_alloc_array(m->n, sizeof *as);

    *n = 0;
    for (size_t i = 0; i < m->n && as != NULL; i++) {
        const struct ptd_addrmgr_info *info =
            ptd_addrmgr_at_locked(m, m->order[i]);
        enum ptd_net net = ptd_netgroup_class(&info->na);

        if (net == PTD_NET_IPV4 || net == PTD_NET_IPV6)
            as[(*n)++] = ptd_netgroup_as(m->cfg.netgroup, &info->na);
    }
    return as;
}

enum ptd_err ptd_addrmgr_check_as_health(struct ptd_addrmgr *m,
                                         struct ptd_addrmgr_as_health *out)
{
    uint32_t *as;

    *out = (struct ptd_addrmgr_as_health){ 0 };
    ptd_addrmgr_enter(m);
    as = systems_locked(m, &out->n_addresses);
    ptd_addrmgr_leave(m);
    if (as == NULL)
        return PTD_ENOMEM;
    qsort(as, out->n_addresses, sizeof *as, by_number);
    for (size_t i = 0; i < out->n_addresses; i++) {
        if (as[i] == 0)
            out->n_unmapped++;
        else if (i == 0 || as[i] != as[i - 1])
            out->n_systems++;
    }
    ptd_free(as);
    ptd_log_info("ASMap Health Check: %zu clearnet peers are mapped to %zu "
                 "ASNs with %zu peers being unmapped",
                 out->n_addresses, out->n_systems, out->n_unmapped);
    return PTD_OK;
}
