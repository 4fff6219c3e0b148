/* `nonblock ADDRESS MS`: connects to ADDRESS, where nobody ever answers, while another thread keeps changing O_NONBLOCK on
 * the sockets: a supervisor that takes a connect for one that does not block may block all the same. A connect that blocks
 * gives up after a while, so that each connector gets further chances. Meanwhile one thread binds; prints how often, how
 * long the longest bind took in ms, how many connects blocked, and for how long one that blocks was held up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "patience.h"

#define CONNECTORS 32

/* How long a connect that blocks is held up, in ms. */
#define PATIENCE with_patience(1500)

static struct { int fd; volatile int blocked; volatile long since; } connectors[CONNECTORS];
static struct sockaddr_in silent = { .sin_family = AF_INET };
static volatile int binds;
static volatile long worst, bind_since;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *flip(void *unused)
{
	for (;;) {
		for (int i = 0; i < CONNECTORS; i++)
			fcntl(connectors[i].fd, F_SETFL, O_NONBLOCK);
		for (int i = 0; i < CONNECTORS; i++)
			fcntl(connectors[i].fd, F_SETFL, 0);
	}
	return unused;
}

static void *connector(void *which)
{
	long i = (long)which;
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	for (;;) {
		connectors[i].since = now();
		connect(connectors[i].fd, (struct sockaddr *)&silent, sizeof(silent));
		connectors[i].blocked += now() - connectors[i].since >= PATIENCE / 2;
		connect(connectors[i].fd, &unspec, sizeof(unspec));
	}
	return NULL;
}

static void *binder(void *unused)
{
	for (;;) {
		struct sockaddr_in any = { .sin_family = AF_INET };
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		bind_since = now();
		if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
			exit(98);
		if (now() - bind_since > worst)
			worst = now() - bind_since;
		binds++;
		close(fd);
		usleep(500);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct timeval patience = { PATIENCE / 1000, PATIENCE % 1000 * 1000 };
	int blocked = 0;

	if (argc < 3)
		return 99;
	silent.sin_addr.s_addr = inet_addr(argv[1]);
	silent.sin_port = htons(9);
	for (int i = 0; i < CONNECTORS; i++) {
		connectors[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		setsockopt(connectors[i].fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	}
	pthread_create(&thread, NULL, flip, NULL);
	for (long i = 0; i < CONNECTORS; i++)
		pthread_create(&thread, NULL, connector, (void *)i);
	pthread_create(&thread, NULL, binder, NULL);
	usleep(with_patience(atoi(argv[2])) * 1000);
	for (int i = 0; i < CONNECTORS; i++)
		blocked += connectors[i].blocked + (now() - connectors[i].since >= PATIENCE / 2);
	/* One that is not done yet counts too. */
	if (now() - bind_since > worst)
		worst = now() - bind_since;
	printf("binds=%d worst=%ld blocked=%d patience=%ld\n", binds, worst, blocked, PATIENCE);
	fflush(stdout);
	_exit(0);
}
