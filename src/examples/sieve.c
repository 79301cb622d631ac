/* sieve.c - channels alone: two threads share numbers out among them, main
 * selects between their results, a tick and the end.
 *
 *     cc -pthread -o sieve sieve.c $(pkg-config --cflags --libs pentad)
 */
#include <err.h>
#include <pentad/chan.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    struct ptd_chan *numbers; /* int, to the workers */
    struct ptd_chan *primes;  /* int, back */
    struct ptd_chan *done;    /* a signal from each worker */
};

static void *work(void *arg)
{
    struct work *w = arg;
    int n, d;

    while (ptd_chan_recv(w->numbers, &n) == PTD_OK) { /* until it is closed */
        for (d = 2; d * d <= n && n % d != 0; d++)
            ;
        if (d * d > n && ptd_chan_send(w->primes, &n) != PTD_OK)
            break;
    }
    (void)!ptd_chan_send(w->done, NULL);
    return NULL;
}

/* Numbers go out as primes come in: one select does both. */
static int run(struct work *w, int limit)
{
    int next = 2, prime, n_primes = 0, n_running = 2;

    while (n_running > 0) {
        enum { OUT, IN, DONE, N };
        struct ptd_case on[N] = {
            [OUT] = PTD_SEND(next <= limit ? w->numbers : NULL, &next),
            [IN] = PTD_RECV(w->primes, &prime),
            [DONE] = PTD_RECV(w->done, NULL),
        };

        switch (ptd_select(on, N, NULL, ptd_clock_now_us(NULL) + 1000000)) {
        case OUT:
            if (++next > limit)
                ptd_chan_close(w->numbers); /* the workers end */
            break;
        case IN: n_primes++; break;
        case DONE: n_running--; break;
        case PTD_SELECT_TIMEOUT: printf("%d so far\n", n_primes); break;
        }
    }
    while (ptd_chan_try_recv(w->primes, &prime) == PTD_OK)
        n_primes++; /* sent before the last of them was done */
    return n_primes;
}

int main(void)
{
    struct work w = { ptd_chan_new(sizeof(int), 16),
                      ptd_chan_new(sizeof(int), 16), ptd_chan_new(0, 2) };
    pthread_t t[2];

    if (w.numbers == NULL || w.primes == NULL || w.done == NULL)
        errx(EXIT_FAILURE, "out of memory");
    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, work, &w) != 0)
            errx(EXIT_FAILURE, "no thread left");
    printf("%d primes up to 10000\n", run(&w, 10000));
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    ptd_chan_free(w.numbers);
    ptd_chan_free(w.primes);
    ptd_chan_free(w.done);
}
