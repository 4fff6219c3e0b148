/* `entries WAY`: other entries of the kernel than the system calls that a filter looks at first.
 *
 *   io_uring  a ring that makes a socket, binds, connects and sends
 *   int80     the 32-bit entry with its own numbers, from a 64-bit program
 *   x32       the 64-bit entry with the x32 bit in the number
 */
#include "attack.h"
#include <linux/io_uring.h>

/* Since Linux 6.11; the headers may be older. */
#define RING_BIND 56
#define RING_SOCKET 45

struct ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static int open_ring(struct ring *r)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	r->fd = syscall(SYS_io_uring_setup, 8, &p);
	if (r->fd < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED,
		  r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || r->sqes == MAP_FAILED)
		broken("mapping a ring");
	r->sq_tail = (unsigned *)(sq + p.sq_off.tail);
	r->sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
	r->sq_array = (unsigned *)(sq + p.sq_off.array);
	r->cq_head = (unsigned *)(cq + p.cq_off.head);
	r->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return 0;
}

/* Makes one call through the ring and waits for its result. */
static int through(struct ring *r, struct io_uring_sqe call)
{
	unsigned tail = *r->sq_tail, index = tail & *r->sq_mask;
	int result;

	r->sqes[index] = call;
	r->sq_array[index] = index;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	need("io_uring_enter", syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	result = r->cqes[*r->cq_head & *r->cq_mask].res;
	__atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static void try_ring(void)
{
	struct sockaddr_in foreign = at(FOREIGN, 0), host = at(HOST, HOST_PORT);
	struct msghdr message = { &host, sizeof(host), &(struct iovec){ "x", 1 }, 1, NULL, 0, 0 };
	struct ring r;
	int fd;

	/* What cannot be set up may still be there to be used. */
	attempt(syscall(SYS_io_uring_register, -1, 0, NULL, 0));
	attempt(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
	if (!attempt(open_ring(&r)))
		return;
	fd = through(&r, (struct io_uring_sqe){ .opcode = RING_SOCKET, .fd = AF_INET, .off = SOCK_DGRAM });
	if (!attempt(fd))
		fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
	attempt(through(&r, (struct io_uring_sqe){
		.opcode = RING_BIND, .fd = fd, .addr = (uintptr_t)&foreign, .addr2 = sizeof(foreign) }));
	judged(fd);
	fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
	attempt(through(&r, (struct io_uring_sqe){
		.opcode = IORING_OP_SENDMSG, .fd = fd, .addr = (uintptr_t)&message, .len = 1 }));
	fd = need("socket", socket(AF_INET, SOCK_STREAM, 0));
	attempt(through(&r, (struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT, .fd = fd, .addr = (uintptr_t)&host, .off = sizeof(host) }));
	judged(fd);
}

/* The 32-bit entry, in whose table SYS_bind has the number 361, and socketcall 102. */
static long int80(long nr, long a, long b, long c)
{
	long result;

	asm volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

static int bind_361(int fd, const struct sockaddr *a, socklen_t len)
{
	return (int)int80(361, fd, (long)a, len);
}

static int bind_socketcall(int fd, const struct sockaddr *a, socklen_t len)
{
	/* Below 4 GiB, as is the address itself. */
	static unsigned *args;

	if (!args)
		args = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	args[0] = fd, args[1] = (unsigned)(uintptr_t)a, args[2] = len;
	return (int)int80(102, 2, (long)args, 0);
}

static int bind_x32(int fd, const struct sockaddr *a, socklen_t len)
{
	return (int)syscall(0x40000000 | SYS_bind, fd, a, len);
}

/* sendmsg and setsockopt have numbers of their own in the x32 table. */
static void try_x32_numbers(void)
{
	struct sockaddr_in host = at(HOST, HOST_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	attempt(syscall(0x40000000 | SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW));
	attempt(syscall(0x40000000 | SYS_connect, fd, &host, sizeof(host)));
	attempt(syscall(0x40000000 | SYS_sendto, fd, "x", 1, 0, &host, sizeof(host)));
	for (long nr = 512; nr < 548; nr++) {
		if (nr == 518 || nr == 538 || nr == 541)
			attempt(syscall(0x40000000 | nr, fd, NULL, 0, 0, NULL));
	}
	judged(fd);
}

/* On the address that the 32-bit entry can take. */
static void try_low(int (*binding)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (a == MAP_FAILED)
		broken("memory below 4 GiB");
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int fd = need("socket", socket(AF_INET, type, 0));

		*a = at(FOREIGN, 0);
		attempt(binding(fd, (struct sockaddr *)a, sizeof(*a)));
		judged(fd);
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "io_uring")) {
		try_ring();
	} else if (!strcmp(way, "int80")) {
		try_low(bind_361);
		try_low(bind_socketcall);
		/* A ring by the 32-bit entry. */
		attempt(int80(425, 8, 0, 0));
	} else if (!strcmp(way, "x32")) {
		try_foreign(bind_x32, SOCK_STREAM);
		try_foreign(bind_x32, SOCK_DGRAM);
		try_x32_numbers();
	} else {
		return 99;
	}
	finish(way);
}
