/* dialer.c - call a Bitcoin node, ask it for its first headers, print every
 * message that it sends. The library does not dial: connect() is the program's.
 *
 *     cc -o dialer dialer.c $(pkg-config --cflags --libs pentad)
 */
#include <arpa/inet.h>
#include <err.h>
#include <pentad/peer.h>
#include <stdio.h>
#include <stdlib.h>

static enum ptd_err print(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    char s[256];

    (void)arg;
    printf("%s %s\n", ptd_peer_name(p), ptd_msg_summary(msg, s, sizeof s));
    return PTD_OK;
}

static void ready(struct ptd_peer *p, void *arg)
{
    const struct ptd_params *net = ptd_params_by_name("regtest");
    static const struct ptd_hash up_to_the_last;
    struct ptd_msg *m =
        ptd_msg_new_locator(PTD_MSG_GETHEADERS, PTD_PVER_SENDHEADERS,
                            &net->genesis.hash, 1, &up_to_the_last);

    (void)arg;
    if (m == NULL || ptd_peer_queue(p, m, NULL) != PTD_OK)
        ptd_peer_disconnect(p, PTD_ENOMEM, "cannot ask");
}

static void gone(struct ptd_peer *p, void *arg)
{
    (void)p;
    ptd_chan_close(arg); /* main waits for this */
}

static int dial(uint16_t port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (void *)&sa, sizeof sa) < 0)
        err(EXIT_FAILURE, "127.0.0.1:%u", port);
    return fd;
}

int main(int argc, char **argv)
{
    struct ptd_env *env = ptd_env_new(NULL);
    struct ptd_chan *end = ptd_chan_new(0, 0);
    struct ptd_peer_config cfg;
    struct ptd_peer *p;

    if (argc != 2 || env == NULL || end == NULL)
        errx(EXIT_FAILURE, "usage: dialer PORT");
    setvbuf(stdout, NULL, _IOLBF, 0);
    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    for (int i = 0; i < PTD_MSG_N_TYPES; i++)
        cfg.on_msg[i].fn = print;
    cfg.hooks.on_ready = ready; /* both veracks are in */
    cfg.hooks.on_gone = gone;
    cfg.hooks.arg = end;
    if (ptd_peer_new(&p, env, &cfg, PTD_OUTBOUND, NULL) != PTD_OK ||
        ptd_peer_attach(p, dial((uint16_t)atoi(argv[1]))) != PTD_OK)
        errx(EXIT_FAILURE, "cannot start the peer");
    (void)!ptd_chan_recv(end, NULL); /* blocks until it is closed */
    ptd_peer_join(p);
    ptd_peer_free(p);
    ptd_env_free(env);
    ptd_chan_free(end);
}
