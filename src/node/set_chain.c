/* Values about the chain: rules of regtest, what is taken for granted, what is
 * kept. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

/* ---- rules of regtest -------------------------------------------------------- */

static bool is_one_of(const char *text, size_t n, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strlen(*names) == n && memcmp(*names, text, n) == 0)
            return true;
    return false;
}

static enum ptd_err check_activation(struct setter *s, const char *text)
{
    static const char *const names[] = { "segwit", "bip34", "dersig",
                                         "cltv",   "csv",   NULL };
    const char *at = strchr(text, '@');
    int64_t height;

    if (at == NULL)
        return ptd_complain(s->why,
                            "Invalid format (%.500s) for "
                            "-testactivationheight=name@height.",
                            text);
    if (!ptd_number_parse(at + 1, 0, INT32_MAX - 1, &height))
        return ptd_complain(s->why,
                            "Invalid height value (%.500s) for "
                            "-testactivationheight=name@height.",
                            text);
    if (!is_one_of(text, (size_t)(at - text), names))
        return ptd_complain(s->why,
                            "Invalid name (%.500s) for "
                            "-testactivationheight=name@height.",
                            text);
    return PTD_OK;
}

/* Split at colons, in place. Gives how many parts, at most cap + 1. */
static size_t split(char *text, char **part, size_t cap)
{
    size_t n = 0;

    for (char *one; (one = strsep(&text, ":")) != NULL;) {
        if (n == cap)
            return cap + 1;
        part[n++] = one;
    }
    return n;
}

static enum ptd_err check_deployment(struct setter *s, const char *text)
{
    static const char *const names[] = { "testdummy", "taproot", NULL };
    static const char *const what[] = { "", "nStartTime", "nTimeout",
                                        "min_activation_height" };
    char copy[256], *part[4];
    int64_t v;
    size_t n = 0;

    if (strlen(text) < sizeof copy) {
        snprintf(copy, sizeof copy, "%s", text);
        n = split(copy, part, PTD_COUNT(part));
    }
    if (n < 3 || n > 4)
        return ptd_complain(s->why,
                            "Version bits parameters malformed, expecting "
                            "deployment:start:end[:min_activation_height]");
    for (size_t i = 1; i < n; i++)
        if (!ptd_number_parse(part[i], INT64_MIN, INT64_MAX, &v))
            return ptd_complain(s->why, "Invalid %s (%s)", what[i], part[i]);
    if (!is_one_of(part[0], strlen(part[0]), names))
        return ptd_complain(s->why, "Invalid deployment (%s)", part[0]);
    ptd_log_info("Setting version bits activation parameters for %s to "
                 "start=%s, timeout=%s, min_activation_height=%s",
                 part[0], part[1], part[2], n == 4 ? part[3] : "0");
    return PTD_OK;
}

enum ptd_err set_network_rules(struct setter *s)
{
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    if ((e = set_texts(s, &cfg->activation_height, "testactivationheight")) !=
            PTD_OK ||
        (e = set_texts(s, &cfg->vb_params, "vbparams")) != PTD_OK)
        return e;
    for (size_t i = 0; i < cfg->activation_height.n && e == PTD_OK; i++)
        e = check_activation(s, cfg->activation_height.v[i]);
    for (size_t i = 0; i < cfg->vb_params.n && e == PTD_OK; i++)
        e = check_deployment(s, cfg->vb_params.v[i]);
    return e;
}

static enum ptd_err set_test_options(struct setter *s)
{
    static const char *const names[] = {
        "addrman", "reindex_after_failure_noninteractive_yes", "bip94", NULL
    };
    struct ptd_texts *options = &s->cfg->test_options;
    enum ptd_err e = set_texts(s, options, "test");

    if (e == PTD_OK && options->n > 0 &&
        s->cfg->params->chain != PTD_CHAIN_REGTEST)
        return ptd_complain(s->why,
                            "-test=<option> can only be used with regtest");
    for (size_t i = 0; i < options->n && e == PTD_OK; i++)
        if (!is_one_of(options->v[i], strlen(options->v[i]), names))
            e = set_warn(s,
                         "Unrecognised option \"%.1000s\" provided in "
                         "-test=<option>.",
                         options->v[i]);
    return e;
}

/* ---- what is taken for granted ------------------------------------------------- */

/* Up to 64 digits in display order, with or without 0x; zeros before them. */
static bool parse_user_hash(struct ptd_hash *out, const char *text)
{
    char digits[65];
    size_t n;

    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    n = strlen(text);
    if (n > 64)
        return false;
    memset(digits, '0', 64 - n);
    memcpy(digits + 64 - n, text, n + 1);
    return ptd_hex_decode_reversed(out->b, sizeof out->b, digits);
}

static enum ptd_err set_granted(struct setter *s)
{
    const char *work = ptd_args_text(s->args, "minimumchainwork", NULL);
    const char *valid = ptd_args_text(s->args, "assumevalid", NULL);
    struct ptd_node_config *cfg = s->cfg;

    if (work != NULL && !parse_user_hash(&cfg->min_chain_work, work))
        return ptd_complain(s->why,
                            "Invalid minimum work specified (%.1000s), must be "
                            "up to 64 hex digits",
                            work);
    cfg->has_min_chain_work = work != NULL;
    if (valid != NULL && !parse_user_hash(&cfg->assume_valid, valid))
        return ptd_complain(s->why,
                            "Invalid assumevalid block hash specified "
                            "(%.1000s), must be up to 64 hex digits (or 0 to "
                            "disable)",
                            valid);
    cfg->has_assume_valid = valid != NULL;
    return PTD_OK;
}

/* ---- what is kept ---------------------------------------------------------------- */

static enum ptd_err set_filters(struct setter *s)
{
    const char *first = ptd_args_text(s->args, "blockfilterindex", "0");
    struct ptd_args_walk w = ptd_args_each(s->args, "blockfilterindex");
    struct ptd_node_config *cfg = s->cfg;
    bool all = *first == '\0' || strcmp(first, "1") == 0;
    const char *name;

    cfg->block_filter_index = all;
    if (!all && strcmp(first, "0") != 0)
        while ((name = ptd_args_next(&w)) != NULL) {
            if (strcmp(name, "basic") != 0)
                return ptd_complain(
                    s->why, "Unknown -blockfilterindex value %.1000s.", name);
            cfg->block_filter_index = true;
        }
    cfg->peer_block_filters = ptd_args_bool(s->args, "peerblockfilters", false);
    if (cfg->peer_block_filters && !cfg->block_filter_index)
        return ptd_complain(
            s->why, "Cannot set -peerblockfilters without -blockfilterindex.");
    return PTD_OK;
}

static enum ptd_err check_prune(struct setter *s)
{
    const struct ptd_args *a = s->args;

    if (ptd_args_bool(a, "txindex", false))
        return ptd_complain(s->why,
                            "Prune mode is incompatible with -txindex.");
    if (ptd_args_bool(a, "txospenderindex", false))
        return ptd_complain(
            s->why, "Prune mode is incompatible with -txospenderindex.");
    if (ptd_args_bool(a, "reindex-chainstate", false))
        return ptd_complain(s->why, "Prune mode is incompatible with "
                                    "-reindex-chainstate. Use full -reindex "
                                    "instead.");
    return PTD_OK;
}

static enum ptd_err set_prune(struct setter *s)
{
    int64_t mib = ptd_args_int(s->args, "prune", 0);
    enum ptd_err e = mib != 0 ? check_prune(s) : PTD_OK;

    if (e != PTD_OK)
        return e;
    if (mib < 0)
        return ptd_complain(s->why,
                            "Prune cannot be configured with a negative "
                            "value.");
    if (mib > 1 && mib < 550)
        return ptd_complain(s->why,
                            "Prune configured below the minimum of 550 MiB.  "
                            "Please use a higher number.");
    s->cfg->prune_bytes =
        mib == 1 ? UINT64_MAX : (uint64_t)PTD_MIN(mib, INT64_MAX >> 20) << 20;
    return PTD_OK;
}

static enum ptd_err set_stores(struct setter *s)
{
    const struct ptd_args *a = s->args;
    struct ptd_node_config *cfg = s->cfg;

    cfg->fast_prune = ptd_args_bool(a, "fastprune", false);
    cfg->blocks_xor = ptd_args_bool(a, "blocksxor", true);
    cfg->reindex = ptd_args_bool(a, "reindex", false);
    cfg->reindex_chainstate = ptd_args_bool(a, "reindex-chainstate", false);
    cfg->stop_after_import = ptd_args_bool(a, "stopafterblockimport", false);
    cfg->stop_at_height = ptd_args_int(a, "stopatheight", 0);
    cfg->check_blocks = ptd_args_int(a, "checkblocks", 6);
    cfg->check_level = ptd_args_int(a, "checklevel", 3);
    cfg->max_tip_age_s = ptd_args_int(a, "maxtipage", 24 * 3600);
    cfg->par = ptd_args_int(a, "par", 0);
    if (ptd_args_is_set(a, "checkblockindex"))
        cfg->check_block_index =
            *ptd_args_text(a, "checkblockindex", "") == '\0'
                ? 1
                : ptd_args_int(a, "checkblockindex", 0);
    return set_texts(s, &cfg->load_block, "loadblock");
}

/* Of what Pentad has not, but Core refuses. */
static enum ptd_err check_policy(struct setter *s)
{
    const struct ptd_params *params = s->cfg->params;

    if (ptd_args_bool(s->args, "acceptnonstdtxn", false) &&
        params->chain == PTD_CHAIN_MAIN)
        return ptd_complain(s->why,
                            "acceptnonstdtxn is not currently supported for %s "
                            "chain",
                            params->name);
    if (ptd_args_bool(s->args, "acceptstalefeeestimates", false) &&
        params->chain != PTD_CHAIN_REGTEST)
        return ptd_complain(s->why,
                            "acceptstalefeeestimates is not supported on %s "
                            "chain.",
                            params->name);
    return PTD_OK;
}

enum ptd_err set_chain(struct setter *s)
{
    enum ptd_err e;

    if (s->cfg->params->chain == PTD_CHAIN_TEST)
        ptd_log_info("Warning: Support for testnet3 is deprecated and will be "
                     "removed in an upcoming release. Consider switching to "
                     "testnet4.");
    if ((e = set_filters(s)) != PTD_OK || (e = set_test_options(s)) != PTD_OK ||
        (e = set_granted(s)) != PTD_OK || (e = set_prune(s)) != PTD_OK ||
        (e = set_stores(s)) != PTD_OK)
        return e;
    return check_policy(s);
}
