/* The ground of bad_input.c: memory of every kind, sockets of every kind, and where outcomes go. */
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGE 4096ul
/* Pages to read and write. Before them is one that can only be read, behind them one that is not there, and one that
 * nobody may touch. */
#define OPEN_PAGES 40ul
#define ALL_PAGES (OPEN_PAGES + 3)
#define SINK 7009
#define CLOSED 7008
#define NAMED 7007

typedef unsigned long word;

/* Memory as the kernel is told of it: the first of the open pages. In a storm it is also mapped elsewhere, where it stays
 * while `k` comes and goes. */
struct arena {
	char *k, *stable;
	int memfd;
};

/* One who goes through the list. */
struct run {
	struct arena arena;
	/* In a storm: how many to skip, how many to do. */
	long skip, left;
	int storms;
	char what[200];
};

/* Where everybody sends to. */
static int sink, listener;

static void broken(const char *what)
{
	fprintf(stderr, "bad_input: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void make_arena(struct arena *a, int shared)
{
	size_t size = ALL_PAGES * PAGE;
	int kind = shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;

	a->memfd = -1;
	if (shared && ((a->memfd = memfd_create("arena", MFD_CLOEXEC)) < 0 || ftruncate(a->memfd, size)))
		broken("memfd");
	a->k = a->stable = mmap(NULL, size, PROT_READ | PROT_WRITE, kind, a->memfd, 0);
	if (shared)
		a->stable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, a->memfd, 0);
	if (a->k == MAP_FAILED || a->stable == MAP_FAILED || mprotect(a->k, PAGE, PROT_READ)
	    || munmap(a->k + (1 + OPEN_PAGES) * PAGE, PAGE)
	    || mprotect(a->k + (2 + OPEN_PAGES) * PAGE, PAGE, PROT_NONE))
		broken("no memory");
	a->k += PAGE;
	a->stable += PAGE;
}

/* Puts bytes at an offset. Gives the address. */
static word put(struct arena *a, size_t offset, const void *from, size_t size)
{
	memcpy(a->stable + offset, from, size);
	return (word)(a->k + offset);
}

/* The same on the page that can only be read. */
static word put_readonly(struct arena *a, const void *from, size_t size)
{
	char *page = a->k - PAGE;

	if (size > PAGE)
		broken("too much for a page");
	if (a->stable == a->k && mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		broken("mprotect");
	memcpy(a->stable - PAGE, from, size);
	if (a->stable == a->k && mprotect(page, PAGE, PROT_READ))
		broken("mprotect");
	return (word)page;
}

/* The places where something can lie. */
static const char *const places[] = { "good", "odd", "odd3", "edge", "cut", "readonly", "unmapped", "untouchable", "null",
				      "low", "kernel", "noncanonical", "highest", "last-page", "vsyscall" };
#define PLACES (sizeof places / sizeof *places)
/* Those where nothing is. */
#define FIRST_BAD 6

/* Puts bytes into that place, in the `lane`th part of the open pages (there are things that must lie together). */
static word place(struct arena *a, size_t which, int lane, const void *from, size_t size)
{
	size_t start = lane * 4 * PAGE, end = OPEN_PAGES * PAGE;

	switch (which) {
	case 0: return put(a, start, from, size);
	case 1: return put(a, start + 1, from, size);
	case 2: return put(a, start + 3, from, size);
	case 3: return put(a, end - size, from, size);
	case 4: return put(a, end - size / 2, from, size / 2);
	case 5: return put_readonly(a, from, size);
	case 6: return (word)a->k + OPEN_PAGES * PAGE;
	case 7: return (word)a->k + (OPEN_PAGES + 1) * PAGE;
	case 8: return 0;
	case 9: return 1;
	case 10: return 0xffff888000001000;
	case 11: return 0x8000000000000000;
	case 12: return 0xffffffffffffffff;
	case 13: return 0xfffffffffffff000;
	default: return 0xffffffffff600000;
	}
}

enum kind { TCP4, TCP6, UDP4, UDP6, STREAM, DGRAM, TCP4_CONNECTED, UDP4_CONNECTED, PAIR, PIPE, CLOSED_FD, KINDS };
static const char *const kind_names[] = { "tcp4", "tcp6", "udp4", "udp6", "stream", "dgram", "tcp4-connected",
					  "udp4-connected", "pair", "pipe", "closed" };

static struct sockaddr_in v4(const char *host, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(host) };

	return a;
}

static struct sockaddr_in6 v6(const char *host, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, host, &a.sin6_addr);
	return a;
}

/* A socket, and what must be closed with it. */
struct made {
	int fd, other;
};

static struct made make(enum kind kind)
{
	struct made m = { -1, -1 };
	struct sockaddr_in a = v4("10.0.0.1", SINK), local = v4("127.0.0.1", SINK);
	int pair[2];

	switch (kind) {
	case TCP4: m.fd = socket(AF_INET, SOCK_STREAM, 0); break;
	case TCP6: m.fd = socket(AF_INET6, SOCK_STREAM, 0); break;
	case UDP4: m.fd = socket(AF_INET, SOCK_DGRAM, 0); break;
	case UDP6: m.fd = socket(AF_INET6, SOCK_DGRAM, 0); break;
	case STREAM: m.fd = socket(AF_UNIX, SOCK_STREAM, 0); break;
	case DGRAM: m.fd = socket(AF_UNIX, SOCK_DGRAM, 0); break;
	case UDP4_CONNECTED:
		m.fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (connect(m.fd, (void *)&local, sizeof local))
			broken("connect of a datagram socket");
		break;
	case TCP4_CONNECTED: {
		/* An end by reset leaves nothing in TIME_WAIT. */
		struct linger at_once = { 1, 0 };

		m.fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(m.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		if (connect(m.fd, (void *)&a, sizeof a))
			broken("connect");
		m.other = accept(listener, NULL, NULL);
		break;
	}
	case PAIR:
	case PIPE:
		if (kind == PAIR ? socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) : pipe(pair))
			broken("pair");
		m.fd = pair[0];
		m.other = pair[1];
		break;
	default: m.fd = 987; break;
	}
	return m;
}

static void unmake(struct made m)
{
	if (m.fd != 987)
		close(m.fd);
	if (m.other >= 0)
		close(m.other);
}

/* Whether the next of the list is to be done. */
static int due(struct run *r)
{
	if (!r->storms)
		return 1;
	if (r->skip > 0) {
		r->skip--;
		return 0;
	}
	return r->left > 0;
}

/* What it came to. */
static void outcome(struct run *r, long result)
{
	if (r->storms)
		r->left--;
	else if (result < 0)
		printf("%s: %s\n", r->what, strerrorname_np(errno) ? strerrorname_np(errno) : "E?");
	else
		printf("%s: %ld\n", r->what, result);
}

#define NAME(r, ...) ((r)->storms ? 0 : snprintf((r)->what, sizeof (r)->what, __VA_ARGS__))

static void make_sinks(void)
{
	struct sockaddr_in a = v4("10.0.0.1", SINK), local = v4("127.0.0.1", SINK);
	struct sockaddr_in6 a6 = v6("fd00:1::1", SINK);
	int on = 1, local_sink = socket(AF_INET, SOCK_DGRAM, 0), sink6 = socket(AF_INET6, SOCK_DGRAM, 0);

	sink = socket(AF_INET, SOCK_DGRAM, 0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(sink, (void *)&a, sizeof a) || bind(local_sink, (void *)&local, sizeof local)
	    || bind(sink6, (void *)&a6, sizeof a6) || bind(listener, (void *)&a, sizeof a) || listen(listener, 100))
		broken("sinks");
}
