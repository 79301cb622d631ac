/* What a human should look at: warnings in RPC answers, told to -alertnotify
 * once each. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "node/node_int.h"
#include "node/notify.h"
#include "pentad/log.h"
#include "rpc/json.h"

PTD_LOG_TAG(NODE);

enum { HEAVIER_BY = 6 }; /* blocks, until an invalid branch is worth a word */

#define CLOCK_TEXT                                                             \
    "Your computer's date and time appear to be more than 10 minutes out of "  \
    "sync with the network, this may lead to consensus failure. After you've " \
    "confirmed your computer's clock, this message should no longer appear "   \
    "when you restart your node. Without a restart, it should stop showing "   \
    "automatically after you've connected to a sufficient number of new "      \
    "outbound peers, which may take some time. You can inspect the "           \
    "`timeoffset` field of the `getpeerinfo` and `getnetworkinfo` RPC "        \
    "methods to get more info."

#define INVALID_TEXT                                                           \
    "Warning: Found invalid chain more than 6 blocks longer than our best "    \
    "chain. This could be due to database corruption or consensus "            \
    "incompatibility with peers."

enum { RULES_TEXT = 64 };

static void rules_text(char out[RULES_TEXT], unsigned bit)
{
    snprintf(out, RULES_TEXT, "Unknown new rules activated (versionbit %u)",
             bit);
}

static void alert(struct ptd_node *n, const char *text)
{
    ptd_log_warn("%s", text);
    ptd_notify_alert(n->cfg->notifier, n->cfg->alert_notify, text);
}

/* ---- a branch with more work, that we hold for invalid ---------------- */

static void add_proof(struct ptd_u256 *work, uint32_t bits)
{
    struct ptd_u256 target, proof;

    if (!ptd_u256_from_compact(&target, bits))
        return;
    proof = ptd_u256_work(&target);
    for (int i = 0; i < HEAVIER_BY; i++)
        (void)ptd_u256_add(work, &proof);
}

static bool is_heavier(struct ptd_node *n, const struct ptd_chain_tip *tip,
                       const struct ptd_u256 *limit)
{
    struct ptd_header_info info;

    return tip->status == PTD_TIP_INVALID &&
           ptd_headers_find(n->headers, &info, &tip->hash) &&
           ptd_u256_cmp(&info.work, limit) > 0;
}

static bool has_heavier_invalid(struct ptd_node *n)
{
    struct ptd_chain_tip *tips;
    struct ptd_block_info best;
    struct ptd_u256 limit;
    bool found = false;
    size_t n_tips;

    ptd_blockchain_tip(n->chain, &best);
    limit = best.header.work;
    add_proof(&limit, best.header.bits);
    if (ptd_blockchain_tips(n->chain, &tips, &n_tips) != PTD_OK)
        return false;
    for (size_t i = 0; i < n_tips && !found; i++)
        found = is_heavier(n, &tips[i], &limit);
    ptd_free(tips);
    return found;
}

void ptd_node_check_branches(struct ptd_node *n)
{
    bool is, was;

    if (ptd_blockchain_is_initial_download(n->chain))
        return;
    is = has_heavier_invalid(n);
    ptd_mutex_lock(&n->mu);
    was = n->heavier_invalid;
    n->heavier_invalid = is;
    ptd_mutex_unlock(&n->mu);
    if (is && !was)
        alert(n, INVALID_TEXT);
}

/* ---- rules that we do not know (BIP 9) -------------------------------- */

/* Periods count from genesis. In the first nobody is heard yet; what enough
 * blocks of another signal is locked in during the next, and holds from the
 * one behind that. */
static uint32_t period_of(const struct ptd_params *params)
{
    return params->pow_timespan_s / params->pow_spacing_s;
}

static uint32_t threshold_of(const struct ptd_params *params)
{
    return params->chain == PTD_CHAIN_MAIN ? 1815 : period_of(params) * 3 / 4;
}

/* Bits that mean nothing new: regtest's miners try one out. */
static uint32_t known_bits(const struct ptd_params *params)
{
    return params->chain == PTD_CHAIN_REGTEST ? UINT32_C(1) << 28 : 0;
}

/* The bits that a block signals; none, unless its version says that they are
 * bits. */
static uint32_t bits_of(const struct ptd_header_info *h)
{
    uint32_t version = ptd_get_le32(h->raw);

    return version >> ALERT_BITS == 1 ? version & ~(UINT32_C(1) << ALERT_BITS)
                                      : 0;
}

/* The bits that are signalled often enough in a period. False: it is not all
 * there. */
static bool count_period(struct ptd_node *n, uint32_t period, uint32_t *chosen)
{
    const uint32_t size = period_of(&n->params);
    uint32_t count[ALERT_BITS] = { 0 };
    struct ptd_block_info b;

    for (uint32_t i = 0; i < size; i++) {
        if (!ptd_blockchain_at(n->chain, &b, period * size + i))
            return false;
        for (uint32_t bits = bits_of(&b.header); bits != 0; bits &= bits - 1)
            count[__builtin_ctz(bits)]++;
    }
    *chosen = 0;
    for (unsigned bit = 0; bit < ALERT_BITS; bit++)
        if (count[bit] >= threshold_of(&n->params))
            *chosen |= UINT32_C(1) << bit;
    *chosen &= ~known_bits(&n->params);
    return true;
}

/* Forget periods that a reorganisation took blocks of. */
static void rewind_periods(struct ptd_node *n, uint32_t fork_height)
{
    struct unknown_rules *u = &n->unknown_rules;
    uint32_t first = (fork_height + 1) / period_of(&n->params);

    if (first >= u->n_counted)
        return;
    u->n_counted = first;
    for (unsigned bit = 0; bit < ALERT_BITS; bit++)
        if (u->chosen_in[bit] >= first)
            u->chosen_in[bit] = 0;
}

/* Count the periods that are full by now, each once. */
static void count_periods(struct ptd_node *n, uint32_t next_height)
{
    struct unknown_rules *u = &n->unknown_rules;
    const uint32_t size = period_of(&n->params);
    uint32_t chosen;

    u->n_counted = PTD_MAX(u->n_counted,
                           PTD_MAX(n->params.rules_height / size, UINT32_C(1)));
    for (; u->n_counted < next_height / size; u->n_counted++) {
        if (!count_period(n, u->n_counted, &chosen))
            return;
        for (; chosen != 0; chosen &= chosen - 1) {
            unsigned bit = (unsigned)__builtin_ctz(chosen);

            if (u->chosen_in[bit] == 0)
                u->chosen_in[bit] = u->n_counted;
        }
    }
}

static void check_rules(struct ptd_node *n, const struct ptd_tip_change *t)
{
    const uint32_t period = (t->new_height + 1) / period_of(&n->params);
    uint32_t active = 0, news;
    char text[RULES_TEXT];

    rewind_periods(n, t->fork_height);
    count_periods(n, t->new_height + 1);
    for (unsigned bit = 0; bit < ALERT_BITS; bit++) {
        uint32_t chosen_in = n->unknown_rules.chosen_in[bit];

        if (chosen_in == 0 || period <= chosen_in)
            continue;
        if (period >= chosen_in + 2)
            active |= UINT32_C(1) << bit;
        else
            ptd_log_info("New rules are locked in that this version does not "
                         "know (versionbit %u)",
                         bit);
    }
    ptd_mutex_lock(&n->mu);
    news = active & ~n->new_rules;
    n->new_rules = active;
    ptd_mutex_unlock(&n->mu);
    for (; news != 0; news &= news - 1) {
        rules_text(text, (unsigned)__builtin_ctz(news));
        alert(n, text);
    }
}

/* ---- all of them ------------------------------------------------------ */

void node_alerts_tip(struct ptd_node *n, const struct ptd_tip_change *t)
{
    if (t->initial_download)
        return;
    check_rules(n, t);
    ptd_node_check_branches(n);
}

static void add_line(struct ptd_text *t, const char *line)
{
    if (t->n > 0)
        ptd_text_puts(t, "\n");
    ptd_text_puts(t, line);
}

char *ptd_node_warnings(struct ptd_node *n)
{
    struct ptd_text t = { 0 };
    bool clock_is_off, heavier;
    char text[RULES_TEXT];
    uint32_t bits;

    ptd_mutex_lock(&n->mu);
    clock_is_off = n->clock_is_off;
    heavier = n->heavier_invalid;
    bits = n->new_rules;
    ptd_mutex_unlock(&n->mu);
    if (clock_is_off)
        add_line(&t, CLOCK_TEXT);
    if (heavier)
        add_line(&t, INVALID_TEXT);
    for (; bits != 0; bits &= bits - 1) {
        rules_text(text, (unsigned)__builtin_ctz(bits));
        add_line(&t, text);
    }
    return t.n > 0 ? ptd_text_take(&t) : NULL;
}
