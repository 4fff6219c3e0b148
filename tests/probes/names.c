/* Names of peers where there is little room for them: prints the address that is shown, and whether what comes after the room
 * is as it was. The sockets are on 127.0.0.1; six is IPv6 with the mapped address.
 *
 *     $ names
 *     recvfrom4-8=127.0.0.1 kept
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	unsigned char bytes[64];
};

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static int bound(int family, int type, union any *a, socklen_t *len)
{
	int fd = socket(family, type, 0);

	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	if (family == AF_INET6) {
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &a->in6.sin6_addr);
		*len = sizeof(a->in6);
	} else {
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*len = sizeof(a->in);
	}
	check(fd >= 0 && bind(fd, &a->sa, *len) == 0, "bind");
	check(getsockname(fd, &a->sa, len) == 0, "getsockname");
	return fd;
}

/* Room of so many bytes for a name, and what was written there. */
static void look(const char *call, int family, socklen_t room)
{
	union any at, name;
	socklen_t len;
	char text[8], shown[INET6_ADDRSTRLEN];
	int server = bound(family, strncmp(call, "accept", 6) ? SOCK_DGRAM : SOCK_STREAM, &at, &len), client;
	struct iovec iov = { text, sizeof(text) };
	struct mmsghdr m = { .msg_hdr = { .msg_name = &name, .msg_namelen = room, .msg_iov = &iov, .msg_iovlen = 1 } };
	int kept = 1;

	memset(&name, 0xaa, sizeof(name));
	if (!strncmp(call, "accept", 6)) {
		check(listen(server, 1) == 0, "listen");
		client = socket(family, SOCK_STREAM, 0);
		check(connect(client, &at.sa, len) == 0, "connect");
		len = room;
		check((call[6] ? accept4(server, &name.sa, &len, 0) : accept(server, &name.sa, &len)) >= 0, call);
	} else {
		union any own;
		socklen_t own_len;

		client = bound(family, SOCK_DGRAM, &own, &own_len);
		check(sendto(client, "x", 1, 0, &at.sa, len) == 1, "sendto");
		len = room;
		if (!strcmp(call, "recvfrom"))
			check(recvfrom(server, text, sizeof(text), 0, &name.sa, &len) == 1, call);
		else if (!strcmp(call, "recvmsg"))
			check(recvmsg(server, &m.msg_hdr, 0) == 1, call);
		else
			check(recvmmsg(server, &m, 1, 0, NULL) == 1, call);
	}
	for (size_t i = room; i < sizeof(name); i++)
		kept = kept && name.bytes[i] == 0xaa;
	inet_ntop(family, family == AF_INET ? (void *)&name.in.sin_addr : (void *)&name.in6.sin6_addr, shown, sizeof(shown));
	printf("%s%d-%d=%s %s\n", call, family == AF_INET ? 4 : 6, room, shown, kept ? "kept" : "overwritten");
	close(client);
	close(server);
}

int main(int argc, char **argv)
{
	static const char *calls[] = { "accept", "accept4", "recvfrom", "recvmsg", "recvmmsg" };
	static const struct { int family; socklen_t room; } rooms[] = {
		/* All of it; as much as has the address; for IPv6 also one that is good for IPv4 alone. */
		{ AF_INET, 16 }, { AF_INET, 8 }, { AF_INET6, 28 }, { AF_INET6, 24 }, { AF_INET6, 0 }, { AF_INET, 0 },
	};

	(void)argv;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++)
			if (argc < 2 || rooms[k].family == AF_INET)
				look(calls[i], rooms[k].family, rooms[k].room);
	return 0;
}
