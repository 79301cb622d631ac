/* listener.c - wait for a Bitcoin node, print every message that it sends.
 *
 *     cc -o listener listener.c $(pkg-config --cflags --libs pentad)
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

static void gone(struct ptd_peer *p, void *arg)
{
    (void)p;
    ptd_chan_close(arg); /* main waits for this */
}

int main(int argc, char **argv)
{
    struct sockaddr_in sa = { .sin_family = AF_INET };
    socklen_t n = sizeof sa;
    struct ptd_env *env = ptd_env_new(NULL);
    struct ptd_chan *end = ptd_chan_new(0, 0);
    struct ptd_peer_config cfg;
    struct ptd_peer *p;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (argc != 2 || env == NULL || end == NULL)
        errx(EXIT_FAILURE, "usage: listener PORT (0: any that is free)");
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons((uint16_t)atoi(argv[1]));
    if (bind(fd, (void *)&sa, n) < 0 || listen(fd, 1) < 0 ||
        getsockname(fd, (void *)&sa, &n) < 0)
        err(EXIT_FAILURE, "port %s", argv[1]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("listening on 127.0.0.1:%d\n", ntohs(sa.sin_port));

    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    for (int i = 0; i < PTD_MSG_N_TYPES; i++)
        cfg.on_msg[i].fn = print;
    cfg.hooks.on_gone = gone;
    cfg.hooks.arg = end;
    if (ptd_peer_new(&p, env, &cfg, PTD_INBOUND, NULL) != PTD_OK ||
        ptd_peer_attach(p, accept(fd, NULL, NULL)) != PTD_OK)
        errx(EXIT_FAILURE, "cannot start the peer");
    (void)!ptd_chan_recv(end, NULL); /* blocks until it is closed */
    ptd_peer_join(p);
    ptd_peer_free(p);
    ptd_env_free(env);
    ptd_chan_free(end);
}
