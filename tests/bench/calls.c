/* The checked calls, each in a loop; prints microseconds per iteration.
 *
 * calls bind ADDR N                    socket + bind(ADDR:0) + close, TCP
 * calls connect ADDR PORT N            socket + connect + close, TCP, blocking
 * calls connect-nonblock ADDR PORT N   the same, non-blocking, with poll() until it is through
 * calls sendto ADDR PORT N             64 bytes on an unconnected UDP socket
 * calls sendmsg ADDR PORT N            the same by sendmsg
 * calls sendmsg-unix N                 64 bytes by sendmsg on a pair of AF_UNIX sockets
 * calls sendmsg-tcp ADDR N             64 bytes by sendmsg on a connected TCP socket
 *
 * What is sent on pairs is read in between, which is not counted. */
#define _GNU_SOURCE
#include "bench.h"
#include <errno.h>
#include <poll.h>

static struct sockaddr_in to;
static int udp, pair[2];

static void one_bind(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (bind(fd, (struct sockaddr *)&to, sizeof to)) die("bind");
    close(fd);
}

/* Closed with a reset: a TIME_WAIT for each of thousands of connections would slow the later ones down. */
static void close_reset(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void one_connect(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    close_reset(fd);
}

static void one_connect_nonblock(void) {
    int error = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof error;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (fd < 0) die("socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect, non-blocking");
    if (poll(&p, 1, 5000) != 1) die("poll");
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
        errno = error;
        die("connect, in progress");
    }
    close_reset(fd);
}

static void one_sendto(void) {
    static char message[64];
    if (sendto(udp, message, sizeof message, 0, (struct sockaddr *)&to, sizeof to) < 0) die("sendto");
}

static char text[64];
static struct iovec piece = {.iov_base = text, .iov_len = sizeof text};

static void one_sendmsg(void) {
    struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &piece, .msg_iovlen = 1};
    if (sendmsg(udp, &message, 0) < 0) die("sendmsg");
}

static void one_on_pair(void) {
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (sendmsg(pair[0], &message, 0) != sizeof text) die("sendmsg");
}

/* So many messages fit into the buffers. */
enum { BATCH = 64 };

static void read_batch(void) {
    static char batch[BATCH * sizeof text];
    size_t done = 0;
    while (done < sizeof batch) {
        ssize_t got = read(pair[1], batch + done, sizeof batch - done);
        if (got <= 0) die("read");
        done += got;
    }
}

static void connect_pair(void) {
    socklen_t len = sizeof to;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&to, sizeof to) || listen(listener, 1)) die("listen");
    if (getsockname(listener, (struct sockaddr *)&to, &len)) die("getsockname");
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pair[0] < 0 || connect(pair[0], (struct sockaddr *)&to, sizeof to)) die("connect");
    if ((pair[1] = accept(listener, NULL, NULL)) < 0) die("accept");
    close(listener);
}

int main(int argc, char **argv) {
    void (*one)(void) = NULL;
    if (argc == 4 && !strcmp(argv[1], "bind")) one = one_bind;
    if (argc == 5 && !strcmp(argv[1], "connect")) one = one_connect;
    if (argc == 5 && !strcmp(argv[1], "connect-nonblock")) one = one_connect_nonblock;
    if (argc == 5 && !strcmp(argv[1], "sendto")) one = one_sendto;
    if (argc == 5 && !strcmp(argv[1], "sendmsg")) one = one_sendmsg;
    if (argc == 3 && !strcmp(argv[1], "sendmsg-unix")) one = one_on_pair;
    if (argc == 4 && !strcmp(argv[1], "sendmsg-tcp")) one = one_on_pair;
    if (!one) return fprintf(stderr, "calls: wrong arguments\n"), 2;
    long n = atol(argv[argc - 1]);
    if (n < 1 || n > 1000000) return fprintf(stderr, "calls: N must be 1..1000000\n"), 2;
    if (argc > 3) to = address(argv[2], argc == 5 ? atoi(argv[3]) : 0);
    bound_life(20);
    if ((one == one_sendto || one == one_sendmsg) && (udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0) die("socket");
    if (one == one_on_pair && argc == 4) connect_pair();
    if (one == one_on_pair && argc == 3 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) die("socketpair");

    long batch = one == one_on_pair ? BATCH : n, rounds = (n + batch - 1) / batch;
    double spent = 0;
    for (long i = 0; i < (one == one_on_pair ? BATCH : 100); i++) one(); /* caches, the supervisor's first steps */
    if (one == one_on_pair) read_batch();
    for (long round = 0; round < rounds; round++) {
        double start = now_us();
        for (long i = 0; i < batch; i++) one();
        spent += now_us() - start;
        if (one == one_on_pair) read_batch();
    }
    printf("%.4f\n", spent / (rounds * batch));
    return 0;
}
