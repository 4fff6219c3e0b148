/* A command that has used its context, and now sleeps so that its supervisor can be weighed.
 *
 * hold BINDS CONNECTS     prints "ready" when done, then waits for its standard input to end
 *
 * The connects really block, all at once and for about a second: the listener's queue is full, so the SYNs are dropped
 * and sent again. What a supervisor keeps for a blocking call (a thread, a stack) has been needed by then. */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>

static struct sockaddr_in here;

static void *connector(void *none) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&here, sizeof here)) die("hold: connect");
    close(fd);
    return none;
}

int main(int argc, char **argv) {
    int binds = argc == 3 ? atoi(argv[1]) : 0, connects = argc == 3 ? atoi(argv[2]) : 0;
    struct sockaddr_in any = address("0.0.0.0", 0);
    socklen_t len = sizeof here;
    pthread_t id[16];
    char c;
    if (binds < 1 || binds > 100000 || connects < 1 || connects > 16) return fprintf(stderr, "hold BINDS CONNECTS\n"), 2;
    bound_life(60);
    for (int i = 0; i < binds; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any)) die("hold: bind");
        close(fd);
    }

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 0)) die("hold: listen");
    if (getsockname(listener, (struct sockaddr *)&here, &len)) die("hold: getsockname");
    connector(NULL); /* fills the queue, which holds one connection when the backlog is 0 */
    for (int i = 0; i < connects; i++)
        if (pthread_create(&id[i], NULL, connector, NULL)) die("hold: pthread_create");
    usleep(300 * 1000);
    if (listen(listener, 64)) die("hold: listen again"); /* room for all, or some would wait for their third SYN */
    for (int i = 0; i < connects + 1; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) die("hold: accept");
        close(fd);
    }
    for (int i = 0; i < connects; i++) pthread_join(id[i], NULL);
    close(listener);

    printf("ready\n");
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
