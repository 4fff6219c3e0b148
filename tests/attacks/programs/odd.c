/* `odd WAY`: numbers and memory that are not what they seem.
 *
 *   reopen     /proc/self/fd and its like, O_PATH, duplicates, high numbers
 *   upper      rubbish in the upper halves of the registers, where the kernel looks at the lower ones
 *   iovecs     sendmsg with 1,024 pieces across a page that another thread unmaps and maps
 */
#include "attack.h"

static int raw_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	return (int)syscall(SYS_bind, fd | 0xdeadbeef00000000, a, len | 0xdeadbeef00000000);
}

static void try_number(int fd)
{
	out += fd >= 0 && where(fd) == OUTSIDE;
	attempt(bind_to(fd, FOREIGN, 0));
	out += fd >= 0 && where(fd) == OUTSIDE;
}

static void reopen(void)
{
	static const char *const paths[] = { "/proc/self/fd/%d", "/proc/thread-self/fd/%d", "/dev/fd/%d",
					     "/proc/self/task/../fd/%d" };
	static const int flags[] = { O_RDONLY, O_RDWR, O_PATH, O_PATH | O_NOFOLLOW };

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int fd = need("socket", socket(AF_INET, type, 0)), high;

		for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
			for (int f = 0; f < 4; f++) {
				char path[64];
				int again;

				snprintf(path, sizeof(path), paths[p], fd);
				again = open(path, flags[f]);
				if (attempt(again)) {
					try_number(again);
					close(again);
				}
			}
		}
		high = fcntl(fd, F_DUPFD, 900);
		try_number(high);
		try_number(dup(fd));
		if (attempt(bind_to(high, "0.0.0.0", 0)))
			judged(fd);
	}
}

static void upper(void)
{
	struct sockaddr_in host = at(HOST, HOST_PORT);
	unsigned long junk = 0xdeadbeef00000000;
	int fd, one = 1;

	try_foreign(raw_bind, SOCK_STREAM);
	try_foreign(raw_bind, SOCK_DGRAM);
	out += attempt(syscall(SYS_socket, AF_PACKET | junk, SOCK_RAW | junk, 0 | junk));
	out += attempt(syscall(SYS_socket, AF_INET | junk, SOCK_RAW | junk, IPPROTO_RAW | junk));
	out += attempt(syscall(SYS_socket, AF_INET | junk, SOCK_STREAM | junk, 262 | junk));
	/* A datagram socket that is made like this is like any other. */
	fd = syscall(SYS_socket, AF_INET | junk, SOCK_DGRAM | junk, junk);
	if (attempt(fd)) {
		out += attempt(syscall(SYS_setsockopt, fd | junk, IPPROTO_IP | junk, IP_HDRINCL | junk, &one, sizeof(one) | junk));
		attempt(syscall(SYS_sendto, fd | junk, "x", 1, MSG_NOSIGNAL | junk, &host, sizeof(host) | junk));
		attempt(syscall(SYS_connect, fd | junk, &host, sizeof(host) | junk));
		attempt(write(fd, "x", 1));
		judged(fd);
	}
}

#define PIECES 1024
static char *page;
static volatile int over;
static volatile unsigned long maps;

static void *unmapper(void *unused)
{
	for (; !over; maps++) {
		munmap(page + 4096, 4096);
		mmap(page + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
	}
	return unused;
}

static void iovecs(void)
{
	static struct iovec parts[PIECES];
	struct sockaddr_in to = at(FOREIGN, PEER_PORT);
	struct msghdr message = { &to, sizeof(to), parts, PIECES, NULL, 0, 0 };
	int fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
	double began = now();
	pthread_t thread;

	page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Each a little further on, from the first page into the last. */
	for (int i = 0; i < PIECES; i++)
		parts[i] = (struct iovec){ page + i * 11, 16 };
	pthread_create(&thread, NULL, unmapper, NULL);
	for (int i = 0; (i < 3000 || !errnos[EFAULT] || !done) && now() - began < with_patience(6); i++) {
		/* To whom it may, to whom it may not, and to the host's loopback. */
		to = i % 4 ? at(FOREIGN, PEER_PORT) : i % 8 ? at(FOREIGN, FORBIDDEN_PORT) : at(HOST, HOST_PORT);
		done += attempt(sendmsg(fd, &message, 0));
		/* A loopback destination makes the socket one that speaks from either address: not for long. */
		if (i % 8 == 0) {
			close(fd);
			fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
		}
	}
	over = 1;
	pthread_join(thread, NULL);
	try_foreign(bind, SOCK_DGRAM);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "reopen"))
		reopen();
	else if (!strcmp(way, "upper"))
		upper();
	else if (!strcmp(way, "iovecs"))
		iovecs();
	else
		return 99;
	finish(way);
}
