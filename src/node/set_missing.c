/* Options of Bitcoin Core that are read, and that do nothing yet: whoever sets
 * one is told, not left to believe it. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

static const char *const missing[] = {
    "blockfilterindex", "listenonion",    "peerblockfilters",
    "privatebroadcast", "rest",           "v2transport",
#ifndef HAVE_ZMQ
    "zmqpubhashblock",  "zmqpubhashtx",   "zmqpubrawblock",
    "zmqpubrawtx",      "zmqpubsequence",
#endif
};

static bool is_given(const struct setter *s, const char *option)
{
    const char *value = ptd_args_text(s->args, option, NULL);

    return value != NULL && !ptd_args_is_negated(s->args, option) &&
           strcmp(value, "0") != 0;
}

enum ptd_err set_missing(struct setter *s)
{
    enum ptd_err e = PTD_OK;

    for (size_t i = 0; i < PTD_COUNT(missing) && e == PTD_OK; i++)
        if (is_given(s, missing[i]))
            e = set_warn(s, "-%s has no effect in this version.", missing[i]);
    /* It is shown as a proxy all the same: for the log alone. */
    if (is_given(s, "i2psam"))
        ptd_log_warn("-i2psam is not used yet: no connection goes over I2P.");
    return e;
}
