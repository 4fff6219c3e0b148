/* Tables of descriptors, and who shares them.
 *
 *   tables share              makes, or tries to make, a process that shares this one's table: by clone, by clone3, and by the
 *                             32-bit entry of the kernel. Then what ordinary programs do: a fork, a vfork, a thread.
 *   tables send FOREIGN PORT  sends datagrams to port PORT of FOREIGN that name FOREIGN as their source, on a number that is
 *                             now a UDP and now a local-domain socket.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Prints what came of a call that makes a process; the new one ends at once. */
static void report(const char *what, long made)
{
	if (made == 0)
		_exit(0);
	if (made > 0)
		waitpid(made, NULL, __WALL);
	printf("%s=%s ", what, made > 0 ? "ok" : strerrorname_np(errno));
	fflush(stdout);
}

static void *nothing(void *unused)
{
	return unused;
}

static void share(void)
{
	struct clone_args args = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	pthread_t thread;
	pid_t child;
	int made;

	fflush(stdout);
	report("clone", syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0UL));
	report("clone3", syscall(SYS_clone3, &args, sizeof(args)));
#ifdef __x86_64__
	long result;

	/* 120 is clone there. */
	asm volatile("int $0x80" : "=a"(result) : "a"(120), "b"(CLONE_FILES | SIGCHLD), "c"(0), "d"(0), "S"(0), "D"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	errno = -(int)result;
	report("int80", result < 0 ? -1 : result);
	args.flags = CLONE_FILES;
	/* The same number in every table. It would need an address below 4 GiB: that it is absent comes before. */
	asm volatile("int $0x80" : "=a"(result) : "a"(435), "b"(0), "c"(sizeof(args))
		     : "memory", "r8", "r9", "r10", "r11");
	errno = -(int)result;
	report("int80-clone3", result < 0 ? -1 : result);
#endif
	report("fork", fork());
	child = vfork();
	if (child == 0)
		_exit(0);
	report("vfork", child);
	made = pthread_create(&thread, NULL, nothing, NULL);
	if (made == 0)
		pthread_join(thread, NULL);
	printf("thread=%s\n", made ? strerrorname_np(made) : "ok");
}

static volatile int inet_fd, unix_fd, done;
static const int slot = 9;

static void *swapper(void *unused)
{
	while (!done) {
		dup2(unix_fd, slot);
		dup2(inet_fd, slot);
	}
	return unused;
}

static void race_sends(const char *foreign, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(foreign) };
	union { char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))]; struct cmsghdr align; } control = { { 0 } };
	struct iovec part = { .iov_base = "hello", .iov_len = 5 };
	struct msghdr message = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *info = CMSG_FIRSTHDR(&message);
	int sent = 0, refused = 0, other = 0;
	pthread_t thread;

	info->cmsg_level = IPPROTO_IP;
	info->cmsg_type = IP_PKTINFO;
	info->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
	((struct in_pktinfo *)CMSG_DATA(info))->ipi_spec_dst = to.sin_addr;
	inet_fd = socket(AF_INET, SOCK_DGRAM, 0);
	unix_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	dup2(inet_fd, slot);
	pthread_create(&thread, NULL, swapper, NULL);
	for (int i = 0; i < 40000 && !sent; i++) {
		if (sendmsg(slot, &message, MSG_DONTWAIT) >= 0)
			sent++;
		else if (errno == EPERM)
			refused++;
		else
			other++;
	}
	done = 1;
	pthread_join(thread, NULL);
	printf("inet=%d unix=%d sent=%d\n", refused, other, sent);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "share"))
		share();
	else if (argc == 4 && !strcmp(argv[1], "send"))
		race_sends(argv[2], atoi(argv[3]));
	else
		return 99;
	return 0;
}
