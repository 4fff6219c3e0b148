/* Ways around a filter and those who look for it. `ways WAY FOREIGN` tries to bind a socket (datagram, where it does
 * not matter) to an address that is not the context's, and prints what came of it.
 *
 *   int80      the kernel's 32-bit entry, with its own numbers
 *   x32        the 64-bit entry with the x32 bit in the number
 *   own-table  a thread that has left the shared descriptor table: its descriptor 9 is not the process's descriptor 9
 *   swap-tcp   descriptor and address change together, between a local-domain socket and an internet socket
 *   swap-udp   the same with a datagram socket
 *
 * and these, where there is more to tell:
 *
 *   swap-listen    listen() on a local-domain socket, over which another thread puts an unbound TCP socket: the kernel gives
 *                  that one a port on every address
 *   swap-fastopen  sends with MSG_FASTOPEN to port 7100 of the host's 127.0.0.1, over a local-domain socket and a TCP socket
 *                  that change places
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static in_addr_t foreign;

static void say_name(const char *what, int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &len);
	printf("%s=%s:%d ", what, inet_ntoa(a.sin_addr), ntohs(a.sin_port));
}

static int udp(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

#ifdef __x86_64__
static void try_int80(void)
{
	/* The 32-bit entry takes 32-bit pointers, and SYS_bind has the number 361 there, socketcall 102. */
	struct sockaddr_in *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	unsigned *args = (unsigned *)(a + 4);
	int fd = udp();
	long result;

	a->sin_family = AF_INET;
	a->sin_addr.s_addr = foreign;
	a->sin_port = htons(8080);
	asm volatile("int $0x80" : "=a"(result) : "a"(361), "b"(fd), "c"(a), "d"(sizeof(*a)) : "memory", "r8", "r9", "r10", "r11");
	printf("bind=%s ", result < 0 ? strerrorname_np(-(int)result) : "ok");
	args[0] = fd;
	args[1] = (unsigned)(unsigned long)a;
	args[2] = sizeof(*a);
	asm volatile("int $0x80" : "=a"(result) : "a"(102), "b"(2), "c"(args) : "memory", "r8", "r9", "r10", "r11");
	printf("socketcall=%s ", result < 0 ? strerrorname_np(-(int)result) : "ok");
	say_name("name", fd);
}

static void try_x32(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = foreign };
	int fd = udp();
	long result = syscall(0x40000000 | SYS_bind, fd, &a, sizeof(a));

	printf("bind=%s ", result < 0 ? strerrorname_np(errno) : "ok");
	say_name("name", fd);
}
#else
static void try_int80(void) { printf("bind=ENOSYS socketcall=ENOSYS name=0.0.0.0:0 "); }
static void try_x32(void) { printf("bind=ENOSYS name=0.0.0.0:0 "); }
#endif

static void *own_table(void *unused)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080) };

	if (unshare(CLONE_FILES) < 0 || dup2(udp(), 9) < 0)
		exit(99);
	a.sin_addr.s_addr = foreign;
	printf("foreign=%s ", bind(9, (struct sockaddr *)&a, sizeof(a)) < 0 ? strerrorname_np(errno) : "ok");
	a.sin_addr.s_addr = INADDR_ANY;
	printf("wildcard=%s ", bind(9, (struct sockaddr *)&a, sizeof(a)) < 0 ? strerrorname_np(errno) : "ok");
	say_name("thread", 9);
	return unused;
}

static union { struct sockaddr_in in; struct sockaddr_un un; } shared;
static volatile int inet_fd, unix_fd, done;
static const int slot = 9;

static void *swapper(void *unused)
{
	while (!done) {
		shared.in.sin_family = AF_UNIX;
		dup2(unix_fd, slot);
		shared.in.sin_family = AF_INET;
		dup2(inet_fd, slot);
	}
	return unused;
}

static void try_swap(int type)
{
	int got_foreign = 0, got_wildcard = 0;
	pthread_t thread;

	shared.in.sin_addr.s_addr = foreign;
	inet_fd = socket(AF_INET, type, 0);
	unix_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	dup2(inet_fd, slot);
	pthread_create(&thread, NULL, swapper, NULL);
	for (int i = 0; i < 20000; i++) {
		struct sockaddr_in a = { 0 };
		socklen_t len = sizeof(a);

		bind(slot, (struct sockaddr *)&shared, sizeof(shared.in));
		if (getsockname(inet_fd, (struct sockaddr *)&a, &len) == 0 && a.sin_port) {
			if (a.sin_addr.s_addr == foreign)
				got_foreign++;
			else if (a.sin_addr.s_addr == INADDR_ANY)
				got_wildcard++;
			break;
		}
	}
	done = 1;
	pthread_join(thread, NULL);
	printf("foreign=%d wildcard=%d ", got_foreign, got_wildcard);
}

/* Makes a swapper that changes a TCP socket and a local-domain socket. */
static void swap_streams(pthread_t *thread)
{
	inet_fd = socket(AF_INET, SOCK_STREAM, 0);
	unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	dup2(inet_fd, slot);
	pthread_create(thread, NULL, swapper, NULL);
}

/* The old one stays open until the new one has its number: the swapper must not meet the number of something else. */
static void fresh_stream(void)
{
	int old = inet_fd;

	inet_fd = socket(AF_INET, SOCK_STREAM, 0);
	close(old);
}

static void try_swap_listen(void)
{
	int own = 0, wildcard = 0;
	pthread_t thread;

	swap_streams(&thread);
	for (int i = 0; i < 20000 && !wildcard; i++) {
		struct sockaddr_in a = { 0 };
		socklen_t len = sizeof(a);

		listen(slot, 8);
		if (getsockname(inet_fd, (struct sockaddr *)&a, &len) < 0 || a.sin_port == 0)
			continue;
		if (a.sin_addr.s_addr == INADDR_ANY)
			wildcard++;
		else
			own++;
		fresh_stream();
	}
	done = 1;
	pthread_join(thread, NULL);
	printf("own=%d wildcard=%d ", own, wildcard);
}

static void try_swap_fastopen(void)
{
	struct sockaddr_in host = { .sin_family = AF_INET, .sin_port = htons(7100) };
	int refused = 0, not_supported = 0, sent = 0;
	pthread_t thread;

	host.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	swap_streams(&thread);
	for (int i = 0; i < 20000 && !sent; i++) {
		if (sendto(slot, "hello", 5, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&host, sizeof(host)) >= 0) {
			sent++;
		} else if (errno == EOPNOTSUPP) {
			not_supported++;
		} else {
			refused += errno == ECONNREFUSED;
			fresh_stream();
		}
	}
	done = 1;
	pthread_join(thread, NULL);
	printf("tcp=%d unix=%d sent=%d ", refused, not_supported, sent);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 99;
	foreign = inet_addr(argv[2]);
	if (!strcmp(argv[1], "int80")) {
		try_int80();
	} else if (!strcmp(argv[1], "x32")) {
		try_x32();
	} else if (!strcmp(argv[1], "swap-tcp")) {
		try_swap(SOCK_STREAM);
	} else if (!strcmp(argv[1], "swap-udp")) {
		try_swap(SOCK_DGRAM);
	} else if (!strcmp(argv[1], "swap-listen")) {
		try_swap_listen();
	} else if (!strcmp(argv[1], "swap-fastopen")) {
		try_swap_fastopen();
	} else if (!strcmp(argv[1], "own-table")) {
		dup2(udp(), 9);
		pthread_create(&thread, NULL, own_table, NULL);
		pthread_join(thread, NULL);
		say_name("process", 9);
	} else {
		return 99;
	}
	printf("\n");
	return 0;
}
