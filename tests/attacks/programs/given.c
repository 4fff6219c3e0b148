/* Sockets that come from outside of the context.
 *
 *   given give PATH      outside: makes sockets and hands them to whoever comes to that local socket
 *   given take PATH      inside: takes them, and tries to get out with them
 *   given launch CMD...  outside: makes sockets and executes the command, which inherits them
 *   given inherit        inside: tries to get out with what it has inherited
 *   given hold           outside: makes sockets, tells its process id and waits to be robbed
 *   given steal PID      inside: tries to take its sockets, and to trace it
 */
#include "attack.h"
#include <sys/ptrace.h>

/* The port of what is bound outside: nobody wonders who has that. */
#define PORT 7302

enum { FIRST = 20, FREE = 0, FREE_TO_LISTEN, FREE_DATAGRAM, BOUND, BOUND_DATAGRAM, WILD, RAW, SOCKETS };

static void put(int fd, int number)
{
	need("dup2", dup2(need("socket", fd), FIRST + number));
	close(fd);
}

static void make(void)
{
	int one = 1;

	put(socket(AF_INET, SOCK_STREAM, 0), FREE);
	put(socket(AF_INET, SOCK_STREAM, 0), FREE_TO_LISTEN);
	put(socket(AF_INET, SOCK_DGRAM, 0), FREE_DATAGRAM);
	put(socket(AF_INET, SOCK_STREAM, 0), BOUND);
	put(socket(AF_INET, SOCK_DGRAM, 0), BOUND_DATAGRAM);
	put(socket(AF_INET, SOCK_STREAM, 0), WILD);
	for (int number = BOUND; number <= WILD; number++) {
		need("reuse", setsockopt(FIRST + number, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		need("bind", bind_to(FIRST + number, number == WILD ? "0.0.0.0" : FOREIGN, PORT));
	}
	/* Only root has one to give. */
	if (geteuid() == 0) {
		put(socket(AF_INET, SOCK_RAW, IPPROTO_RAW), RAW);
		need("bind", bind_to(FIRST + RAW, OWN, 0));
	} else {
		put(socket(AF_INET, SOCK_STREAM, 0), RAW);
	}
}

/* With sockets that are bound outside already, what must not work at all. */
static void must_fail(long result)
{
	out += attempt(result);
}

static void use(void)
{
	char packet[28] = { 0x45 };

	attempt(bind_to(FIRST + FREE, FOREIGN, 0));
	attempt(connect_to(FIRST + FREE, HOST, HOST_PORT));
	attempt(connect_to(FIRST + FREE, FOREIGN, FORBIDDEN_PORT));
	judged(FIRST + FREE);
	attempt(listen(FIRST + FREE_TO_LISTEN, 8));
	judged(FIRST + FREE_TO_LISTEN);
	attempt(bind_to(FIRST + FREE_DATAGRAM, FOREIGN, 0));
	attempt(send_to(FIRST + FREE_DATAGRAM, FOREIGN, FORBIDDEN_PORT));
	attempt(send_to(FIRST + FREE_DATAGRAM, FOREIGN, PEER_PORT));
	judged(FIRST + FREE_DATAGRAM);
	must_fail(listen(FIRST + BOUND, 8));
	must_fail(connect_to(FIRST + BOUND, FOREIGN, PEER_PORT));
	must_fail(send_to(FIRST + BOUND_DATAGRAM, FOREIGN, PEER_PORT));
	must_fail(connect_to(FIRST + BOUND_DATAGRAM, FOREIGN, PEER_PORT));
	must_fail(listen(FIRST + WILD, 8));
	must_fail(connect_to(FIRST + WILD, FOREIGN, FORBIDDEN_PORT));
	if (geteuid() == 0) {
		struct sockaddr_in to = at(FOREIGN, 0);

		must_fail(sendto(FIRST + RAW, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)));
		must_fail(connect_to(FIRST + RAW, FOREIGN, 0));
		must_fail(bind_to(FIRST + RAW, FOREIGN, 0));
	}
}

/* A message with descriptors. */
static union { char bytes[CMSG_SPACE(SOCKETS * sizeof(int))]; struct cmsghdr head; } control;
static char byte;
static struct msghdr message = { NULL, 0, &(struct iovec){ &byte, 1 }, 1, control.bytes, sizeof(control.bytes), 0 };

static int door(const char *path, int (*with)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = need("socket", socket(AF_UNIX, SOCK_STREAM, 0));

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	need(path, with(fd, (struct sockaddr *)&a, sizeof(a)));
	return fd;
}

static void give(const char *path)
{
	int fd = door(path, bind);

	make();
	need("listen", listen(fd, 8));
	printf("ready\n");
	fflush(stdout);
	fd = need("accept", accept(fd, NULL, NULL));
	control.head = (struct cmsghdr){ CMSG_LEN(SOCKETS * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	for (int number = 0; number < SOCKETS; number++)
		((int *)CMSG_DATA(&control.head))[number] = FIRST + number;
	need("sendmsg", sendmsg(fd, &message, 0));
	/* What is given away stays open here: the other end says when it is done. */
	(void)!read(fd, &byte, 1);
}

static void take(const char *path)
{
	need("recvmsg", recvmsg(door(path, connect), &message, 0));
	if (message.msg_controllen != CMSG_SPACE(SOCKETS * sizeof(int)))
		broken("the descriptors");
	for (int number = 0; number < SOCKETS; number++)
		put(((int *)CMSG_DATA(&control.head))[number], number);
}

static void steal(int pid)
{
	int handle = syscall(SYS_pidfd_open, pid, 0);
	long word = 0;

	need("the other process", handle);
	for (int number = 0; number < SOCKETS; number++)
		out += attempt(syscall(SYS_pidfd_getfd, handle, FIRST + number, 0));
	out += attempt(ptrace(PTRACE_SEIZE, pid, 0, 0));
	out += attempt(ptrace(PTRACE_ATTACH, pid, 0, 0));
	out += attempt(process_vm_writev(pid, &(struct iovec){ &word, sizeof(word) }, 1,
					 &(struct iovec){ &word, sizeof(word) }, 1, 0));
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "give") && argc > 2) {
		give(argv[2]);
		return 0;
	} else if (!strcmp(way, "take") && argc > 2) {
		take(argv[2]);
		use();
	} else if (!strcmp(way, "launch") && argc > 2) {
		make();
		execvp(argv[2], argv + 2);
		broken(argv[2]);
	} else if (!strcmp(way, "inherit")) {
		use();
	} else if (!strcmp(way, "hold")) {
		make();
		printf("ready\n");
		fflush(stdout);
		(void)!read(0, &byte, 1);
		return 0;
	} else if (!strcmp(way, "steal") && argc > 2) {
		steal(atoi(argv[2]));
	} else {
		return 99;
	}
	finish(way);
}
