/* log_int.h - the log from inside; for this room alone. */
#ifndef PTD_LOG_LOG_INT_H
#define PTD_LOG_LOG_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/log.h"

struct ptd_clock;

/* A line that the log itself has to say, as a sink gets it. */
#define PTD_LOG_OWN_LINE(text_, like)                                          \
    {                                                                          \
        .site = &(const struct ptd_log_site){ PTD_LOG_NODE, PTD_LOG_WARN,      \
                                              __LINE__, __FILE__, __func__ },  \
        .wall_us = (like)->wall_us, .thread = (like)->thread, .text = (text_), \
        .mock_us = (like)->mock_us,                                            \
    }

/* Sources are shown as the rooms name them, "peer/in.c". */
const char *ptd_log_short_path(const char *file) PTD_NONNULL(1);

/* Call with the sinks locked: nobody logs meanwhile. */
void ptd_log_hold(void (*fn)(void *), void *arg) PTD_NONNULL(1);

/* The clock that rate limits go by, in microseconds. */
int64_t ptd_log_now_us(void);

/* ---- early.c ------------------------------------------------------------- */

/* Remove the sink; then hand its lines to another one, oldest first. */
void ptd_log_early_stop(struct ptd_log_early *early) PTD_NONNULL(1);
void ptd_log_early_replay(struct ptd_log_early *early, ptd_log_sink_fn *fn,
                          void *arg) PTD_NONNULL(1, 2);
/* … or take it up again. */
PTD_MUST_USE enum ptd_err ptd_log_early_resume(struct ptd_log_early *early)
    PTD_NONNULL(1);

/* ---- volume.c: how much each call site has written ------------------------ */

/* All under the log's lock. */
struct ptd_log_volume;

enum ptd_log_verdict {
    PTD_LOG_PASS, /* write it */
    PTD_LOG_LAST, /* write it, after saying that no more will come */
    PTD_LOG_HOLD  /* do not write it */
};

PTD_MUST_USE struct ptd_log_volume *ptd_log_volume_new(int64_t now_us);
void ptd_log_volume_free(struct ptd_log_volume *v PTD_TAKES);

/* Count n bytes of a site. */
enum ptd_log_verdict ptd_log_volume_take(struct ptd_log_volume *v,
                                         const struct ptd_log_site *site,
                                         size_t n) PTD_NONNULL(1, 2);

/* Whether any site is held back. */
bool ptd_log_volume_is_holding(const struct ptd_log_volume *v) PTD_NONNULL(1);

/* Once the window is over: begin another, and call back for each site of which
 * bytes were held back. */
void ptd_log_volume_turn(struct ptd_log_volume *v, int64_t now_us,
                         void (*tell)(const struct ptd_log_site *site,
                                      uint64_t n_bytes, void *arg),
                         void *arg) PTD_NONNULL(1, 3);

#endif /* PTD_LOG_LOG_INT_H */
