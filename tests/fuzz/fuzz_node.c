/* What a node is told in files: bitcoin.conf and settings.json, up to its
 * configuration. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "node/args.h"
#include "node/options.h"
#include "node/settings.h"
#include "target.h"

static const char *const networks[] = { "main", "test", "testnet4", "signet",
                                        "regtest" };

/* Whatever is set, every kind of look-up has an answer. */
static void look_up(const struct ptd_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct ptd_option *option = a->v[i].option;
        struct ptd_args_walk w = ptd_args_each(a, option->name);

        (void)ptd_args_text(a, option->name, NULL);
        (void)ptd_args_int(a, option->name, 1);
        (void)ptd_args_bool(a, option->name, false);
        (void)ptd_args_chooses(a, option->name);
        (void)ptd_args_is_misplaced(a, option);
        while (ptd_args_next(&w) != NULL)
            ;
    }
}

/* No name is looked up: this must not leave the machine. */
static void configure(struct ptd_args *a)
{
    struct ptd_node_config cfg;
    struct ptd_texts warnings = { 0 };
    struct ptd_complaint why = { .text = "" };
    enum ptd_err e;

    PTD_ASSERT(ptd_args_add(a, ptd_option_of("dns"), PTD_ARG_FORCED, "",
                            PTD_ARG_TEXT, "0") == PTD_OK);
    ptd_node_config_init(&cfg, ptd_params_by_name(a->network));
    PTD_ASSERT((cfg.netdir = strdup("/nowhere")) != NULL);
    PTD_ASSERT((cfg.datadir = strdup("/nowhere")) != NULL);
    e = ptd_node_config_read(&cfg, a, &warnings, &why);
    PTD_ASSERT(e == PTD_OK || (e == PTD_EINVAL && why.text[0] != '\0'));
    PTD_ASSERT(strlen(why.text) < sizeof why.text);
    ptd_texts_fini(&warnings);
    ptd_node_config_fini(&cfg);
}

/* The first byte chooses the network. */
static void run(const uint8_t *data, size_t size,
                enum ptd_err (*read)(struct ptd_args *a, const char *file,
                                     const char *text, size_t n,
                                     struct ptd_complaint *why))
{
    struct ptd_complaint why = { .text = "" };
    struct ptd_args a;
    enum ptd_err e;

    if (size == 0)
        return;
    ptd_args_init(&a);
    a.network = networks[data[0] % PTD_COUNT(networks)];
    e = read(&a, "a file", (const char *)data + 1, size - 1, &why);
    PTD_ASSERT(e == PTD_OK || (e == PTD_EINVAL && why.text[0] != '\0'));
    PTD_ASSERT(strlen(why.text) < sizeof why.text);
    ptd_args_log(&a);
    look_up(&a);
    if (e == PTD_OK)
        configure(&a);
    ptd_args_fini(&a);
}

/* ---- bitcoin.conf ---------------------------------------------------- */

static void run_conf(const uint8_t *data, size_t size)
{
    run(data, size, ptd_args_read_conf);
}

static void seeds_conf(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "0# nothing\n",
        "4regtest=1\n[regtest]\nrpcport=18443\nnoconnect=1\n",
        "4rpcuser=a\nrpcpassword=b\nrpcauth=u:s$h\nrpcallowip=10.0.0.0/8\n"
        "rpcbind=127.0.0.1:1\nrpcwhitelist=u:help,stop\n",
        "0main.addnode=1.2.3.4\nconnect=0\nproxy=127.0.0.1:9050\n"
        "onion=unix:/x\nonlynet=onion\n",
        "3whitelist=noban@::/0\nwhitebind=all@[::1]:1\nbind=0.0.0.0=onion\n"
        "externalip=8.8.8.8\nmaxconnections=9\nmaxuploadtarget=1M\n",
        "2prune=550\nassumevalid=0\nminimumchainwork=1f\nblockfilterindex=1\n"
        "debug=net\nloglevel=net:trace\nuacomment=x\n",
        "4testactivationheight=segwit@9\nvbparams=testdummy:0:999\n"
        "zmqpubhashblock=tcp://127.0.0.1:1\nzmqpubhashblockhwm=3\n",
        "1[none]\nx.y=1\nnolisten\n",
    };

    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_conf = { "conf", run_conf, seeds_conf };

/* ---- settings.json --------------------------------------------------- */

static void run_settings(const uint8_t *data, size_t size)
{
    run(data, size, ptd_args_read_settings);
}

static void seeds_settings(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "0{}",
        "4{\"_warning_\": \"\", \"connect\": [\"1.2.3.4\", false, null]}",
        "4{\"listen\": true, \"maxconnections\": 8, \"x\": {\"y\": 1.5}}",
        "0{\"prune\": 1e3, \"onlynet\": [], \"proxy\": \"127.0.0.1\"}",
        "0[1, {\"a\": 1, \"a\": 2}]",
    };

    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_settings = { "settings", run_settings,
                                           seeds_settings };
