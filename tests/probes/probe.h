/* What the parts of probe.c share: the calls (with -DRAW as bare system calls), what is printed, addresses as words. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <resolv.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/filter.h>
#include "patience.h"

#ifndef __GLIBC__
/* musl has no names of errors; these are the ones that the trials see there. */
static const char *strerrorname_np(int number)
{
	switch (number) {
	case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
	case EADDRINUSE: return "EADDRINUSE";
	case EACCES: return "EACCES";
	case EAFNOSUPPORT: return "EAFNOSUPPORT";
	case ECONNREFUSED: return "ECONNREFUSED";
	case ENETUNREACH: return "ENETUNREACH";
	case EINVAL: return "EINVAL";
	case EFAULT: return "EFAULT";
	case EBADF: return "EBADF";
	case ENOTSOCK: return "ENOTSOCK";
	}
	return strerror(number);
}
#endif

#ifdef RAW
#define socket(d, t, p) syscall(SYS_socket, d, t, p)
#define bind(f, a, l) syscall(SYS_bind, f, a, l)
#define listen(f, b) syscall(SYS_listen, f, b)
#define connect(f, a, l) syscall(SYS_connect, f, a, l)
#define sendto(f, b, n, g, a, l) syscall(SYS_sendto, f, b, n, g, a, l)
#define send(f, b, n, g) syscall(SYS_sendto, f, b, n, g, NULL, 0)
#define sendmsg(f, m, g) syscall(SYS_sendmsg, f, m, g)
#define sendmmsg(f, m, n, g) syscall(SYS_sendmmsg, f, m, n, g)
#define accept(f, a, l) syscall(SYS_accept, f, a, l)
#define accept4(f, a, l, g) syscall(SYS_accept4, f, a, l, g)
#define recvfrom(f, b, n, g, a, l) syscall(SYS_recvfrom, f, b, n, g, a, l)
#define recvmsg(f, m, g) syscall(SYS_recvmsg, f, m, g)
#define recvmmsg(f, m, n, g, t) syscall(SYS_recvmmsg, f, m, n, g, t)
#define getsockname(f, a, l) syscall(SYS_getsockname, f, a, l)
#define getpeername(f, a, l) syscall(SYS_getpeername, f, a, l)
#define setsockopt(f, l, n, v, s) syscall(SYS_setsockopt, f, l, n, v, s)
#endif

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif
#ifndef IPV6_2292PKTINFO
#define IPV6_2292PKTINFO 2
#endif

/* How long something is waited for that should come at once, in ms. */
#define SOON with_patience(8000)

/* The socket of the moment. */
static int cur = -1;
static int first_word = 1;

static void say(const char *what, const char *outcome)
{
	printf("%s%s=%s", first_word ? "" : " ", what, outcome);
	first_word = 0;
}

static int report(const char *what, long result)
{
	say(what, result < 0 ? strerrorname_np(errno) : "ok");
	return result < 0 ? -1 : 0;
}

static void usage(const char *word)
{
	fprintf(stderr, "probe: cannot make sense of '%s'\n", word ? word : "(end)");
	exit(99);
}

static void set_timeout(int option, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	setsockopt(cur, SOL_SOCKET, option, &tv, sizeof(tv));
}

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage st;
};

/* An address without port, with an interface or none: 10.0.0.1, 10.0.0.1%eth0, fe80::1%eth0, ::ffff:10.0.0.1.
 * The interface goes into sin6_scope_id and is returned. */
static unsigned parse_ip(const char *word, union any *a)
{
	char host[128];
	char *device;
	unsigned index = 0;

	memset(a, 0, sizeof(*a));
	snprintf(host, sizeof(host), "%s", word);
	device = strchr(host, '%');
	if (device) {
		*device++ = 0;
		index = if_nametoindex(device);
		if (!index)
			usage(word);
	}
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_scope_id = index;
	} else if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
	} else {
		usage(word);
	}
	return index;
}

/* 10.0.0.1:80, [fd00:1::1]:80, [fe80::1%eth0]:80, unix:/path, unix:@abstract */
static socklen_t parse(const char *word, union any *a)
{
	char host[128];
	const char *colon = word ? strrchr(word, ':') : NULL;

	if (!colon)
		usage(word);
	if (strncmp(word, "unix:", 5) == 0) {
		size_t n = strlen(word + 5);
		memset(a, 0, sizeof(*a));
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, word + 5, n);
		if (word[5] == '@')
			a->un.sun_path[0] = 0;
		return offsetof(struct sockaddr_un, sun_path) + n + (word[5] != '@');
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - word), word);
	if (host[0] == '[') {
		host[strlen(host) - 1] = 0;
		parse_ip(host + 1, a);
	} else {
		parse_ip(host, a);
	}
	/* The port is at the same place in both. */
	a->in.sin_port = htons(atoi(colon + 1));
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

static void say_address(const char *what, const union any *a)
{
	char host[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 16];

	if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "[%s]:%d", host, ntohs(a->in6.sin6_port));
	} else if (a->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s:%d", host, ntohs(a->in.sin_port));
	} else {
		snprintf(text, sizeof(text), "family-%d", a->sa.sa_family);
	}
	say(what, text);
}
