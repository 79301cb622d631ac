#include <config.h>

#include "wire/codec.h"

/* clang-format off */
static const struct ptd_codec_entry entries[] = {
#define X(name, cmd, suffix)                                                   \
    [PTD_MSG_##name] = { cmd, &ptd_codec_##suffix,                             \
                         sizeof(struct ptd_msg_##suffix) },
    PTD_MSG_TYPES(X)
#undef X
};
/* clang-format on */

/* sendaddrv2, addrv2 and sendtxrcncl are not held against a version: who sends
 * them says by that that he knows them. Source: the BIPs named in wire.h */
static const uint32_t first_pver[PTD_MSG_N_TYPES] = {
    [PTD_MSG_PONG] = PTD_PVER_BIP31 + 1,
    [PTD_MSG_MEMPOOL] = PTD_PVER_BIP35,
    [PTD_MSG_FILTERADD] = PTD_PVER_BIP37,
    [PTD_MSG_FILTERCLEAR] = PTD_PVER_BIP37,
    [PTD_MSG_FILTERLOAD] = PTD_PVER_BIP37,
    [PTD_MSG_MERKLEBLOCK] = PTD_PVER_BIP37,
    [PTD_MSG_REJECT] = PTD_PVER_REJECT,
    [PTD_MSG_SENDHEADERS] = PTD_PVER_SENDHEADERS,
    [PTD_MSG_FEEFILTER] = PTD_PVER_FEEFILTER,
    [PTD_MSG_SENDCMPCT] = PTD_PVER_SENDCMPCT,
    [PTD_MSG_CMPCTBLOCK] = PTD_PVER_SENDCMPCT,
    [PTD_MSG_GETBLOCKTXN] = PTD_PVER_SENDCMPCT,
    [PTD_MSG_BLOCKTXN] = PTD_PVER_SENDCMPCT,
    [PTD_MSG_WTXIDRELAY] = PTD_PVER_WTXIDRELAY,
    [PTD_MSG_FEATURE] = PTD_PVER_FEATURE,
};

const struct ptd_codec_entry *ptd_codec_entry(enum ptd_msg_type type)
{
    return (unsigned)type < PTD_MSG_N_TYPES ? &entries[type] : NULL;
}

uint32_t ptd_codec_first_pver(enum ptd_msg_type type)
{
    return (unsigned)type < PTD_MSG_N_TYPES ? first_pver[type] : 0;
}

const char *ptd_msg_type_command(enum ptd_msg_type type)
{
    return (unsigned)type < PTD_MSG_N_TYPES ? entries[type].command : "*other*";
}
