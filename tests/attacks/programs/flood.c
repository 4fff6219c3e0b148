/* `flood WAY`: more than the supervisor may have room for. While it lasts, what it has to refuse is tried.
 *
 *   pending    1,000 threads in connects that block, each of which is then interrupted
 *   processes  1,000 processes at once that have each made a call, and threads with descriptor tables of their own
 *   memory     threads that send far more than fits into a packet, from 1,024 places at once
 */
#include "attack.h"
#include <sys/resource.h>

/* Where nobody accepts: the test has filled the queue. */
#define SLOW_PORT 7302
#define MANY 1000

static int returned;

static void *connector(void *unused)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	attempt(connect_to(fd, FOREIGN, SLOW_PORT));
	judged(fd);
	close(fd);
	__atomic_add_fetch(&returned, 1, __ATOMIC_RELAXED);
	return unused;
}

static void nothing(int sig)
{
	(void)sig;
}

static void try_now(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	try_foreign(bind, SOCK_STREAM);
	try_foreign(bind, SOCK_DGRAM);
	if (attempt(fd) && attempt(bind_to(fd, OWN, 0)))
		judged(fd);
	if (fd >= 0)
		close(fd);
}

static void start(pthread_t *thread, void *(*work)(void *))
{
	pthread_attr_t small;
	int error;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	error = pthread_create(thread, &small, work, NULL);
	if (error) {
		errno = error;
		broken("a thread");
	}
}

static void pending(void)
{
	static pthread_t threads[MANY];
	struct sigaction action = { .sa_handler = nothing };
	struct timespec moment = { 0, 2000000 };

	/* Without SA_RESTART. */
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < MANY; i++)
		start(&threads[i], connector);
	for (int i = 0; i < 20; i++)
		try_now();
	/* One that was interrupted before it began to wait needs another. */
	for (int round = 0; returned < MANY; round++) {
		if (round == 5000)
			broken("connects that never return");
		for (int i = 0; i < MANY; i++)
			pthread_kill(threads[i], SIGUSR1);
		try_now();
		nanosleep(&moment, NULL);
	}
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
}

static void *apart(void *go_on)
{
	char byte;

	need("unshare", unshare(CLONE_FILES));
	try_now();
	(void)!read(*(int *)go_on, &byte, 1);
	return NULL;
}

/* All of them live until all have made their calls. */
static void processes(void)
{
	static pthread_t threads[MANY / 4];
	static pid_t children[MANY];
	int ready[2], go_on[2], status;
	char byte = 0;

	need("pipe", pipe(ready));
	need("pipe", pipe(go_on));
	for (int i = 0; i < MANY; i++) {
		children[i] = need("fork", fork());
		if (children[i] == 0) {
			close(go_on[1]);
			out = 0;
			try_now();
			byte = out > 0;
			(void)!write(ready[1], &byte, 1);
			(void)!read(go_on[0], &byte, 1);
			_exit(0);
		}
	}
	for (int i = 0; i < MANY; i++) {
		need("a child", read(ready[0], &byte, 1) == 1 ? 0 : -1);
		attempts++;
		out += byte;
	}
	for (int i = 0; i < MANY / 4; i++) {
		/* They keep the end that is read, in tables of their own. */
		if (pthread_create(&threads[i], NULL, apart, &go_on[0]))
			broken("a thread");
	}
	try_now();
	/* A byte for each: their copies of the other end keep it open. */
	for (int i = 0; i < MANY + MANY / 4; i++)
		need("write", (int)write(go_on[1], &byte, 1));
	for (int i = 0; i < MANY / 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < MANY; i++)
		waitpid(children[i], &status, 0);
}

static void *sender(void *unused)
{
	static char block[1 << 20];
	static struct iovec parts[1024];
	struct sockaddr_in to = at(FOREIGN, PEER_PORT);
	struct msghdr message = { &to, sizeof(to), parts, 1024, NULL, 0, 0 };

	for (int i = 0; i < 1024; i++)
		parts[i] = (struct iovec){ block, sizeof(block) };
	for (int i = 0; i < 4; i++) {
		int datagrams = socket(AF_INET, SOCK_DGRAM, 0), stream = socket(AF_INET, SOCK_STREAM, 0);

		/* A gigabyte: too much for a datagram; of a stream as much as fits. */
		attempt(sendmsg(datagrams, &message, MSG_NOSIGNAL));
		if (connect_to(stream, FOREIGN, PEER_PORT) == 0)
			attempt(sendmsg(stream, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
		attempt(sendto(datagrams, block, sizeof(block), MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)));
		attempt(sendto(stream, block, sizeof(block), MSG_NOSIGNAL | MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)));
		close(datagrams);
		close(stream);
	}
	return unused;
}

static void memory(void)
{
	static pthread_t threads[64];

	for (int i = 0; i < 64; i++)
		start(&threads[i], sender);
	try_now();
	for (int i = 0; i < 64; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	const char *way = argc > 1 ? argv[1] : "";

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (!strcmp(way, "pending"))
		pending();
	else if (!strcmp(way, "processes"))
		processes();
	else if (!strcmp(way, "memory"))
		memory();
	else
		return 99;
	/* It has to be there still. */
	try_now();
	finish(way);
}
