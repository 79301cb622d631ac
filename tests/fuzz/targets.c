#include <config.h>

#include "base/util.h"
#include "target.h"

const struct fuzz_target *const fuzz_targets[] = {
    &fuzz_peersfile, &fuzz_anchors,    &fuzz_asmap,     &fuzz_banlist,
    &fuzz_portmap,   &fuzz_subnet,     &fuzz_conf,      &fuzz_settings,
    &fuzz_rpc,       &fuzz_rpcauth,    &fuzz_blockfile, &fuzz_journal,
    &fuzz_chainload, &fuzz_headertree, &fuzz_address,   &fuzz_partial,
};
const size_t fuzz_n_targets = PTD_COUNT(fuzz_targets);
