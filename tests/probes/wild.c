/* wild FOREIGN ROUNDS: tries to get a UDP socket that hears what is sent to FOREIGN, or that speaks from there, by threads
 * that work against the supervisor: one replaces and removes the filter of the socket under attack, one writes to it, one
 * takes the multicast interface from it. Prints for each way how often it was tried ("tried"), how often a port on every
 * address came of it ("wild": without any nothing was attacked), how often such a socket heard FOREIGN ("heard"), and how
 * often one was connected from an address that is not OWN1 or OWN2 ("foreign").
 *
 *     wild OWN1 OWN2 FOREIGN ROUNDS
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

enum { PEER_PORT = 7300, GROUP_PORT = 7400, TAKEN_PORT = 7500, CHOSEN_PORT = 7600 };

static in_addr_t own[2], foreign;
static volatile int target = -1, stop;
static int sender;

static struct sockaddr_in at(in_addr_t address, int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = address};
}

static void pass_all(int s) {
    struct sock_filter pass = {BPF_RET | BPF_K, 0, 0, 0xffffffff};
    struct sock_fprog program = {1, &pass};
    setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void *filters(void *unused) {
    (void)unused;
    for (int none = 0; !stop;) {
        int s = target;
        if (s < 0) continue;
        pass_all(s);
        setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    }
    return NULL;
}

static void *writes(void *unused) {
    (void)unused;
    while (!stop) {
        int s = target;
        if (s >= 0 && write(s, "written", 7) < 0) continue;
    }
    return NULL;
}

/* Whoever opens a wildcard by this write hears what comes next. */
static void *writes_and_sends(void *unused) {
    (void)unused;
    struct sockaddr_in to = at(foreign, CHOSEN_PORT);
    while (!stop) {
        int s = target;
        if (s >= 0 && write(s, "written", 7) < 0) sendto(sender, "foreign", 7, 0, (struct sockaddr *)&to, sizeof to);
    }
    return NULL;
}

static void *interfaces(void *unused) {
    (void)unused;
    struct in_addr none = {0};
    while (!stop) {
        int s = target;
        if (s >= 0) setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &none, sizeof none);
    }
    return NULL;
}

/* A port on every address; and does the socket hear what comes to FOREIGN there? */
static int is_wild(int s, long *heard) {
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    if (getsockname(s, (struct sockaddr *)&name, &len) || name.sin_addr.s_addr || !name.sin_port) return 0;
    struct sockaddr_in to = at(foreign, ntohs(name.sin_port));
    char text[16];
    sendto(sender, "foreign", 7, 0, (struct sockaddr *)&to, sizeof to);
    while (recv(s, text, sizeof text, MSG_DONTWAIT) > 0) *heard += !strncmp(text, "foreign", 7);
    return 1;
}

static int is_own(int s) {
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    if (getsockname(s, (struct sockaddr *)&name, &len)) return 0;
    return name.sin_addr.s_addr == own[0] || name.sin_addr.s_addr == own[1] || name.sin_addr.s_addr == inet_addr("10.0.0.255");
}

static void dissolve(int s) {
    struct sockaddr_in none = {.sin_family = AF_UNSPEC};
    connect(s, (struct sockaddr *)&none, sizeof none);
}

/* One attack: what is done to the socket while `against` works. */
static void attack(const char *name, void *(*against)(void *), int way, long rounds) {
    pthread_t thread;
    long tried = 0, wild = 0, heard = 0, foreigners = 0;
    stop = 0;
    if (pthread_create(&thread, NULL, against, NULL)) exit(1);
    for (long i = 0; i < rounds; i++) {
        int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
        struct sockaddr_in any = at(0, 0), peer = at(foreign, PEER_PORT), group = at(inet_addr("10.0.0.255"), GROUP_PORT);
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (way == 'l') { /* The filter is its own, and locked. */
            pass_all(s);
            setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);
        }
        target = s;
        if (way == 'b') bind(s, (struct sockaddr *)&any, sizeof any);
        if (way == 's') sendto(s, "sent", 4, 0, (struct sockaddr *)&peer, sizeof peer);
        if (way == 'g' && !bind(s, (struct sockaddr *)&group, sizeof group)) dissolve(s);
        if (way == 'l' || way == 'd')
            for (int again = 0; again < 4; again++) {
                connect(s, (struct sockaddr *)&peer, sizeof peer);
                dissolve(s);
            }
        if (way == 'f') { /* The bind fails, and the port that a write would take is known. */
            unsigned range = CHOSEN_PORT | CHOSEN_PORT << 16;
            struct sockaddr_in taken = at(own[0], TAKEN_PORT);
            char text[16];
            setsockopt(s, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range);
            on = 0;
            setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            for (int again = 0; again < 8; again++) bind(s, (struct sockaddr *)&taken, sizeof taken);
            while (recv(s, text, sizeof text, MSG_DONTWAIT) > 0) heard += !strncmp(text, "foreign", 7);
        }
        if (way == 'c') {
            bind(s, (struct sockaddr *)(i % 2 ? &any : &group), sizeof any);
            if (!connect(s, (struct sockaddr *)&peer, sizeof peer)) foreigners += !is_own(s);
            send(s, "sent", 4, 0);
        }
        wild += is_wild(s, &heard);
        target = -1;
        tried++;
        close(s);
    }
    stop = 1;
    pthread_join(thread, NULL);
    printf("%s: tried=%ld wild=%ld heard=%ld foreign=%ld\n", name, tried, wild, heard, foreigners);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    own[0] = inet_addr(argv[1]);
    own[1] = inet_addr(argv[2]);
    foreign = inet_addr(argv[3]);
    long rounds = atol(argv[4]);
    sender = socket(AF_INET, SOCK_DGRAM, 0);
    int holder = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in taken = at(own[0], TAKEN_PORT);
    if (bind(holder, (struct sockaddr *)&taken, sizeof taken)) return perror("holder"), 1;
    attack("failed", writes_and_sends, 'f', rounds);
    attack("bind", filters, 'b', rounds);
    attack("send", filters, 's', rounds);
    attack("broadcast", filters, 'g', rounds);
    attack("dissolve", writes, 'd', rounds);
    attack("locked", writes, 'l', rounds);
    attack("interface", interfaces, 'c', rounds);
    attack("written", writes, 'c', rounds);
    return 0;
}
