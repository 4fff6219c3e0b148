/* What the attack programs share: the addresses, the count of what was tried, and the one line that tells of it:
 *
 *     tried=WHAT attempts=N done=N out=N errnos=NAME:N,...
 *
 * An attempt is a call that must not get out of the context. It is `done` if it took effect within the context, `out`
 * if it got out as far as can be told from inside. What the world saw is for the test to say; a socket that got out
 * therefore stays open until the test, having looked, closes standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../probes/patience.h"

/* As outside.rs has them: the context's address; others of this host; one that peers have; the ports of peers, of
 * the one that a rule forbids, and of what is on the host's own loopback. */
#define OWN "10.0.0.1"
#define OTHER "10.0.0.2"
#define FOREIGN "10.0.0.3"
#define HOST "127.0.0.1"
#define OWN6 "fd00:1::1"
#define FOREIGN6 "fd00:1::2"
#define PEER_PORT 7300
#define FORBIDDEN_PORT 7301
#define HOST_PORT 7100

static unsigned long attempts, done, out, errnos[134];

static void broken(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerrorname_np(errno));
	exit(99);
}

/* For what has to work if there is to be an attack at all. */
static int need(const char *what, long result)
{
	if (result < 0)
		broken(what);
	return (int)result;
}

/* Counts an attempt by its result: whether it was let do something. */
static int attempt(long result)
{
	__atomic_add_fetch(&attempts, 1, __ATOMIC_RELAXED);
	if (result < 0)
		__atomic_add_fetch(&errnos[errno > 0 && errno < 134 ? errno : 0], 1, __ATOMIC_RELAXED);
	return result >= 0;
}

/* Tells what came of it, lets the test look at what is open, and ends. */
static void finish(const char *tried)
{
	const char *comma = "";
	char byte;

	printf("tried=%s attempts=%lu done=%lu out=%lu errnos=", tried, attempts, done, out);
	for (int e = 0; e < 134; e++) {
		if (errnos[e])
			printf("%s%s:%lu", comma, strerrorname_np(e) ? strerrorname_np(e) : "?", errnos[e]), comma = ",";
	}
	printf("\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	_exit(0);
}

static struct sockaddr_in at(const char *ip, int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(ip) };
}

static int bind_to(int fd, const char *ip, int port)
{
	struct sockaddr_in a = at(ip, port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static int connect_to(int fd, const char *ip, int port)
{
	struct sockaddr_in a = at(ip, port);

	return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static int send_to(int fd, const char *ip, int port)
{
	struct sockaddr_in a = at(ip, port);

	return sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof(a));
}

enum where { NOWHERE, INSIDE, OUTSIDE };

/* Where the socket is by its own name and its peer's: nowhere yet, inside or outside of the context. The host's
 * loopback is shown like the context's own: that one is for the test to tell. A datagram socket may be on the
 * wildcard behind a locked filter; whether that keeps out what is sent to other addresses is for the test to tell,
 * too. */
static enum where where(int fd)
{
	struct sockaddr_in name = { 0 }, peer = { 0 };
	socklen_t len = sizeof(name), peer_len = sizeof(peer), int_len = sizeof(int);
	int locked = 0;

	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 && ntohs(peer.sin_port) == FORBIDDEN_PORT &&
	    peer.sin_addr.s_addr == inet_addr(FOREIGN))
		return OUTSIDE;
	if (getsockname(fd, (struct sockaddr *)&name, &len) < 0 || name.sin_port == 0)
		return NOWHERE;
	if (name.sin_addr.s_addr == INADDR_ANY && getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &locked, &int_len) == 0 && locked)
		return INSIDE;
	if (name.sin_addr.s_addr == inet_addr(OWN) || (ntohl(name.sin_addr.s_addr) >> 24) == 127)
		return INSIDE;
	return OUTSIDE;
}

/* Counts where the socket came out. True if it is to be kept for the test to see. */
static int judged(int fd)
{
	enum where is = where(fd);

	done += is == INSIDE;
	out += is == OUTSIDE;
	return is == OUTSIDE;
}

/* Binds a new socket to the foreign address, by a call like bind(2): the least that every way around must achieve. */
static void try_foreign(int (*binding)(int, const struct sockaddr *, socklen_t), int type)
{
	struct sockaddr_in a = at(FOREIGN, 0);
	int fd = socket(AF_INET, type, 0);

	if (attempt(fd) && attempt(binding(fd, (struct sockaddr *)&a, sizeof(a))) && judged(fd))
		return;
	if (fd >= 0)
		close(fd);
}

/* Puts this thread on one of the CPUs, so that two which race run at the same time wherever that can be had. */
static void run_on(int which)
{
	cpu_set_t may, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(may), &may) < 0 || CPU_COUNT(&may) < 2)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &may) && which-- == 0)
			CPU_SET(cpu, &one);
	}
	sched_setaffinity(0, sizeof(one), &one);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Runs a part in a process of its own, whose counts are added to ours. */
static void in_child(void (*part)(void))
{
	unsigned long told[3 + 134] = { 0 };
	int pipes[2], status;
	pid_t pid;

	need("pipe", pipe(pipes));
	pid = need("fork", fork());
	if (pid == 0) {
		attempts = done = out = 0;
		memset(errnos, 0, sizeof(errnos));
		part();
		memcpy(told, (unsigned long[]){ attempts, done, out }, 3 * sizeof(long));
		memcpy(told + 3, errnos, sizeof(errnos));
		_exit(write(pipes[1], told, sizeof(told)) != sizeof(told));
	}
	close(pipes[1]);
	if (read(pipes[0], told, sizeof(told)) != sizeof(told) || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "a child ended early\n");
		exit(99);
	}
	close(pipes[0]);
	attempts += told[0], done += told[1], out += told[2];
	for (int e = 0; e < 134; e++)
		errnos[e] += told[3 + e];
}
