/* The other side of connect and sendto; it always runs outside of any context, once for all variants measured.
 *
 * sink ADDR      prints "TCP UDP", two ports, and serves until its standard input ends
 *
 * TCP accepts and closes. UDP is never read: once its buffer is full the kernel drops on arrival, so that a sender's
 * loop measures the call and not how soon a reader is scheduled. */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>

static int open_port(const char *ip, int type, int *port) {
    struct sockaddr_in a = address(ip, 0);
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a)) die("sink: bind");
    /* The queue holds more than a slice makes connections: a full one would stall connect() for a second. */
    if (type == SOCK_STREAM && listen(fd, 4096)) die("sink: listen");
    if (getsockname(fd, (struct sockaddr *)&a, &len)) die("sink: getsockname");
    *port = ntohs(a.sin_port);
    return fd;
}

static void *accept_all(void *listener) {
    for (;;) {
        int fd = accept(*(int *)listener, NULL, NULL);
        if (fd >= 0) close(fd);
    }
    return NULL;
}

int main(int argc, char **argv) {
    int tcp_port, udp_port;
    pthread_t id;
    char c;
    if (argc != 2) return fprintf(stderr, "sink ADDR\n"), 2;
    int listener = open_port(argv[1], SOCK_STREAM, &tcp_port);
    open_port(argv[1], SOCK_DGRAM, &udp_port);
    if (pthread_create(&id, NULL, accept_all, &listener)) die("sink: pthread_create");
    printf("%d %d\n", tcp_port, udp_port);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {}
    return 0;
}
