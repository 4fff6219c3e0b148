/* send() of 64 bytes on connected TCP sockets, which no supervisor may touch; prints microseconds of wall time per send.
 *
 * stream ADDR N THREADS     N sends for each thread, on a connection of its own
 *
 * Each thread reads its connection's other end itself, after every few sends. With a reader elsewhere the figure is how
 * the scheduler places the two and how much TCP coalesces meanwhile: native was seen 4 times slower than itself. */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>

enum { SIZE = 64, BURST = 8 }; /* below the initial congestion window, so that every send is a segment at once */

static long bursts;
static pthread_barrier_t line;

static void burst(int out, int in) {
    char message[SIZE] = {0};
    for (int i = 0; i < BURST; i++)
        if (send(out, message, SIZE, 0) != SIZE) die("send");
    for (ssize_t got, left = BURST * SIZE; left; left -= got)
        if ((got = recv(in, NULL, left, MSG_TRUNC)) <= 0) die("recv");
}

static void *sender(void *pair) {
    int out = ((int *)pair)[0], in = ((int *)pair)[1];
    for (int i = 0; i < 100; i++) burst(out, in);
    pthread_barrier_wait(&line);
    for (long i = 0; i < bursts; i++) burst(out, in);
    pthread_barrier_wait(&line);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "stream ADDR N THREADS\n"), 2;
    struct sockaddr_in here = address(argv[1], 0);
    bursts = atol(argv[2]) / BURST;
    int threads = atoi(argv[3]), pair[16][2], on = 1;
    pthread_t id[16];
    socklen_t len = sizeof here;
    if (bursts < 1 || bursts > 1000000 || threads < 1 || threads > 16)
        return fprintf(stderr, "stream: out of range\n"), 2;
    bound_life(20);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 16)) die("listen");
    if (getsockname(listener, (struct sockaddr *)&here, &len)) die("getsockname");
    pthread_barrier_init(&line, NULL, threads + 1);
    for (int i = 0; i < threads; i++) {
        pair[i][0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(pair[i][0], (struct sockaddr *)&here, sizeof here)) die("connect");
        if ((pair[i][1] = accept(listener, NULL, NULL)) < 0) die("accept");
        setsockopt(pair[i][0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (pthread_create(&id[i], NULL, sender, pair[i])) die("pthread_create");
    }
    pthread_barrier_wait(&line);
    double start = now_us();
    pthread_barrier_wait(&line);
    printf("%.4f\n", (now_us() - start) / (bursts * BURST * threads));
    for (int i = 0; i < threads; i++) pthread_join(id[i], NULL);
    return 0;
}
