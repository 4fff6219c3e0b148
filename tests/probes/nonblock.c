/* `nonblock ADDRESS MS`: connects to ADDRESS, where nobody ever answers, while another thread keeps changing O_NONBLOCK on
 * the sockets: a supervisor that takes a connect for one that does not block may block all the same. Each connector stops
 * at the first call that is held up, as many do for good. Meanwhile one thread binds; prints how often, how long the
 * longest bind took in ms, and how many connects are held up in the end.
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
#include <time.h>
#include <unistd.h>

#define CONNECTORS 32

static struct { int fd; volatile long since; } connectors[CONNECTORS];
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
	int held = 0;

	if (argc < 3)
		return 99;
	silent.sin_addr.s_addr = inet_addr(argv[1]);
	silent.sin_port = htons(9);
	for (long i = 0; i < CONNECTORS; i++)
		connectors[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	pthread_create(&thread, NULL, flip, NULL);
	for (long i = 0; i < CONNECTORS; i++)
		pthread_create(&thread, NULL, connector, (void *)i);
	pthread_create(&thread, NULL, binder, NULL);
	usleep(atoi(argv[2]) * 1000);
	for (int i = 0; i < CONNECTORS; i++)
		held += now() - connectors[i].since > 500;
	/* One that is not done yet counts too. */
	if (now() - bind_since > worst)
		worst = now() - bind_since;
	printf("binds=%d worst=%ld held=%d\n", binds, worst, held);
	fflush(stdout);
	_exit(0);
}
