/* The steps of sequence.c: each makes its call and prints what it came to. */
#pragma once
#include "sequence_contract.h"
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "patience.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define SLOTS 6
/* Who does not answer. */
#define SILENT_4 "10.9.0.7"
#define SILENT_6 "fd00:9::7"
/* How long a call of a blocking socket waits at most, and this program for what should have happened at once. */
#define MILLISECONDS with_patience(30)

static int slots[SLOTS];
static volatile sig_atomic_t broken_pipes;

static void on_broken_pipe(int signal)
{
	(void)signal;
	broken_pipes++;
}

static const char *errno_name(int number)
{
	return strerrorname_np(number) ? strerrorname_np(number) : "E?";
}

static void tell(long result, const char *format, ...)
{
	va_list arguments;

	fputs(result < 0 ? errno_name(errno) : "ok", stdout);
	if (format && result >= 0) {
		putchar(' ');
		va_start(arguments, format);
		vprintf(format, arguments);
		va_end(arguments);
	}
	if (broken_pipes)
		fputs(" SIGPIPE", stdout);
	broken_pipes = 0;
	putchar('\n');
}

static int slot(int n)
{
	int i = atoi(word(n));

	if (i < 0 || i >= SLOTS)
		broken("no such slot");
	return i;
}

static int fd_of(int n)
{
	return slots[slot(n)];
}

static void put(int i, int fd)
{
	if (slots[i] >= 0)
		close(slots[i]);
	slots[i] = fd;
}

/* Nothing here may wait for long, whatever a sequence does. */
static int patient(int fd)
{
	struct timeval limit = { .tv_sec = MILLISECONDS / 1000, .tv_usec = MILLISECONDS % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

static void do_socket(void)
{
	static const struct { const char *name; int domain, type; } kinds[] = {
		{ "tcp4", AF_INET, SOCK_STREAM }, { "tcp6", AF_INET6, SOCK_STREAM },
		{ "udp4", AF_INET, SOCK_DGRAM }, { "udp6", AF_INET6, SOCK_DGRAM },
		{ "stream", AF_UNIX, SOCK_STREAM }, { "dgram", AF_UNIX, SOCK_DGRAM },
		{ "packets", AF_UNIX, SOCK_SEQPACKET },
	};
	int domain = number("domain", 0), type = number("type", 0), protocol = number("protocol", 0), fd;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(word(2), kinds[i].name)) {
			domain = kinds[i].domain;
			type = kinds[i].type | number("flags", 0);
		}
	fd = socket(domain, type, protocol);
	tell(fd, "%s%s", fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK ? "nonblock " : "",
	     fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC ? "cloexec" : "");
	put(slot(1), patient(fd));
}

/* What is no socket, or no socket of the internet. */
static void do_file(void)
{
	const char *kind = word(2);
	int fd = -1, pair[2] = { -1, -1 };

	if (!strcmp(kind, "pipe"))
		fd = pipe(pair) ? -1 : pair[0];
	else if (!strcmp(kind, "pair"))
		fd = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : patient(pair[0]);
	else if (!strcmp(kind, "null"))
		fd = open("/dev/null", O_RDWR);
	else if (!strcmp(kind, "path"))
		fd = open("/", O_PATH);
	else if (!strcmp(kind, "epoll"))
		fd = epoll_create1(0);
	else
		broken("what file is that?");
	tell(fd, NULL);
	put(slot(1), fd);
	if (pair[1] >= 0)
		close(pair[1]);
}

static void do_bind(void)
{
	union any a;
	socklen_t len;
	size_t size = address(2, &a, &len);

	contract(fd_of(1), &a, len);
	tell(bind(fd_of(1), place_address(&a, size), len), NULL);
}

static void do_listen(void)
{
	int failed = bind_listener(fd_of(1));

	tell(failed ? failed : listen(fd_of(1), atoi(word(2))), NULL);
}

static void settle(int fd, short events)
{
	struct pollfd polled = { .fd = fd, .events = events };
	int saved = errno;

	poll(&polled, 1, MILLISECONDS);
	errno = saved;
}

static void do_connect(void)
{
	union any a;
	socklen_t len;
	size_t size = address(2, &a, &len);
	int result;

	contract_destination(&a, len);
	result = connect(fd_of(1), place_address(&a, size), len);
	if (result)
		bind_as_without_programs(fd_of(1), &a, len);

	/* What is going on is done with, unless nobody answers: the next step is to find one thing or the other. */
	if (result && errno == EINPROGRESS && strcmp(word(2), SILENT_4) && strcmp(word(2), SILENT_6))
		settle(fd_of(1), POLLOUT);
	tell(result, NULL);
}

static void do_accept(void)
{
	union any a = { 0 };
	socklen_t len = sizeof a;
	int fd;

	if (option(fd_of(1), SOL_SOCKET, SO_ACCEPTCONN) == 1)
		settle(fd_of(1), POLLIN);
	fd = accept4(fd_of(1), &a.sa, &len, number("flags", 0));
	tell(fd, "from %s", address_name(&a, len));
	put(slot(2), fd);
}

/* A control message: source=IP or source6=IP, with the interface index of device=. */
static size_t control(char *to)
{
	const char *v4 = setting("source"), *v6 = setting("source6");
	struct cmsghdr *header = (struct cmsghdr *)to;

	if (v4) {
		struct in_pktinfo info = { .ipi_ifindex = number("device", 0) };

		inet_pton(AF_INET, v4, &info.ipi_spec_dst);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(header), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	if (v6) {
		struct in6_pktinfo info = { .ipi6_ifindex = number("device", 0) };

		inet_pton(AF_INET6, v6, &info.ipi6_addr);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(header), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	return 0;
}

static char payload[70000];

static void do_send(const char *call)
{
	union any a;
	socklen_t len;
	size_t address_size = address(3, &a, &len), size = atoi(word(2));
	int fd = fd_of(1), flags = number("flags", 0);
	const char *from = setting("payload") ? pages + 3 * PAGE : payload;
	char space[64] __attribute__((aligned(8)));
	const void *at;
	long sent;

	if (size > sizeof payload)
		broken("too long a payload");
	contract_destination(&a, len);
	bind_sender(fd, &a, len, size, flags);
	at = place_address(&a, address_size);
	if (!strcmp(call, "sendto")) {
		if (!at)
			bind_speechless(fd);
		sent = sendto(fd, from, size, flags, at, len);
	} else {
		struct iovec parts[2] = { { (void *)from, size / 2 }, { (void *)(from + size / 2), size - size / 2 } };
		struct mmsghdr message = { .msg_hdr = { .msg_name = (void *)at, .msg_namelen = len, .msg_iov = parts,
							.msg_iovlen = 2, .msg_control = space } };

		message.msg_hdr.msg_controllen = control(space);
		if (!strcmp(call, "sendmsg"))
			sent = sendmsg(fd, &message.msg_hdr, flags);
		else
			sent = sendmmsg(fd, &message, 1, flags);
	}
	tell(sent, "%ld", sent);
}

static void do_recv(void)
{
	union any a = { 0 };
	socklen_t len = sizeof a;
	static char bytes[70000];
	long got = recvfrom(fd_of(1), bytes, sizeof bytes, MSG_DONTWAIT, &a.sa, &len);

	tell(got, "%ld from %s", got, address_name(&a, len));
}

/* getsockname and getpeername, with any room, anywhere. What is behind the room must stay as it was. */
static void do_name(int call)
{
	union any a;
	const char *where = setting("at"), *len_where = setting("lenat");
	long room = number("room", sizeof a.in6), written;
	int told = room, *told_at = &told;
	void *at;

	memset(&a, 0xa5, sizeof a);
	at = place(where, &a, sizeof a);
	if (len_where)
		told_at = !strcmp(len_where, "null") ? NULL : (int *)(pages + 3 * PAGE);
	if (syscall(call, fd_of(1), at, told_at)) {
		tell(-1, NULL);
		return;
	}
	if (where && strcmp(where, "odd")) {
		tell(0, "length %d", told);
		return;
	}
	memcpy(&a, at, sizeof a);
	written = room < told ? room : told;
	for (size_t i = written; i < sizeof a; i++) {
		if (a.bytes[i] != (char)0xa5) {
			tell(0, "writes beyond the room");
			return;
		}
		a.bytes[i] = 0;
	}
	/* Half a port is no port. */
	tell(0, "%s length %d", written < 4 ? "short" : address_name(&a, written), told);
}

static void do_set(void)
{
	static const struct { const char *name; int level, option; } options[] = {
		{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR }, { "reuseport", SOL_SOCKET, SO_REUSEPORT },
		{ "broadcast", SOL_SOCKET, SO_BROADCAST }, { "keepalive", SOL_SOCKET, SO_KEEPALIVE },
		{ "device", SOL_SOCKET, SO_BINDTODEVICE }, { "freebind", IPPROTO_IP, IP_FREEBIND },
		{ "noport", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT }, { "pktinfo", IPPROTO_IP, IP_PKTINFO },
		{ "ttl", IPPROTO_IP, IP_TTL }, { "group_device", IPPROTO_IP, IP_MULTICAST_IF },
		{ "v6only", IPPROTO_IPV6, IPV6_V6ONLY }, { "pktinfo6", IPPROTO_IPV6, IPV6_RECVPKTINFO },
		{ "source6", IPPROTO_IPV6, IPV6_PKTINFO }, { "hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS },
		{ "group_device6", IPPROTO_IPV6, IPV6_MULTICAST_IF }, { "nodelay", IPPROTO_TCP, TCP_NODELAY },
		{ "mark", SOL_SOCKET, SO_MARK },
	};
	const char *value = word(3);
	char bytes[32] = { 0 };
	socklen_t len = sizeof(int);

	if (inet_pton(AF_INET6, value, bytes))
		len = sizeof(struct in6_pktinfo);
	else if (!inet_pton(AF_INET, value, bytes)) {
		if ((*value >= '0' && *value <= '9') || *value == '-')
			memcpy(bytes, &(int){ atoi(value) }, sizeof(int));
		else
			len = stpncpy(bytes, value, sizeof bytes - 1) - bytes + 1;
	}
	len = number("len", len);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcmp(word(2), options[i].name)) {
			void *at = place(setting("at"), bytes, sizeof bytes);

			tell(setsockopt(fd_of(1), options[i].level, options[i].option, at, len), NULL);
			return;
		}
	broken("what option is that?");
}

static void do_dup(void)
{
	int fd = dup(fd_of(1));

	tell(fd, NULL);
	if (slot(1) != slot(2))
		put(slot(2), fd);
	else if (fd >= 0)
		close(fd);
}
