/* `tables WAY`: a thread or process whose descriptors are not those that its process, or its parent, has.
 *
 *   thread   a thread that makes calls, and then leaves the shared table: its number 9 means another socket now
 *   process  a process that shares the table and not the memory; binds, and then leaves it
 */
#include "attack.h"

enum { SLOT = 9 };

static void put(int fd)
{
	need("socket", fd);
	need("dup2", dup2(fd, SLOT));
	close(fd);
}

/* What is bound here must be the socket that the caller has under the number. */
static void binds(void)
{
	int spare;

	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		put(socket(AF_INET, type, 0));
		attempt(bind_to(SLOT, FOREIGN, 0));
		judged(SLOT);
		if (attempt(bind_to(SLOT, "0.0.0.0", 0)))
			judged(SLOT);
		spare = need("socket", socket(AF_INET, type, 0));
		attempt(connect_to(spare, HOST, HOST_PORT));
		attempt(connect_to(spare, FOREIGN, FORBIDDEN_PORT));
		judged(spare);
	}
}

static void *leave(void *unused)
{
	binds();
	need("unshare", unshare(CLONE_FILES));
	binds();
	/* An inet socket here, a local one there: who looks at the other table lets the call run. */
	put(socket(AF_INET, SOCK_DGRAM, 0));
	attempt(bind_to(SLOT, FOREIGN, 0));
	judged(SLOT);
	return unused;
}

static void by_thread(void)
{
	pthread_t thread;
	int local = need("socket", socket(AF_UNIX, SOCK_DGRAM, 0));

	pthread_create(&thread, NULL, leave, NULL);
	/* The number there means a local socket, whatever the thread does with its own. */
	for (int i = 0; i < 200; i++)
		dup2(local, SLOT);
	pthread_join(thread, NULL);
}

static void by_process(void)
{
	unsigned long *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	put(socket(AF_UNIX, SOCK_DGRAM, 0));
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	/* It may be that there can be none. */
	if (!attempt(pid))
		return;
	if (pid == 0) {
		leave(NULL);
		memcpy(told, (unsigned long[]){ attempts, done, out }, 3 * sizeof(long));
		memcpy(told + 3, errnos, sizeof(errnos));
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		broken("the other process");
	attempts += told[0], done += told[1], out += told[2];
	for (int e = 0; e < 134; e++)
		errnos[e] += told[3 + e];
	/* What it had before it left is here still. */
	judged(SLOT);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 99;
	if (!strcmp(argv[1], "thread"))
		by_thread();
	else
		by_process();
	finish(argv[1]);
}
