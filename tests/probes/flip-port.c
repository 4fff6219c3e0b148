/* Tries to get past rules for ports while they are asked.
 *
 * `flip-port bind LOOPS IP ALLOWED FORBIDDEN`: binds in a loop while another thread keeps changing the port that bind() is
 * given. `flip-port reach ...`: connects and sends in the same way. `flip-port listen ...`: listens anew on a listener that
 * another thread shuts down, so that the kernel chooses its port again, which would be the forbidden one. Goes on for LOOPS
 * turns, and until what races was seen to do so (no longer than for a hundred times as many). Prints how often it got what.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

static struct sockaddr_in shared = { .sin_family = AF_INET };
static in_port_t allowed, forbidden;
static volatile int done, listener = -1;
static int passed, refused, got_forbidden, other, last, again;

static void *flipper(void *unused)
{
	volatile in_port_t *port = &shared.sin_port;

	while (!done) {
		*port = forbidden;
		*port = allowed;
	}
	return unused;
}

/* Shuts each listener down once, sooner or later. */
static void *shutter(void *unused)
{
	for (unsigned turn = 0; !done; turn++) {
		while (listener < 0 && !done)
			sched_yield();
		for (volatile unsigned wait = turn * 37 % 20000; wait; wait--)
			;
		shutdown(listener, SHUT_RDWR);
		listener = -1;
	}
	return unused;
}

static void count(int failed, in_port_t port)
{
	if (!failed && port == forbidden)
		got_forbidden++;
	else if (!failed)
		passed++;
	else if (errno == EACCES)
		refused++;
	else if (errno == EADDRINUSE)
		/* Who answered the last call has not let go of its handle of that socket yet. */
		again++;
	else {
		other++;
		last = errno;
	}
}

static in_port_t own_port(int fd)
{
	struct sockaddr_in name = { 0 };
	socklen_t len = sizeof(name);

	getsockname(fd, (struct sockaddr *)&name, &len);
	return name.sin_port;
}

static void one_bind(int i)
{
	int fd = socket(AF_INET, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
	int failed = bind(fd, (struct sockaddr *)&shared, sizeof(shared));

	count(failed, failed ? 0 : own_port(fd));
	close(fd);
}

/* Nobody listens at the allowed port: to be told so is to have been let through. Whether a datagram went to the forbidden
 * one is seen there. */
static void one_reach(int i)
{
	int fd = socket(AF_INET, i % 4 ? SOCK_DGRAM : SOCK_STREAM, 0);
	struct sockaddr_in peer = { 0 };
	socklen_t len = sizeof(peer);
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_name = &shared, .msg_namelen = sizeof(shared), .msg_iov = &iov, .msg_iovlen = 1 };
	int failed;

	if (i % 4 < 2) {
		failed = connect(fd, (struct sockaddr *)&shared, sizeof(shared));
		if (!failed)
			getpeername(fd, (struct sockaddr *)&peer, &len);
	} else if (i % 4 == 2) {
		failed = sendto(fd, "x", 1, 0, (struct sockaddr *)&shared, sizeof(shared)) < 0;
	} else {
		failed = sendmsg(fd, &m, 0) < 0;
	}
	if (failed && errno == ECONNREFUSED)
		failed = 0;
	count(failed, peer.sin_port);
	close(fd);
}

static void choose(int fd, in_port_t port)
{
	unsigned range = ntohs(port) | (unsigned)ntohs(port) << 16;

	setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range));
}

static void one_listen(int i)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), listening = 0, failed;
	socklen_t len = sizeof(listening);

	(void)i;
	choose(fd, allowed);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0) {
		count(1, 0);
	} else {
		choose(fd, forbidden);
		listener = fd;
		failed = listen(fd, 2);
		while (listener >= 0)
			sched_yield();
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
		count(failed, listening ? own_port(fd) : 0);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int loops = argc > 5 ? atoi(argv[2]) : 0;
	void (*act)(int);
	pthread_t thread;

	if (argc < 6)
		return 99;
	act = !strcmp(argv[1], "bind") ? one_bind : !strcmp(argv[1], "reach") ? one_reach : one_listen;
	shared.sin_addr.s_addr = inet_addr(argv[3]);
	allowed = htons(atoi(argv[4]));
	forbidden = htons(atoi(argv[5]));
	pthread_create(&thread, NULL, act == one_listen ? shutter : flipper, NULL);
	for (long i = 0; i < loops || (i < loops * 100L && (!passed || (act != one_listen && !refused))); i++)
		act(i);
	done = 1;
	pthread_join(thread, NULL);
	printf("passed=%d refused=%d forbidden=%d other=%d last=%s again=%d\n", passed, refused, got_forbidden, other,
	       strerrorname_np(last), again);
	return 0;
}
