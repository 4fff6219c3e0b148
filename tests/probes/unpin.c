/* unpin OWN PEER ROUNDS: two threads bind a socket to a port that is taken, again and again, while a third connects it (a
 * blocking connect) or listens on it. A bind that fails takes away the address that a socket was given, so what comes of
 * the other call must not depend on the address staying. Prints how often it got through ("ok"), how often with another
 * source than OWN ("bad"), and how many binds failed because of the port ("taken": without any nothing was tried). */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAKEN_PORT = 6000, PEER_PORT = 7300, ENOUGH = 100 };

static struct sockaddr_in own, peer;
static volatile int target = -1, stop;
static volatile long taken;

static void *bind_again(void *unused) {
    (void)unused;
    while (!stop) {
        int s = target;
        if (s >= 0 && bind(s, (struct sockaddr *)&own, sizeof own) && errno == EADDRINUSE) taken++;
    }
    return NULL;
}

static int is_own(int s) {
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    return !getsockname(s, (struct sockaddr *)&name, &len) && name.sin_addr.s_addr == own.sin_addr.s_addr;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    own = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(TAKEN_PORT), .sin_addr.s_addr = inet_addr(argv[1])};
    peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PEER_PORT), .sin_addr.s_addr = inet_addr(argv[2])};
    int holder = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(holder, (struct sockaddr *)&own, sizeof own) || listen(holder, 1)) return perror("holder"), 1;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, bind_again, NULL)) return perror("thread"), 1;
    long ok = 0, bad = 0;
    long rounds = atol(argv[3]);
    /* On a busy machine the threads meet less often: go on for a while until they have. */
    for (long i = 0; i < rounds || (taken < ENOUGH && i < 10 * rounds); i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        target = s;
        if (i % 2 ? !listen(s, 1) : !connect(s, (struct sockaddr *)&peer, sizeof peer)) {
            ok++;
            bad += !is_own(s);
        }
        target = -1;
        close(s);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("ok=%ld bad=%ld taken=%ld\n", ok, bad, taken);
    return 0;
}
