/* Options of Bitcoin Core that are read, and that do nothing yet: whoever sets
 * one is told, not left to believe it. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

static const char *const missing[] = {
    "blockfilterindex", "peerblockfilters", "rest",
#ifndef HAVE_ZMQ
    "zmqpubhashblock",  "zmqpubhashtx",     "zmqpubrawblock",
    "zmqpubrawtx",      "zmqpubsequence",
#endif
};

/* Without them less is connected, and nothing is lost (with privatebroadcast
 * nothing is sent): for the log alone. */
static const char *const unused[] = { "i2psam", "listenonion",
                                      "privatebroadcast", "v2transport" };

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
    for (size_t i = 0; i < PTD_COUNT(unused); i++)
        if (is_given(s, unused[i]))
            ptd_log_warn("-%s has no effect in this version.", unused[i]);
    return e;
}
