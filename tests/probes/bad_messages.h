/* Bad messages: sendmsg and sendmmsg. Each has one thing wrong with it. */
#pragma once
#include "bad_input.h"

/* struct iovec, msghdr and cmsghdr with numbers for pointers. */
struct piece {
	word at, size;
};
struct header {
	word name;
	uint32_t name_size, gap;
	word pieces, count, control, control_size;
	uint32_t flags, gap2;
};
struct many {
	struct header header;
	uint32_t sent, gap;
};
struct control {
	word size;
	int level, type;
	char data[48];
};

/* Where the parts of a good message lie: pages of the arena. */
enum { HEADER = 0, ADDRESS = 4, PIECES = 8, PAYLOAD = 16, CONTROL = 20 };
/* The same as lanes of place(). */
#define LANE(part) ((part) / 4)

static const enum kind senders[] = { UDP4, UDP6, UDP4_CONNECTED, TCP4_CONNECTED, PAIR, PIPE, CLOSED_FD };
#define SENDERS (sizeof senders / sizeof *senders)

/* A message in which nothing is wrong. */
static struct header good_message(struct run *r, enum kind kind)
{
	struct arena *a = &r->arena;
	struct sockaddr_in v4_sink = v4("10.0.0.1", SINK);
	struct sockaddr_in6 v6_sink = v6("fd00:1::1", SINK);
	struct piece piece = { put(a, PAYLOAD * PAGE, "hello", 5), 5 };
	struct header h = { .pieces = put(a, PIECES * PAGE, &piece, sizeof piece), .count = 1 };

	if (kind == UDP4) {
		h.name = put(a, ADDRESS * PAGE, &v4_sink, sizeof v4_sink);
		h.name_size = sizeof v4_sink;
	} else if (kind == UDP6) {
		h.name = put(a, ADDRESS * PAGE, &v6_sink, sizeof v6_sink);
		h.name_size = sizeof v6_sink;
	}
	return h;
}

/* One message by both calls. */
static void send_both(struct run *r, enum kind kind, const struct header *h, int flags)
{
	static const char *const calls[] = { "sendmsg", "sendmmsg" };
	struct many many = { .header = *h };
	char what[sizeof r->what];

	if (!r->storms)
		memcpy(what, r->what, sizeof what);
	for (int call = 0; call < 2; call++) {
		struct made m;
		word at;

		if (!due(r))
			continue;
		m = make(kind);
		at = put(&r->arena, HEADER * PAGE, &many, sizeof many);
		NAME(r, "%s %s %.150s", calls[call], kind_names[kind], what);
		flags |= MSG_NOSIGNAL | MSG_DONTWAIT;
		outcome(r, call ? syscall(SYS_sendmmsg, m.fd, at, 1, flags) : syscall(SYS_sendmsg, m.fd, at, flags));
		unmake(m);
	}
}

static void bad_headers(struct run *r, enum kind kind)
{
	static const uint32_t name_sizes[] = { 0, 1, 2, 15, 16, 17, 24, 27, 28, 128, 129, PAGE, 0x7fffffff, 0x80000000,
					       0xffffffff };
	struct sockaddr_in address = v4("10.0.0.1", SINK);
	struct header h;

	for (size_t p = 0; p < PLACES; p++)
		for (size_t n = 0; n < sizeof name_sizes / sizeof *name_sizes; n++) {
			h = good_message(r, kind);
			h.name = place(&r->arena, p, LANE(ADDRESS), &address, sizeof address);
			h.name_size = name_sizes[n];
			NAME(r, "name %s size %#x", places[p], name_sizes[n]);
			send_both(r, kind, &h, 0);
		}
	for (int bit = 0; bit < 32; bit++) {
		if (1u << bit == MSG_FASTOPEN && kind == PAIR)
			continue;
		h = good_message(r, kind);
		NAME(r, "flags %#x", 1u << bit);
		send_both(r, kind, &h, (int)(1u << bit));
		h.flags = 1u << bit;
		NAME(r, "flags in the header %#x", 1u << bit);
		send_both(r, kind, &h, 0);
	}
}

static void bad_pieces(struct run *r, enum kind kind)
{
	static const word counts[] = { 0, 1, 2, 1024, 1025, 0x7fffffff, 0x80000000, 0x100000001, 0x7fffffffffffffff,
				       0x8000000000000000, 0xffffffffffffffff };
	static const word sizes[] = { 0, 1, 100, PAGE, 0x7ffff000, 0x80000000, 0x100000001, 0x7fffffffffffffff,
				      0x8000000000000000, 0xffffffffffffffff };
	static struct piece empty[1024];
	static const char payload[100];
	struct piece pieces[2];
	struct header h;

	for (size_t p = 0; p < PLACES; p++)
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
			/* As many as there are; with more, what lies behind is read as more of them. */
			size_t there = counts[n] > 1024 ? 1024 : counts[n];

			/* There is one page that can only be read. */
			if (p == 5 && there > 200)
				there = 200;
			h = good_message(r, kind);
			h.pieces = place(&r->arena, p, LANE(PIECES), empty, there * sizeof *empty);
			h.count = counts[n];
			NAME(r, "pieces %s count %#lx", places[p], counts[n]);
			send_both(r, kind, &h, 0);
		}
	for (size_t p = 0; p < PLACES; p++)
		for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
			for (int second = 0; second < 3; second++) {
				/* Alone, before a good one, after a good one. How much of a stream is taken depends on when its
				 * peer has room. */
				if (kind == TCP4_CONNECTED && p < FIRST_BAD && sizes[n] > PAGE)
					continue;
				h = good_message(r, kind);
				pieces[0] = pieces[1] = (struct piece){ put(&r->arena, PAYLOAD * PAGE, payload, 100), 100 };
				pieces[second == 2].at = place(&r->arena, p, LANE(PAYLOAD) + 1, payload, sizeof payload);
				pieces[second == 2].size = sizes[n];
				h.pieces = put(&r->arena, PIECES * PAGE, pieces, sizeof pieces);
				h.count = second ? 2 : 1;
				NAME(r, "piece %s size %#lx, %s", places[p], sizes[n],
				     second ? second == 1 ? "a good one after it" : "a good one before it" : "alone");
				send_both(r, kind, &h, 0);
			}
	/* Sums that overflow. */
	for (size_t n = 4; n < sizeof sizes / sizeof *sizes; n++) {
		h = good_message(r, kind);
		pieces[0] = pieces[1] = (struct piece){ (word)r->arena.k + OPEN_PAGES * PAGE, sizes[n] };
		h.pieces = put(&r->arena, PIECES * PAGE, pieces, sizeof pieces);
		h.count = 2;
		NAME(r, "two pieces of %#lx", sizes[n]);
		send_both(r, kind, &h, 0);
	}
}

static void bad_controls(struct run *r, enum kind kind)
{
	static const word sizes[] = { 0, 1, 8, 15, 16, 17, 20, 24, 27, 28, 29, 32, 36, 40, 64, PAGE, 20480, 131072, 131073,
				      0x7fffffff, 0x80000000, 0x100000020, 0x7fffffffffffffff, 0x8000000000000000,
				      0xffffffffffffffff };
	/* Not IP_RETOPTS and IPV6_RTHDR: a context refuses those (section 4). */
	static const struct { int level, type; } types[] = {
		{ IPPROTO_IP, IP_PKTINFO }, { IPPROTO_IP, IP_TTL }, { IPPROTO_IP, IP_TOS }, { IPPROTO_IP, 99 },
		{ IPPROTO_IPV6, IPV6_PKTINFO }, { IPPROTO_IPV6, IPV6_HOPLIMIT }, { IPPROTO_IPV6, 99 },
		{ SOL_SOCKET, SCM_RIGHTS }, { SOL_SOCKET, 2 }, { SOL_SOCKET, SO_MARK }, { SOL_SOCKET, 99 },
		{ IPPROTO_UDP, 103 }, { 77, 1 }, { -1, -1 },
	};
	struct control control[40];
	struct header h;

	for (size_t p = 0; p < PLACES; p++)
		for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
			memset(control, 0, sizeof control);
			control[0] = (struct control){ 64, 77, 1, "" };
			h = good_message(r, kind);
			h.control = place(&r->arena, p, LANE(CONTROL), control, 64);
			h.control_size = sizes[n];
			NAME(r, "control %s size %#lx", places[p], sizes[n]);
			send_both(r, kind, &h, 0);
		}
	for (size_t t = 0; t < sizeof types / sizeof *types; t++)
		for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
			for (int second = 0; second < 2; second++) {
				memset(control, 0, sizeof control);
				/* Alone, and behind one that is good. */
				control[0] = (struct control){ 16 + sizeof(int), IPPROTO_IP, IP_TTL, { second } };
				memcpy(&control[second].level, &types[t], sizeof types[t]);
				control[second].size = sizes[n];
				h = good_message(r, kind);
				if (second) {
					char bytes[24 + sizeof *control];

					memcpy(bytes, control, 24);
					memcpy(bytes + 24, control + 1, sizeof *control);
					h.control = put(&r->arena, CONTROL * PAGE, bytes, sizeof bytes);
					h.control_size = sizeof bytes;
				} else {
					h.control = put(&r->arena, CONTROL * PAGE, control, sizeof *control);
					h.control_size = sizeof *control;
				}
				NAME(r, "control level %d type %d size %#lx%s", types[t].level, types[t].type, sizes[n],
				     second ? " behind another" : "");
				send_both(r, kind, &h, 0);
			}
	/* Many of them, none of which means anything. */
	for (int n = 0; n < 40; n++)
		control[n] = (struct control){ sizeof *control, 77, 1, "" };
	h = good_message(r, kind);
	h.control = put(&r->arena, CONTROL * PAGE, control, sizeof control);
	h.control_size = sizeof control;
	NAME(r, "many controls");
	send_both(r, kind, &h, 0);
}

/* The headers themselves: where they lie, how many there are. */
static void bad_vectors(struct run *r, enum kind kind)
{
	static const word counts[] = { 0, 1, 2, 3, 4, 1024, 1025, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000001 };
	struct many many[3];
	struct made m;
	word at;

	for (size_t p = 0; p < PLACES; p++) {
		struct header h = good_message(r, kind);

		if (!due(r))
			continue;
		m = make(kind);
		at = place(&r->arena, p, LANE(HEADER), &h, sizeof h);
		NAME(r, "sendmsg %s header %s", kind_names[kind], places[p]);
		outcome(r, syscall(SYS_sendmsg, m.fd, at, MSG_NOSIGNAL | MSG_DONTWAIT));
		unmake(m);
	}
	for (size_t p = 0; p < PLACES; p++)
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
			for (int bad = 0; bad < 4; bad++) {
				memset(many, 0, sizeof many);
				for (int i = 0; i < 3; i++)
					many[i].header = good_message(r, kind);
				/* None of them is bad, or the first, the second, the third. */
				if (bad)
					many[bad - 1].header.pieces = (word)r->arena.k + OPEN_PAGES * PAGE;
				if (!due(r))
					continue;
				m = make(kind);
				/* What is not at the end of memory is followed by a message whose pieces are nowhere. */
				memset(r->arena.stable, 0xff, 2 * PAGE);
				at = place(&r->arena, p, LANE(HEADER), many, sizeof many);
				NAME(r, "sendmmsg %s headers %s count %#lx bad %d", kind_names[kind], places[p], counts[n], bad);
				outcome(r, syscall(SYS_sendmmsg, m.fd, at, counts[n], MSG_NOSIGNAL | MSG_DONTWAIT));
				unmake(m);
			}
}

static void bad_messages(struct run *r)
{
	for (size_t k = 0; k < SENDERS; k++) {
		bad_headers(r, senders[k]);
		bad_pieces(r, senders[k]);
		bad_controls(r, senders[k]);
		bad_vectors(r, senders[k]);
	}
}
