/* `shown ADDR`: every function that a shim stands before, with success; prints whose address those show that show one, and
 * which of them touched errno, which success leaves alone.
 *
 *     $ shown 127.0.0.1
 *     accept=127.0.0.1 accept4=127.0.0.1 peer=127.0.0.1 ... errno=kept
 *
 * Built with _FORTIFY_SOURCE, recvfrom is __recvfrom_chk: the room is known, the count is not. `shown ADDR overflow` asks for
 * more than there is room for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK 77

static char touched[256];

/* The call's outcome; the program ends where it fails. */
static long done(const char *name, long result)
{
	if (result < 0) {
		printf("%s: %s\n", name, strerror(errno));
		exit(1);
	}
	if (errno != MARK)
		snprintf(touched + strlen(touched), sizeof(touched) - strlen(touched), "%s ", name);
	errno = MARK;
	return result;
}

static void show(const char *name, const struct sockaddr_in *a)
{
	printf("%s=%s ", name, inet_ntoa(a->sin_addr));
	errno = MARK;
}

static struct sockaddr_in at;

static int bound(int type, struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = done("socket", socket(AF_INET, type, 0));

	*a = at;
	done("bind", bind(fd, (struct sockaddr *)a, sizeof(*a)));
	done("getsockname", getsockname(fd, (struct sockaddr *)a, &len));
	return fd;
}

int main(int argc, char **argv)
{
	char text[16];
	/* Not known to the compiler. */
	volatile size_t count = argc > 2 ? sizeof(text) + 1 : sizeof(text);
	struct sockaddr_in server_at, from, to;
	struct sockaddr *peer = (struct sockaddr *)&from;
	socklen_t len = sizeof(from);
	_Alignas(struct cmsghdr) char control[64];
	struct iovec iov = { "hello", 5 }, room = { text, sizeof(text) };
	struct mmsghdr m = { .msg_hdr = { .msg_name = &server_at, .msg_namelen = sizeof(server_at),
					  .msg_iov = &iov, .msg_iovlen = 1 } };
	struct mmsghdr in = { .msg_hdr = { .msg_iov = &room, .msg_iovlen = 1 } };
	int listener, client, server, one = 1;

	if (argc < 2)
		return 99;
	errno = MARK;
	at.sin_family = AF_INET;
	at.sin_addr.s_addr = inet_addr(argv[1]);

	listener = bound(SOCK_STREAM, &server_at);
	done("setsockopt", setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	done("listen", listen(listener, 8));
	client = done("socket", socket(AF_INET, SOCK_STREAM, 0));
	done("connect", connect(client, (struct sockaddr *)&server_at, sizeof(server_at)));
	server = done("accept", accept(listener, peer, &len));
	show("accept", &from);
	done("getpeername", getpeername(server, peer, &len));
	show("peer", &from);
	done("sendmsg", sendmsg(client, &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 }, 0));
	done("recvmsg", recvmsg(server, &(struct msghdr){ .msg_iov = &room, .msg_iovlen = 1 }, 0));
	close(client);
	client = bound(SOCK_STREAM, &to);
	done("connect", connect(client, (struct sockaddr *)&server_at, sizeof(server_at)));
	done("accept4", accept4(listener, peer, &len, SOCK_CLOEXEC));
	show("accept4", &from);

	server = bound(SOCK_DGRAM, &server_at);
	client = bound(SOCK_DGRAM, &to);
	done("setsockopt", setsockopt(server, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)));
	done("sendto", sendto(client, "hello", 5, 0, (struct sockaddr *)&server_at, sizeof(server_at)));
	done("recvfrom", recvfrom(server, text, count, 0, peer, &len));
	show("recvfrom", &from);
	done("sendmsg", sendmsg(client, &m.msg_hdr, 0));
	in.msg_hdr.msg_name = &from;
	in.msg_hdr.msg_namelen = sizeof(from);
	in.msg_hdr.msg_control = control;
	in.msg_hdr.msg_controllen = sizeof(control);
	done("recvmsg", recvmsg(server, &in.msg_hdr, 0));
	show("recvmsg", &from);
	if (CMSG_FIRSTHDR(&in.msg_hdr)) {
		to.sin_addr = ((struct in_pktinfo *)CMSG_DATA(CMSG_FIRSTHDR(&in.msg_hdr)))->ipi_addr;
		show("to", &to);
	}
	done("sendmmsg", sendmmsg(client, &m, 1, 0));
	in.msg_hdr.msg_namelen = sizeof(from);
	in.msg_hdr.msg_controllen = sizeof(control);
	done("recvmmsg", recvmmsg(server, &in, 1, 0, NULL));
	show("recvmmsg", &from);
	done("connect", connect(client, (struct sockaddr *)&server_at, sizeof(server_at)));
	done("send", send(client, "hello", 5, 0));
	done("recvfrom", recvfrom(server, text, sizeof(text), 0, NULL, NULL));
	printf("errno=%s\n", touched[0] ? touched : "kept");
	return 0;
}
