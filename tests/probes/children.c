/* `children`: a socket bound to the wildcard by a child of each kind, and by threads beside it; prints where each came to.
 *
 *     $ children
 *     fork=10.0.0.1 vfork=10.0.0.1 thread=10.0.0.1 fork-of-thread=10.0.0.1 clone=10.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared with children. */
static struct in_addr *found;

static void look(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	found->s_addr = INADDR_NONE;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		*found = a.sin_addr;
	close(fd);
}

static void say(const char *name)
{
	printf("%s=%s ", name, inet_ntoa(*found));
	fflush(stdout);
	found->s_addr = INADDR_NONE;
}

static void forked(void)
{
	pid_t child = fork();

	if (child == 0) {
		look();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void *in_thread(void *does)
{
	((void (*)(void))does)();
	return NULL;
}

static void threaded(void (*does)(void))
{
	pthread_t thread;

	pthread_create(&thread, NULL, in_thread, (void *)does);
	pthread_join(thread, NULL);
}

static int cloned(void *unused)
{
	(void)unused;
	look();
	return 0;
}

int main(void)
{
	static char stack[256 * 1024] __attribute__((aligned(16)));
	pid_t child;

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (found == MAP_FAILED)
		return 99;
	forked();
	say("fork");
	child = vfork();
	if (child == 0) {
		look();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	say("vfork");
	threaded(look);
	say("thread");
	threaded(forked);
	say("fork-of-thread");
	child = clone(cloned, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	waitpid(child, NULL, 0);
	say("clone");
	printf("\n");
	return 0;
}
