#include <config.h>

#include "base/bytes.h"
#include "base/util.h"
#include "pentad/msg.h"

/* Commands, padded with zeros, in the order of their bytes: two comparisons of
 * whole words decide a step of the search. A test holds the table against
 * PTD_MSG_TYPES. */
static const struct {
    char command[16];
    enum ptd_msg_type type;
} sorted[] = {
    { "addr", PTD_MSG_ADDR },
    { "addrv2", PTD_MSG_ADDRV2 },
    { "alert", PTD_MSG_ALERT },
    { "block", PTD_MSG_BLOCK },
    { "blocktxn", PTD_MSG_BLOCKTXN },
    { "cfcheckpt", PTD_MSG_CFCHECKPT },
    { "cfheaders", PTD_MSG_CFHEADERS },
    { "cfilter", PTD_MSG_CFILTER },
    { "cmpctblock", PTD_MSG_CMPCTBLOCK },
    { "feature", PTD_MSG_FEATURE },
    { "feefilter", PTD_MSG_FEEFILTER },
    { "filteradd", PTD_MSG_FILTERADD },
    { "filterclear", PTD_MSG_FILTERCLEAR },
    { "filterload", PTD_MSG_FILTERLOAD },
    { "getaddr", PTD_MSG_GETADDR },
    { "getblocks", PTD_MSG_GETBLOCKS },
    { "getblocktxn", PTD_MSG_GETBLOCKTXN },
    { "getcfcheckpt", PTD_MSG_GETCFCHECKPT },
    { "getcfheaders", PTD_MSG_GETCFHEADERS },
    { "getcfilters", PTD_MSG_GETCFILTERS },
    { "getdata", PTD_MSG_GETDATA },
    { "getheaders", PTD_MSG_GETHEADERS },
    { "headers", PTD_MSG_HEADERS },
    { "inv", PTD_MSG_INV },
    { "mempool", PTD_MSG_MEMPOOL },
    { "merkleblock", PTD_MSG_MERKLEBLOCK },
    { "notfound", PTD_MSG_NOTFOUND },
    { "ping", PTD_MSG_PING },
    { "pong", PTD_MSG_PONG },
    { "reject", PTD_MSG_REJECT },
    { "sendaddrv2", PTD_MSG_SENDADDRV2 },
    { "sendcmpct", PTD_MSG_SENDCMPCT },
    { "sendheaders", PTD_MSG_SENDHEADERS },
    { "sendtxrcncl", PTD_MSG_SENDTXRCNCL },
    { "tx", PTD_MSG_TX },
    { "verack", PTD_MSG_VERACK },
    { "version", PTD_MSG_VERSION },
    { "wtxidrelay", PTD_MSG_WTXIDRELAY },
};

_Static_assert(PTD_COUNT(sorted) == PTD_MSG_N_TYPES, "a line for each type");

/* Eight bytes as a number that sorts as they do. */
static uint64_t word(const char *p)
{
    return (uint64_t)ptd_get_be32(p) << 32 | ptd_get_be32(p + 4);
}

enum ptd_msg_type ptd_msg_type_of(const char *command, size_t n)
{
    char padded[16] = { 0 };
    size_t low = 0, high = PTD_COUNT(sorted);
    uint64_t first, second;

    if (n == 0 || n > PTD_COMMAND_BYTES)
        return PTD_MSG_UNKNOWN;
    memcpy(padded, command, n);
    first = word(padded);
    second = word(padded + 8);
    while (low < high) {
        size_t mid = (low + high) / 2;
        uint64_t a = word(sorted[mid].command);
        uint64_t b = word(sorted[mid].command + 8);

        if (first == a && second == b)
            return sorted[mid].type;
        if (first < a || (first == a && second < b))
            high = mid;
        else
            low = mid + 1;
    }
    return PTD_MSG_UNKNOWN;
}
