/* `quiet_heap FOREIGN`: makes every call that a shim stands before, some that succeed and some that are refused, while its
 * own malloc (heap.h) counts who asks for memory; prints how often that was, and how many of the calls did not do what they should.
 *
 *     $ quiet_heap 10.0.0.3
 *     counted=3 allocations=0 calls=43 wrong=0 first=none
 *
 * `counted` is what getifaddrs(3) and freeifaddrs(3) asked for: were it 0, nothing would be counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap.h"

static int calls, wrong;
static const char *first_wrong = "none";

/* A call that has to give at least 0, or fail. */
static long must(const char *name, long done, int succeed)
{
	calls++;
	if ((done >= 0) != succeed && !wrong++)
		first_wrong = name;
	return done;
}

#define GOOD(call) must(#call, call, 1)
#define BAD(call) must(#call, call, 0)
#define ADDRESS(a) (struct sockaddr *)&(a), sizeof(a)

extern char **environ;

static void all(struct in_addr foreign)
{
	struct sockaddr_in any = { .sin_family = AF_INET }, name, theirs = { .sin_family = AF_INET, .sin_addr = foreign };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(name);
	char text[64] = "hello", control[256];
	struct iovec piece = { text, 5 };
	struct msghdr m = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = &piece, .msg_iovlen = 1 };
	struct mmsghdr two[2];
	int tcp, client, server, udp, other, pair[2], one = 1, status;
	char *none[] = { "none", NULL }, *shell[] = { "true", NULL };
	pid_t pid;

	/* TCP. */
	tcp = GOOD(socket(AF_INET, SOCK_STREAM, 0));
	GOOD(setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	theirs.sin_port = htons(9);
	BAD(bind(tcp, ADDRESS(theirs)));
	GOOD(bind(tcp, ADDRESS(any)));
	GOOD(listen(tcp, 5));
	GOOD(getsockname(tcp, (struct sockaddr *)&name, &len));
	client = GOOD(socket(AF_INET, SOCK_STREAM, 0));
	GOOD(connect(client, ADDRESS(name)));
	len = sizeof(name);
	server = GOOD(accept(tcp, (struct sockaddr *)&name, &len));
	GOOD(getpeername(server, (struct sockaddr *)&name, &len));
	GOOD(sendto(client, text, 5, 0, NULL, 0));
	m.msg_name = NULL;
	GOOD(sendmsg(client, &m, 0));
	GOOD(recvfrom(server, text, 5, 0, NULL, NULL));
	GOOD(recvmsg(server, &m, 0));
	close(client);
	client = GOOD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	len = sizeof(name);
	GOOD(getsockname(tcp, (struct sockaddr *)&name, &len));
	connect(client, ADDRESS(name));
	GOOD(accept4(tcp, (struct sockaddr *)&name, &len, SOCK_CLOEXEC));
	/* UDP: bound to the wildcard, and by itself. */
	udp = GOOD(socket(AF_INET, SOCK_DGRAM, 0));
	GOOD(setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)));
	GOOD(bind(udp, ADDRESS(any)));
	GOOD(getsockname(udp, (struct sockaddr *)&name, &len));
	other = GOOD(socket(AF_INET, SOCK_DGRAM, 0));
	GOOD(sendto(other, text, 5, 0, ADDRESS(name)));
	m.msg_name = &name;
	GOOD(sendmsg(other, &m, 0));
	memset(two, 0, sizeof(two));
	two[0].msg_hdr = two[1].msg_hdr = m;
	GOOD(sendmmsg(other, two, 2, 0));
	memcpy(&any, &name, sizeof(any));
	m.msg_control = control, m.msg_controllen = sizeof(control);
	GOOD(recvmsg(udp, &m, 0));
	len = sizeof(name);
	GOOD(recvfrom(udp, text, 5, 0, (struct sockaddr *)&name, &len));
	two[0].msg_hdr.msg_control = control, two[0].msg_hdr.msg_controllen = sizeof(control);
	GOOD(recvmmsg(udp, two, 2, MSG_DONTWAIT, NULL));
	GOOD(connect(other, ADDRESS(any)));
	GOOD(ioctl(other, FIONREAD, &one));
	/* With a source that is not to be named. */
	struct {
		struct cmsghdr header;
		struct in_pktinfo info;
	} source = { { CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO }, { 0, foreign, { 0 } } };
	m.msg_control = &source, m.msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo));
	m.msg_name = &any, m.msg_namelen = sizeof(any);
	BAD(sendmsg(udp, &m, 0));
	BAD(setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &foreign, sizeof(foreign)));
	/* What is refused, or not touched. */
	BAD(socket(AF_PACKET, SOCK_RAW, 0));
	BAD(bind(-1, ADDRESS(six)));
	GOOD(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	m.msg_name = NULL, m.msg_namelen = 0, m.msg_control = NULL, m.msg_controllen = 0;
	GOOD(sendmsg(pair[0], &m, 0));
	GOOD(recvmsg(pair[1], &m, 0));
	/* Programs. */
	BAD(execve("/no/such", none, environ));
	BAD(execvp("no-such-program", none));
	BAD(execl("/no/such", "none", "a1", "a2", "a3", "a4", "a5", (char *)NULL));
	GOOD(-posix_spawn(&pid, "/bin/true", NULL, NULL, shell, environ));
	GOOD(waitpid(pid, &status, 0));
	pid = vfork();
	if (!pid) {
		execv("/bin/true", shell);
		_exit(1);
	}
	GOOD(waitpid(pid, &status, 0) < 0 || status ? -1 : 0);
}

int main(int words, char **word)
{
	struct in_addr foreign;
	struct ifaddrs *list;
	long before, counted;

	if (words < 2 || !inet_aton(word[1], &foreign))
		return 2;
	before = heap_calls;
	if (!getifaddrs(&list))
		freeifaddrs(list);
	counted = heap_calls - before;
	before = heap_calls;
	all(foreign);
	before = heap_calls - before;
	printf("counted=%ld allocations=%ld calls=%d wrong=%d first=%s\n", counted, before, calls, wrong, first_wrong);
	return 0;
}
