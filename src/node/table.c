/* The table of peers: drawn in place on a terminal, as lines elsewhere. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/node_int.h"

enum { ROWS_MAX = 200 };

static const char *state_text(enum ptd_peer_state s)
{
    static const char *const text[] = { "made", "handshake", "ready",
                                        "stopping" };
    return text[s];
}

static void print_row(const struct ptd_peer_stats *s)
{
    char addr[PTD_NETADDR_TEXT], ping[24] = "-";

    if (s->ping_us >= 0)
        snprintf(ping, sizeof ping, "%.2f", (double)s->ping_us / 1e3);
    printf("%5lld %-3s %-9s %-22s %8s %8llu %8llu %6d  %.30s\n",
           (long long)s->id, s->direction == PTD_INBOUND ? "in" : "out",
           state_text(s->state),
           ptd_netaddr_format(&s->addr, addr, sizeof addr), ping,
           (unsigned long long)s->bytes_recv, (unsigned long long)s->bytes_sent,
           s->start_height, s->user_agent);
}

static size_t snapshot(struct node *n, struct ptd_peer **out)
{
    size_t k = 0;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        if (k < ROWS_MAX)
            out[k++] = ptd_peer_ref(np->peer);
    }
    ptd_mutex_unlock(&n->mu);
    return k;
}

static void draw(struct node *n, struct ptd_peer_stats *s, bool in_place)
{
    struct ptd_peer *peers[ROWS_MAX];
    size_t k = snapshot(n, peers);

    if (in_place)
        printf("\033[H\033[J");
    printf("pentad %s: %zu peers, headers=%u\n", n->o.params->name, k,
           ptd_headers_height(n->headers));
    printf("%5s %-3s %-9s %-22s %8s %8s %8s %6s  %s\n", "id", "dir", "state",
           "address", "ping ms", "received", "sent", "height", "user agent");
    for (size_t i = 0; i < k; i++) {
        ptd_peer_stats(peers[i], s);
        print_row(s);
        ptd_peer_free(peers[i]);
    }
    fflush(stdout);
}

void node_table_main(void *arg)
{
    struct node *n = arg;
    struct ptd_peer_stats *s = ptd_alloc(sizeof *s);
    bool in_place = isatty(STDOUT_FILENO);
    int64_t every = in_place ? 1000000 : 5000000;
    int64_t next = ptd_clock_now_us(NULL) + 1000000;

    while (s != NULL &&
           ptd_chan_recv_until(n->quit, NULL, NULL, next) == PTD_ETIMEOUT) {
        draw(n, s, in_place);
        next += every;
    }
    ptd_free(s);
}
