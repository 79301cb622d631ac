/* The table of peers: redrawn in place each second on a terminal, written now
 * and then elsewhere. Times are real ones, also while the node's clock stands.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "node/node_int.h"

#define SECOND_US INT64_C(1000000)

enum { WIDTH_MAX = 300 };

struct table {
    struct ptd_node *node;
    struct ptd_thread thread;
    bool in_place; /* standard output is a terminal */
    size_t rows;   /* of the terminal; elsewhere many */
    int columns;
};

static const char *state_text(enum ptd_peer_state s)
{
    switch (s) {
    case PTD_PEER_IDLE: return "made";
    case PTD_PEER_HANDSHAKE: return "handshake";
    case PTD_PEER_READY: return "ready";
    case PTD_PEER_STOPPING: return "stopping";
    }
    return "?";
}

static const char *bytes_text(uint64_t bytes, char *out, size_t cap)
{
    if (bytes < 10000)
        snprintf(out, cap, "%" PRIu64, bytes);
    else if (bytes < 10000000)
        snprintf(out, cap, "%.1fk", (double)bytes / 1e3);
    else
        snprintf(out, cap, "%.1fM", (double)bytes / 1e6);
    return out;
}

/* One line, cut at the terminal's edge. */
static void put_line(const struct table *t, const char *line)
{
    printf("%.*s%s\n", t->columns, line, t->in_place ? "\033[K" : "");
}

/* How to reach the node. */
static void put_node(const struct table *t)
{
    const struct ptd_node_config *cfg = t->node->cfg;
    char line[WIDTH_MAX];

    if (cfg->datadir != NULL && cfg->server)
        snprintf(line, sizeof line, "RPC port %u, data directory %s",
                 cfg->rpc_port, cfg->datadir);
    else
        line[0] = '\0';
    put_line(t, line);
}

static void put_peer(const struct table *t, const struct ptd_peer_stats *st)
{
    char line[WIDTH_MAX], addr[PTD_NETADDR_TEXT], in[16], out[16], ping[16];
    int64_t age = ptd_clock_wall_s(t->node->clk) - st->conn_time_s;

    if (st->ping_us >= 0)
        snprintf(ping, sizeof ping, "%.2f", (double)st->ping_us / 1e3);
    else
        snprintf(ping, sizeof ping, "-");
    snprintf(line, sizeof line,
             "%5" PRId64 " %-3s %-9s %-21s %6" PRId64 " %8s %8s %8s %7" PRId32
             " %6zu  %.60s",
             st->id, st->direction == PTD_INBOUND ? "in" : "out",
             state_text(st->state),
             ptd_netaddr_format(&st->addr, addr, sizeof addr), age, ping,
             bytes_text(st->bytes_recv, in, sizeof in),
             bytes_text(st->bytes_sent, out, sizeof out),
             PTD_MAX(st->last_block, st->start_height), st->queued_bytes,
             st->user_agent);
    put_line(t, line);
}

static void look_at_terminal(struct table *t)
{
    struct winsize w;

    t->columns = WIDTH_MAX;
    t->rows = 10000;
    if (t->in_place && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 &&
        w.ws_col > 0 && w.ws_row > 5) {
        t->columns = w.ws_col;
        t->rows = w.ws_row;
    }
}

static void draw(struct table *t)
{
    struct ptd_node *n = t->node;
    struct ptd_peer **peers;
    size_t n_peers = ptd_node_peers(n, &peers), room;
    char line[WIDTH_MAX];

    look_at_terminal(t);
    if (t->in_place)
        fputs("\033[H", stdout);
    snprintf(line, sizeof line,
             "pentad %s, %s: %zu peer%s, height %" PRIu32 " of %" PRIu32
             " headers, %zu addresses known",
             PACKAGE_VERSION, n->cfg->params->name, n_peers,
             n_peers == 1 ? "" : "s", ptd_blockchain_height(n->chain),
             ptd_headers_height(n->headers),
             ptd_addrmgr_size(n->addrmgr, PTD_NET_NONE, PTD_ADDRMGR_BOTH));
    put_line(t, line);
    put_node(t);
    put_line(t, "");
    put_line(t, " peer dir state     address                age s  ping ms "
                "received     sent  height queued  user agent");
    room = t->rows - 5;
    for (size_t i = 0; i < n_peers; i++) {
        struct ptd_peer_stats st;

        ptd_peer_stats(peers[i], &st);
        if (i < room)
            put_peer(t, &st);
        ptd_peer_free(peers[i]);
    }
    ptd_free(peers);
    fputs(t->in_place ? "\033[J" : "\n", stdout);
    fflush(stdout);
}

static void table_main(void *table)
{
    struct table *t = table;
    int64_t period = t->in_place ? SECOND_US : 10 * SECOND_US;
    int64_t next = ptd_clock_now_us(NULL) + SECOND_US;

    if (t->in_place)
        fputs("\033[H\033[2J", stdout);
    while (ptd_chan_recv_until(t->node->quit, NULL, NULL, next) ==
           PTD_ETIMEOUT) {
        draw(t);
        next = ptd_clock_now_us(NULL) + period;
    }
}

enum ptd_err node_table_start(struct ptd_node *n)
{
    struct table *t = ptd_calloc(1, sizeof *t);

    if (t == NULL)
        return PTD_ENOMEM;
    t->node = n;
    t->in_place = isatty(STDOUT_FILENO) == 1;
    n->table = t;
    return ptd_thread_start(&t->thread, NULL, "table", table_main, t);
}

void node_table_join(struct ptd_node *n)
{
    if (n->table == NULL)
        return;
    ptd_thread_join(&n->table->thread);
    ptd_free(n->table);
    n->table = NULL;
}
