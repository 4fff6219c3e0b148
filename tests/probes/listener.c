/* `listener ADDRESS`: says that it is ready, waits for a line (meanwhile its supervisor is killed), and then tries to become
 * the supervisor of its own calls: a filter with a listener, from which a second thread lets through whatever comes. Once the
 * first listener of a task is gone the kernel itself would take another (has_duplicate_listener, kernel/seccomp.c). Tries
 * it by the usual way, with bits that the kernel ignores, and by the 32-bit entry; then binds to ADDRESS and listens.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
#define LENGTH (sizeof(filter) / sizeof(filter[0]))
static int listener = -1;

static void say(const char *what, long result)
{
	printf("%s=%s ", what, result < 0 ? strerrorname_np(errno) : "ok");
}

static void try_listener(const char *what, unsigned long flags)
{
	struct sock_fprog program = { LENGTH, filter };
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	say(what, result);
	if (result >= 0)
		listener = (int)result;
}

/* In a child: a kernel without that entry kills who uses it. */
static void try_listener32(void)
{
#ifdef __x86_64__
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		struct { unsigned short length; unsigned filter; } *program = (void *)(low + 1024);
		long result;

		memcpy(low, filter, sizeof(filter));
		program->length = LENGTH;
		program->filter = (unsigned)(unsigned long)low;
		asm volatile("int $0x80" : "=a"(result) : "a"(354), "b"(SECCOMP_SET_MODE_FILTER),
			     "c"(SECCOMP_FILTER_FLAG_NEW_LISTENER), "d"(program) : "memory", "r8", "r9", "r10", "r11");
		_exit(result < 0 ? -(int)result : 0);
	}
	waitpid(child, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ENOSYS;
	say("listener32", errno ? -1 : 0);
#else
	printf("listener32=ENOSYS ");
#endif
}

static void *let_through(void *unused)
{
	for (;;) {
		struct seccomp_notif call = { 0 };
		struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
			return unused;
		answer.id = call.id;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void use(const char *what, int fd, const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080), .sin_addr.s_addr = inet_addr(address) };

	say(what, bind(fd, (struct sockaddr *)&a, sizeof(a)));
}

int main(int argc, char **argv)
{
	int tcp[2], udp;
	pthread_t thread;
	char byte;

	if (argc < 2)
		return 99;
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
	tcp[1] = socket(AF_INET, SOCK_STREAM, 0);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) == 1 && byte != '\n')
		;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	try_listener("listener", SECCOMP_FILTER_FLAG_NEW_LISTENER);
	try_listener("killable", SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	try_listener("upper-bits", SECCOMP_FILTER_FLAG_NEW_LISTENER | 1UL << 40);
	fflush(stdout);
	try_listener32();
	if (listener >= 0)
		pthread_create(&thread, NULL, let_through, NULL);
	use("udp", udp, argv[1]);
	use("wildcard", udp, "0.0.0.0");
	use("tcp", tcp[0], argv[1]);
	say("listen", listen(tcp[1], 8));
	printf("\n");
	fflush(stdout);
	/* So that what listens, if anything does, can be found. */
	while (read(0, &byte, 1) == 1 && byte != '\n')
		;
	return 0;
}
