/* -maxuploadtarget: how much is sent in a day. Source: Bitcoin Core */
#include <config.h>

#include "netsync/netsync_int.h"

enum { CYCLE_S = 24 * 60 * 60, BLOCK_S = 600, MAX_BLOCK_BYTES = 4000000 };

static int64_t left_s_locked(struct ptd_netsync *ns) PTD_REQUIRES(ns->mu);
static int64_t left_s_locked(struct ptd_netsync *ns)
{
    int64_t left = ns->upload.begin_s + CYCLE_S - ptd_clock_wall_s(ns->clk);

    return PTD_MAX(left, 0);
}

void ptd_netsync_sent(struct ptd_netsync *ns, uint64_t n_bytes)
{
    if (ns->cfg.max_upload_bytes == 0)
        return;
    ptd_mutex_lock(&ns->mu);
    if (left_s_locked(ns) == 0) {
        ns->upload.begin_s = ptd_clock_wall_s(ns->clk);
        ns->upload.sent = 0;
    }
    ns->upload.sent += n_bytes;
    ptd_mutex_unlock(&ns->mu);
}

/* New blocks go out in any case: of what is left, each of the day's is set
 * aside for them. */
static bool is_reached_locked(struct ptd_netsync *ns, bool historical)
    PTD_REQUIRES(ns->mu);
static bool is_reached_locked(struct ptd_netsync *ns, bool historical)
{
    uint64_t max = ns->cfg.max_upload_bytes, aside;

    if (max == 0)
        return false;
    if (!historical)
        return ns->upload.sent >= max;
    aside = (uint64_t)left_s_locked(ns) / BLOCK_S * MAX_BLOCK_BYTES;
    return aside >= max || ns->upload.sent >= max - aside;
}

bool upload_is_reached(struct ptd_netsync *ns, bool historical)
{
    bool reached;

    ptd_mutex_lock(&ns->mu);
    reached = is_reached_locked(ns, historical);
    ptd_mutex_unlock(&ns->mu);
    return reached;
}

void ptd_netsync_upload(struct ptd_netsync *ns, struct ptd_upload_info *out)
{
    uint64_t max = ns->cfg.max_upload_bytes;

    *out =
        (struct ptd_upload_info){ .target_bytes = max, .serves_history = true };
    if (max == 0)
        return;
    ptd_mutex_lock(&ns->mu);
    out->left_bytes = ns->upload.sent < max ? max - ns->upload.sent : 0;
    out->left_s = left_s_locked(ns);
    out->reached = is_reached_locked(ns, false);
    out->serves_history = !is_reached_locked(ns, true);
    ptd_mutex_unlock(&ns->mu);
}
