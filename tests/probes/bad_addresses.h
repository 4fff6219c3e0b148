/* Bad addresses, options, rooms for names, and numbers: bind, connect, sendto, setsockopt, getsockname, getpeername, socket,
 * listen. */
#pragma once
#include "bad_input.h"

static const word lengths[] = { 0, 1, 2, 3, 7, 8, 15, 16, 17, 23, 24, 27, 28, 29, 110, 127, 128, 129, PAGE, 0x7fffffff,
				0x80000000, 0xffffffff, 0x100000010, 0xffffffff00000010 };
#define LENGTHS (sizeof lengths / sizeof *lengths)

/* An address that would do for that call and that kind of socket. */
static size_t good_address(enum kind kind, int port, char *to)
{
	struct sockaddr_in a = v4("10.0.0.1", port);
	struct sockaddr_in6 a6 = v6("fd00:1::1", port);
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0bad-input" };

	if (kind == TCP6 || kind == UDP6)
		return memcpy(to, &a6, sizeof a6), sizeof a6;
	if (kind == STREAM || kind == DGRAM || kind == PAIR)
		return memcpy(to, &un, 12), 12;
	return memcpy(to, &a, sizeof a), sizeof a;
}

static void bad_addresses(struct run *r, int call, const char *name)
{
	char address[sizeof(struct sockaddr_storage)];

	for (int kind = 0; kind < KINDS; kind++)
		for (size_t p = 0; p < PLACES; p++)
			for (size_t n = 0; n < LENGTHS; n++) {
				size_t size = good_address(kind, call == SYS_bind ? 0 : CLOSED, address);
				struct made m;
				word at;

				if (!due(r))
					continue;
				m = make(kind);
				at = place(&r->arena, p, 0, address, size);
				NAME(r, "%s %s address %s length %#lx", name, kind_names[kind], places[p], lengths[n]);
				outcome(r, call == SYS_sendto ? syscall(call, m.fd, "hello", 5, MSG_NOSIGNAL, at, lengths[n])
							      : syscall(call, m.fd, at, lengths[n]));
				unmake(m);
			}
}

/* The payload of sendto, and its flags. */
static void bad_sendto(struct run *r)
{
	static const word sizes[] = { 0, 1, 100, 65507, 65508, 70000, 0x7fffffff, 0x80000000, 0x7fffffffffffffff,
				      0x8000000000000000, 0xffffffffffffffff };
	static const enum kind kinds[] = { UDP4, UDP6, UDP4_CONNECTED, TCP4_CONNECTED, TCP4, DGRAM, PAIR, PIPE, CLOSED_FD };
	static char payload[100];
	char address[sizeof(struct sockaddr_storage)];

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		size_t size = good_address(kinds[k], SINK, address);

		for (size_t p = 0; p < PLACES; p++)
			for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
				struct made m;
				word at, from;

				/* How much of a stream is taken depends on when its peer has room. */
				if ((kinds[k] == TCP4_CONNECTED && p < FIRST_BAD && n > 2) || !due(r))
					continue;
				m = make(kinds[k]);
				at = put(&r->arena, 36 * PAGE, address, size);
				from = place(&r->arena, p, 1, payload, sizeof payload);
				NAME(r, "sendto %s payload %s size %#lx", kind_names[kinds[k]], places[p], sizes[n]);
				outcome(r, syscall(SYS_sendto, m.fd, from, sizes[n], MSG_NOSIGNAL, at, size));
				unmake(m);
			}
		for (int bit = 0; bit < 32; bit++) {
			int flags = (int)(1u << bit);
			struct made m;
			word at;

			/* Section 4 of the contract: on local sockets a context refuses MSG_FASTOPEN, which means nothing. */
			if ((flags == MSG_FASTOPEN && (kinds[k] == DGRAM || kinds[k] == PAIR)) || !due(r))
				continue;
			m = make(kinds[k]);
			at = put(&r->arena, 36 * PAGE, address, size);
			NAME(r, "sendto %s flags %#x", kind_names[kinds[k]], flags);
			outcome(r, syscall(SYS_sendto, m.fd, "hello", 5, flags | MSG_NOSIGNAL | MSG_DONTWAIT, at, size));
			unmake(m);
		}
	}
}

static void bad_options(struct run *r)
{
	/* Of options that name a source, and some that do not. Those that a context refuses as such (section 4) are left out. */
	static const struct { int level, option; const char *name; } options[] = {
		{ SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR" }, { SOL_SOCKET, SO_BINDTODEVICE, "SO_BINDTODEVICE" },
		{ SOL_SOCKET, SO_ATTACH_FILTER, "SO_ATTACH_FILTER" }, { IPPROTO_IP, IP_MULTICAST_IF, "IP_MULTICAST_IF" },
		{ IPPROTO_IP, IP_ADD_MEMBERSHIP, "IP_ADD_MEMBERSHIP" }, { IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO" },
		{ IPPROTO_IPV6, IPV6_PKTINFO, "IPV6_PKTINFO" }, { IPPROTO_IPV6, IPV6_MULTICAST_IF, "IPV6_MULTICAST_IF" },
		{ IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY" }, { 77, 77, "unknown" }, { -1, -1, "-1" },
	};
	static const word sizes[] = { 0, 1, 3, 4, 8, 12, 19, 20, 24, 64, 65, PAGE, 0x7fffffff, 0x80000000, 0xffffffff,
				      0x100000004 };
	static const enum kind kinds[] = { TCP4, UDP4, UDP6, STREAM, PIPE, CLOSED_FD };
	static const char zero[24];

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t o = 0; o < sizeof options / sizeof *options; o++)
			for (size_t p = 0; p < PLACES; p++)
				for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
					struct made m;
					word at;

					if (!due(r))
						continue;
					m = make(kinds[k]);
					at = place(&r->arena, p, 0, zero, sizeof zero);
					NAME(r, "setsockopt %s %s value %s size %#lx", kind_names[kinds[k]], options[o].name,
					     places[p], sizes[n]);
					outcome(r, syscall(SYS_setsockopt, m.fd, options[o].level, options[o].option, at,
							   sizes[n]));
					unmake(m);
				}
}

/* What a call has written: the length, and bytes that were 0xa5 before. */
static void describe_room(char *to, const unsigned char *bytes, const int *len)
{
	to += sprintf(to, " [%d ", len ? *len : 0);
	for (int i = 0; bytes && i < 32; i++)
		to += sprintf(to, "%02x", bytes[i]);
	sprintf(to, "]");
}

/* A name is written to the place p, and its length to the place q. What is written is part of the outcome. */
static void bad_room(struct run *r, int call, const char *name, enum kind kind, size_t p, size_t q, int room)
{
	/* Loopback, which inside is the name of another address; and one that is called the same everywhere. */
	struct sockaddr_in a = v4("127.0.0.1", NAMED);
	struct sockaddr_in6 a6 = v6("fd00:1::1", NAMED);
	unsigned char bytes[32];
	int on = 1, len = room;
	struct made m = make(kind);
	word at, len_at;
	long result;

	memset(bytes, 0xa5, sizeof bytes);
	setsockopt(m.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (kind == TCP4 || kind == UDP4)
		bind(m.fd, (void *)&a, sizeof a);
	if (kind == TCP6 || kind == UDP6)
		bind(m.fd, (void *)&a6, sizeof a6);
	/* Two that lie at the same place are one too many. */
	at = place(&r->arena, p, 0, bytes, sizeof bytes);
	len_at = place(&r->arena, p == q && p >= 3 ? 6 : q, 1, &len, sizeof len);
	NAME(r, "%s %s at %s room %d at %s", name, kind_names[kind], places[p], room, places[q]);
	result = syscall(call, m.fd, at, len_at);
	if (!r->storms) {
		const int *told = q < 4 && !(p == q && p == 3) ? (int *)len_at : NULL;

		if (p < 4)
			memcpy(bytes, (void *)at, sizeof bytes);
		if (told)
			memcpy(&len, told, sizeof len);
		/* The kernel chooses the port of a connected one. */
		if (!result && kind == UDP4_CONNECTED)
			for (int i = 2; i < 4 && i < room && i < len; i++)
				bytes[i] = 0;
		describe_room(r->what + strlen(r->what), p < 4 ? bytes : NULL, told ? &len : NULL);
	}
	outcome(r, result);
	unmake(m);
}

static void bad_rooms(struct run *r, int call, const char *name)
{
	static const int rooms[] = { 16, 0, 1, 2, 8, 15, 17, 28, 128, -1, 0x7fffffff, -0x7fffffff - 1 };
	static const enum kind kinds[] = { TCP4, TCP6, UDP4, UDP6, STREAM, UDP4_CONNECTED, PAIR, PIPE, CLOSED_FD };

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t p = 0; p < PLACES; p++)
			for (size_t q = 0; q < PLACES; q++)
				/* Every room where one place is good, the first where both are not. */
				for (size_t n = 0; n < (p && q ? 1 : sizeof rooms / sizeof *rooms); n++)
					if (due(r))
						bad_room(r, call, name, kinds[k], p, q, rooms[n]);
}

static void bad_numbers(struct run *r)
{
	/* Families, types and protocols that no kernel knows, or that do not go together. (What a kernel may know and a
	 * context refuses is no bad input: SOCK_RAW 3, SOCK_SEQPACKET 5, SOCK_DCCP 6, SOCK_PACKET 10.) */
	static const word domains[] = { 1, 2, 10, 46, 255, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000002 };
	static const word types[] = { 0, 1, 2, 4, 7, 8, 9, 11, 15, 0x11, 0x401, 0x801, 0x80001, 0x80000801, 0x80000000,
				      0xffffffff, 0x100000001 };
	static const word protocols[] = { 0, 6, 17, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000 };
	static const word backlogs[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000 };

	for (size_t d = 0; d < sizeof domains / sizeof *domains; d++)
		for (size_t t = 0; t < sizeof types / sizeof *types; t++)
			for (size_t p = 0; p < sizeof protocols / sizeof *protocols; p++) {
				long fd;

				if (!due(r))
					continue;
				fd = syscall(SYS_socket, domains[d], types[t], protocols[p]);
				NAME(r, "socket %#lx %#lx %#lx", domains[d], types[t], protocols[p]);
				outcome(r, fd < 0 ? fd : 0);
				if (fd >= 0)
					close(fd);
			}
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t n = 0; n < sizeof backlogs / sizeof *backlogs; n++) {
			struct made m;

			if (!due(r))
				continue;
			m = make(kind);
			NAME(r, "listen %s %#lx", kind_names[kind], backlogs[n]);
			outcome(r, syscall(SYS_listen, m.fd, backlogs[n]));
			unmake(m);
		}
}
