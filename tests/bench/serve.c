/* A server of no use but to be there: on 0.0.0.0, as most are.
 *
 * serve PORT     prints "ready", answers every connection with its own address, and ends with its standard input */
#define _GNU_SOURCE
#include "bench.h"
#include <poll.h>

int main(int argc, char **argv) {
    struct sockaddr_in here = address("0.0.0.0", argc == 2 ? atoi(argv[1]) : 0);
    struct pollfd events[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};
    socklen_t len = sizeof here;
    char text[INET_ADDRSTRLEN];
    if (argc != 2) return fprintf(stderr, "serve PORT\n"), 2;
    bound_life(300);
    int on = 1, listener = events[1].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* connections of the run before are in TIME_WAIT */
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 16)) die("serve: listen");
    printf("ready\n");
    fflush(stdout);
    while (poll(events, 2, -1) > 0 && !events[0].revents) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || getsockname(fd, (struct sockaddr *)&here, &len)) die("serve: accept");
        inet_ntop(AF_INET, &here.sin_addr, text, sizeof text);
        if (write(fd, text, strlen(text)) < 0) die("serve: write");
        close(fd);
    }
    return 0;
}
