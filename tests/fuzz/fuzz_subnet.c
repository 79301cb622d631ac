/* Ranges of addresses as text, of both readers. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/subnet.h"
#include "node/permit.h"
#include "rpc/allow.h"
#include "target.h"

static void parse_and_format(const char *text)
{
    struct ptd_subnet s, again;
    char out[PTD_SUBNET_TEXT];

    if (ptd_subnet_parse(&s, text) != PTD_OK)
        return;
    PTD_ASSERT(!ptd_netaddr_is_valid(&s.base) || ptd_subnet_has(&s, &s.base));
    (void)ptd_subnet_format(&s, out, sizeof out);
    PTD_ASSERT(ptd_subnet_parse(&again, out) == PTD_OK);
    PTD_ASSERT(ptd_subnet_is_equal(&s, &again));
    PTD_ASSERT(ptd_subnet_hash(&s, 1, 2) == ptd_subnet_hash(&again, 1, 2));
}

static void parse_for_rpc(const char *text)
{
    static const uint8_t nobody[16];
    struct ptd_rpc_subnet s;

    for (int cjdns = 0; cjdns < 2; cjdns++) {
        if (!ptd_rpc_subnet_parse(&s, text, cjdns != 0))
            continue;
        PTD_ASSERT(ptd_rpc_subnet_has(&s, s.ip));
        (void)ptd_rpc_subnet_has(&s, nobody);
    }
}

/* What -whitelist and -whitebind say of them. */
static void parse_permissions(const char *text)
{
    struct ptd_whitelist list;
    struct ptd_whitebind bind;
    struct ptd_complaint why = { .text = "" };

    if (ptd_whitelist_parse(&list, text, &why) == PTD_OK)
        PTD_ASSERT(list.in || list.out);
    else
        PTD_ASSERT(why.text[0] != '\0');
    why.text[0] = '\0';
    if (ptd_whitebind_parse(&bind, text, &why) != PTD_OK)
        PTD_ASSERT(why.text[0] != '\0');
}

static void run(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    if (text == NULL)
        return;
    parse_and_format(text);
    parse_for_rpc(text);
    parse_permissions(text);
    free(text);
}

static void seeds(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "1.2.3.4",
        "1.2.3.0/24",
        "1.2.3.4/255.255.0.0",
        "::/0",
        "[2001:db8::1]/64",
        "fc00::1",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
        "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p",
        "noban,relay@10.0.0.0/8",
        "in,out,bloomfilter,mempool,download,addr,forcerelay@::1",
        "all@127.0.0.1:8333",
    };

    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_subnet = { "subnet", run, seeds };
