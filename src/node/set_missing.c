/* Options of Bitcoin Core that are read, and that do nothing yet: whoever sets
 * one is told, not left to believe it. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "node/settings_int.h"

static const char *const missing[] = {
    "blockfilterindex", "i2psam",       "listenonion",    "peerblockfilters",
    "privatebroadcast", "rest",         "v2transport",
#ifndef HAVE_ZMQ
    "zmqpubhashblock",  "zmqpubhashtx", "zmqpubrawblock", "zmqpubrawtx",
    "zmqpubsequence",
#endif
};

enum ptd_err set_missing(struct setter *s)
{
    enum ptd_err e = PTD_OK;

    for (size_t i = 0; i < PTD_COUNT(missing) && e == PTD_OK; i++) {
        const char *value = ptd_args_text(s->args, missing[i], NULL);

        if (value != NULL && !ptd_args_is_negated(s->args, missing[i]) &&
            strcmp(value, "0") != 0)
            e = set_warn(s, "-%s has no effect in this version.", missing[i]);
    }
    return e;
}
