/* The calls of a storm. Each is made at most once: what it comes to does not matter here. */
#ifndef STORM_CALLS_H
#define STORM_CALLS_H

#include "storm.h"

/* Descriptors that all threads of a process use. Those of inet sockets are apart from the others, unless they are to be
 * `mixed`: that one is put in the place of the other during a call is a known gap of the default mode. */
enum { INET = 100, OTHER = 140, SLOTS = 12 };
static int mixed;

static const char *const addresses[] = {
	"0.0.0.0", "0.0.0.0", "10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", "10.5.0.9", "127.0.0.1", "127.0.0.2",
	"127.3.232.1", "127.3.233.1", "127.0.0.53", "192.0.2.77", "255.255.255.255", "224.0.0.251", "::", "::", "::1",
	"fd00:1::1", "fd00:1::2", "2001:db8::7", "ff02::fb", "fe80::1", "::ffff:0.0.0.0", "::ffff:10.0.0.1",
	"::ffff:10.0.0.3", "::ffff:127.0.0.1", "::ffff:127.3.232.1", "::10.0.0.3",
};

/* 7000: the peer outside of the context listens there, at 10.0.0.3. */
static const int ports[] = { 0, 0, 7000, 7000, 8000, 8001, 8002, 8003, 8004, 80, 53, 65535 };

/* An address at `to`, which has room for one; gives its length. */
static socklen_t address(uint64_t *state, void *to)
{
	const char *text = ONE_OF(state, addresses);
	in_port_t port = htons(ONE_OF(state, ports));
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_un local = { .sun_family = AF_UNIX };

	if (below(state, 16) == 0) {
		/* An abstract name, of which there are few. */
		local.sun_path[1] = 'a' + below(state, 4);
		memcpy(to, &local, sizeof(sa_family_t) + 2);
		return sizeof(sa_family_t) + 2;
	}
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
		memcpy(to, &four, sizeof(four));
		return sizeof(four);
	}
	inet_pton(AF_INET6, text, &six.sin6_addr);
	six.sin6_scope_id = below(state, 8) ? 0 : below(state, 3);
	memcpy(to, &six, sizeof(six));
	return sizeof(six);
}

/* An address somewhere; `*len` is mostly its length. */
static void *some_address(uint64_t *state, socklen_t *len)
{
	static const socklen_t odd[] = { 0, 1, 2, 8, 15, 16, 24, 27, 28, 29, 110, 128, 129, 4096, 0x7fffffff, 0xffffffff };
	char whole[128] = { 0 };
	int usable;
	void *at = place(state, sizeof(whole), &usable);

	*len = address(state, whole);
	if (below(state, 24) == 0)
		*(sa_family_t *)whole = below(state, 50);
	if (usable)
		memcpy(at, whole, *len);
	if (below(state, 12) == 0)
		*len = ONE_OF(state, odd);
	return at;
}

/* Nothing here waits for ever, whatever it is connected to. */
static int bounded(int fd)
{
	struct timeval soon = { 0, 150000 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	return fd;
}

static void into(int fd, int slot)
{
	if (fd < 0)
		return;
	dup3(bounded(fd), slot, O_CLOEXEC);
	close(fd);
}

static void make(uint64_t *state, int slot)
{
	static const struct { int family, type, protocol; } kinds[] = {
		{ AF_INET, SOCK_STREAM, 0 }, { AF_INET, SOCK_STREAM, 0 }, { AF_INET, SOCK_DGRAM, 0 }, { AF_INET, SOCK_DGRAM, 0 },
		{ AF_INET6, SOCK_STREAM, 0 }, { AF_INET6, SOCK_DGRAM, 0 }, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 }, { AF_INET, SOCK_STREAM, 262 }, { AF_INET, SOCK_RAW, IPPROTO_UDP },
		{ AF_INET, SOCK_STREAM, 132 }, { AF_INET, SOCK_DGRAM, 136 }, { 17, SOCK_DGRAM, 0 }, { 40, SOCK_STREAM, 0 },
	}, others[] = {
		{ AF_UNIX, SOCK_STREAM, 0 }, { AF_UNIX, SOCK_DGRAM, 0 }, { AF_UNIX, SOCK_SEQPACKET, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
	};
	int flags = below(state, 2) ? SOCK_NONBLOCK : 0, off = below(state, 2);
	int inet = mixed ? below(state, 3) : slot < OTHER;
	int which = inet ? below(state, sizeof(kinds) / sizeof(*kinds)) : below(state, 4);
	int family = inet ? kinds[which].family : others[which].family;
	int fd = inet ? socket(family, kinds[which].type | flags, kinds[which].protocol)
		      : socket(family, others[which].type | flags, others[which].protocol);

	if (fd >= 0 && family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	into(fd, slot);
}

/* struct in_pktinfo or struct in6_pktinfo, own or foreign; gives the length of the list. */
static size_t control(uint64_t *state, char *to)
{
	union { char bytes[128]; struct cmsghdr aligned; } list = { { 0 } };
	struct cmsghdr *head = &list.aligned;
	struct in6_pktinfo six = { .ipi6_ifindex = below(state, 3) };
	struct in_pktinfo four = { .ipi_ifindex = below(state, 3) };
	const char *text = ONE_OF(state, addresses);
	size_t size;

	if (inet_pton(AF_INET, text, &four.ipi_spec_dst) == 1) {
		size = sizeof(four);
		*head = (struct cmsghdr){ CMSG_LEN(size), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(head), &four, size);
	} else {
		inet_pton(AF_INET6, text, &six.ipi6_addr);
		size = sizeof(six);
		*head = (struct cmsghdr){ CMSG_LEN(size), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(head), &six, size);
	}
	if (below(state, 16) == 0)
		head->cmsg_len = next(state) >> below(state, 64);
	memcpy(to, list.bytes, CMSG_SPACE(size));
	return CMSG_SPACE(size);
}

/* A message whose parts are anywhere; all of the parts are in memory that other threads write to. */
static void message(uint64_t *state, struct msghdr *head)
{
	static const size_t counts[] = { 0, 1, 1, 1, 2, 3, 8, 64, 1024, 1025, 0xffffffff, -1 };
	static struct iovec vectors[1024];
	int usable;

	memset(head, 0, sizeof(*head));
	if (below(state, 3))
		head->msg_name = some_address(state, &head->msg_namelen);
	head->msg_iovlen = ONE_OF(state, counts);
	head->msg_iov = below(state, 12) ? vectors : place(state, sizeof(*vectors), &usable);
	for (unsigned n = 0; n < 4; n++) {
		struct iovec *one = &vectors[below(state, n ? 1024 : 1)];

		one->iov_base = place(state, 64, &usable);
		one->iov_len = below(state, 16) ? below(state, 64) : next(state) >> below(state, 64);
	}
	if (below(state, 3) == 0) {
		head->msg_control = place(state, 128, &usable);
		head->msg_controllen = usable ? control(state, head->msg_control) : below(state, 200);
		if (below(state, 16) == 0)
			head->msg_controllen = next(state) >> below(state, 64);
	}
}

static void sends(uint64_t *state, int slot, int flags, int several)
{
	int usable, count = several ? below(state, 5) : 1;
	struct mmsghdr heads[4], *at = place(state, sizeof(heads), &usable);

	for (int n = 0; n < 4; n++)
		message(state, &heads[n].msg_hdr);
	if (usable && (char *)at + sizeof(heads) < pages.flux + PAGE)
		memcpy(at, heads, sizeof(heads));
	if (several)
		syscall(SYS_sendmmsg, slot, at, below(state, 20) ? count : -1, flags);
	else
		syscall(SYS_sendmsg, slot, at, flags);
}

static void options(uint64_t *state, int slot)
{
	static const int names[][2] = {
		{ SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_BROADCAST },
		{ SOL_SOCKET, SO_ATTACH_FILTER }, { SOL_SOCKET, SO_DETACH_FILTER }, { SOL_SOCKET, SO_LOCK_FILTER },
		{ SOL_SOCKET, SO_BINDTODEVICE }, { IPPROTO_IP, IP_FREEBIND }, { IPPROTO_IP, IP_TRANSPARENT }, { IPPROTO_IP, IP_PKTINFO },
		{ IPPROTO_IP, IP_OPTIONS }, { IPPROTO_IP, IP_HDRINCL }, { IPPROTO_IP, IP_MULTICAST_IF },
		{ IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */ }, { IPPROTO_IPV6, IPV6_V6ONLY }, { IPPROTO_IPV6, IPV6_PKTINFO },
		{ IPPROTO_IPV6, IPV6_RTHDR }, { IPPROTO_IPV6, 78 /* IPV6_FREEBIND */ }, { IPPROTO_IPV6, 6 /* IPV6_2292PKTOPTIONS */ },
	};
	int which = below(state, sizeof(names) / sizeof(*names)), usable;
	socklen_t len = below(state, 4) ? 4 : below(state, 40);
	char *at = place(state, len, &usable);

	if (usable)
		*at = below(state, 2);
	syscall(SYS_setsockopt, slot, names[which][0], names[which][1], at, len);
}

/* A name, into memory that may not be there, with a length that may not be either. */
static void name(uint64_t *state, int slot, long call)
{
	int usable;
	socklen_t *len = place(state, sizeof(*len), &usable);

	if (usable)
		*len = below(state, 4) ? 128 : next(state);
	syscall(call, slot, place(state, 128, &usable), len);
}

/* A descriptor goes out by a message and comes in by another. */
static void pass(uint64_t *state, int from, int to)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr aligned; } list;
	struct iovec byte = { &list, 1 };
	struct msghdr head = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &list, .msg_controllen = sizeof(list) };
	int ends[2];

	if (socketpair(AF_UNIX, below(state, 2) ? SOCK_STREAM : SOCK_DGRAM, 0, ends))
		return;
	list.aligned = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&list.aligned), &from, sizeof(int));
	if (syscall(SYS_sendmsg, bounded(ends[0]), &head, 0) == 1 && recvmsg(ends[1], &head, MSG_DONTWAIT) == 1 &&
	    head.msg_controllen >= CMSG_LEN(sizeof(int))) {
		int got;

		memcpy(&got, CMSG_DATA(&list.aligned), sizeof(int));
		into(got, to);
	}
	close(ends[0]);
	close(ends[1]);
}

static void hear(int slot)
{
	char got[sizeof(NOT_FOR_US)] = { 0 };

	if (recv(slot, got, sizeof(got), MSG_DONTWAIT) == sizeof(got) - 1 && !strcmp(got, NOT_FOR_US))
		shared->heard = 1;
}

/* One of the calls. */
static void one_call(uint64_t *state, struct seat *seat)
{
	static const int flags[] = { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_DONTWAIT, MSG_MORE, MSG_OOB, MSG_FASTOPEN, MSG_CONFIRM, 0 };
	int first = below(state, 5) || mixed ? INET : OTHER;
	int slot = first + below(state, SLOTS), other = first + below(state, SLOTS), usable, call = below(state, 29);
	int backlog = below(state, 2) ? (int)below(state, 8) : (int)next(state);
	socklen_t len;
	void *at = NULL;

	seat->call = call;
	seat->slot = slot;
	seat->began = now_us();
	switch (call) {
	case 0 ... 5: make(state, slot); break;
	case 6 ... 9: at = some_address(state, &len); syscall(SYS_bind, slot, at, len); break;
	case 10 ... 13: at = some_address(state, &len); syscall(SYS_connect, slot, at, len); break;
	case 14 ... 15: syscall(SYS_listen, slot, backlog); break;
	case 16 ... 17:
		at = some_address(state, &len);
		syscall(SYS_sendto, slot, place(state, 64, &usable), (size_t)below(state, 64), ONE_OF(state, flags), at, len);
		break;
	case 18 ... 19: sends(state, slot, ONE_OF(state, flags), 0); break;
	case 20: sends(state, slot, ONE_OF(state, flags), 1); break;
	case 21: name(state, slot, SYS_getsockname); break;
	case 22: name(state, slot, SYS_getpeername); break;
	case 23: options(state, slot); break;
	case 24: dup3(other, slot, O_CLOEXEC); break;
	case 25: close(slot); break;
	case 26: pass(state, slot, other); break;
	case 27: into(accept4(slot, NULL, NULL, SOCK_NONBLOCK), other); break;
	case 28: hear(slot); break;
	}
	seat->began = 0;
	seat->calls++;
	seat->held += call >= 6 && call <= 22 && !(call <= 17 && call >= 16 && !at);
}

#endif
