/* Bad input of every kind for every call that names an address.
 *
 * `bad_input list` makes each call once and prints what it came to, a line each: the same natively and in a context.
 * `bad_input serve` reads from standard input:
 *     storm 100000 4    makes that many of them, in as many threads, while another changes what is mapped; says "stormed"
 *     check             makes some good calls and says what they came to
 */
#include "bad_addresses.h"
#include "bad_messages.h"
#include <sched.h>
#include <signal.h>

#define MOST_THREADS 8

static void all(struct run *r)
{
	bad_addresses(r, SYS_bind, "bind");
	bad_addresses(r, SYS_connect, "connect");
	bad_addresses(r, SYS_sendto, "sendto");
	bad_sendto(r);
	bad_options(r);
	bad_rooms(r, SYS_getsockname, "getsockname");
	bad_rooms(r, SYS_getpeername, "getpeername");
	bad_numbers(r);
	bad_messages(r);
}

static struct run runs[MOST_THREADS];
static pthread_barrier_t begin, done;
static atomic_int at_work;
static int threads;

/* One thread of a storm: starts anywhere in the list, and goes through it again and again. */
static void *storm(void *argument)
{
	struct run *r = argument;

	for (;;) {
		pthread_barrier_wait(&begin);
		while (r->left > 0)
			all(r);
		atomic_fetch_sub(&at_work, 1);
		pthread_barrier_wait(&done);
	}
	return NULL;
}

/* Lets pages go and come back. What they hold stays, for it is mapped elsewhere too. */
static void change_maps(unsigned *seed)
{
	struct arena *a = &runs[rand_r(seed) % threads].arena;
	size_t offset = rand_r(seed) % OPEN_PAGES * PAGE;
	char *at = a->k + offset;
	int how = rand_r(seed) % 3;

	if (how == 0)
		mmap(at, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		mprotect(at, PAGE, how == 1 ? PROT_NONE : PROT_READ);
	sched_yield();
	if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, a->memfd, offset) == MAP_FAILED)
		broken("mmap");
}

static void *keep_changing(void *unused)
{
	unsigned seed = 1;

	for (;;) {
		pthread_barrier_wait(&begin);
		while (atomic_load(&at_work) > 0)
			change_maps(&seed);
		pthread_barrier_wait(&done);
	}
	return unused;
}

/* Threads are made once: who calls from one round to the next is the same. */
static void start_threads(void)
{
	pthread_t thread;

	pthread_barrier_init(&begin, NULL, threads + 2);
	pthread_barrier_init(&done, NULL, threads + 2);
	for (int i = 0; i < threads; i++) {
		make_arena(&runs[i].arena, 1);
		runs[i].storms = 1;
		if (pthread_create(&thread, NULL, storm, &runs[i]))
			broken("thread");
	}
	if (pthread_create(&thread, NULL, keep_changing, NULL))
		broken("thread");
}

static void weather(long count, unsigned *seed)
{
	for (int i = 0; i < threads; i++) {
		runs[i].left = count / threads;
		runs[i].skip = rand_r(seed) % 20000;
	}
	atomic_store(&at_work, threads);
	pthread_barrier_wait(&begin);
	pthread_barrier_wait(&done);
}

static const char *said(long result)
{
	return result < 0 ? strerrorname_np(errno) : "ok";
}

/* The wildcard, somebody else's address, a datagram to oneself. */
static void check(void)
{
	struct sockaddr_in any = v4("0.0.0.0", 0), foreign = v4("10.0.0.3", 0), to = v4("10.0.0.1", SINK), from;
	socklen_t len = sizeof from;
	char bytes[100];
	int s = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);

	printf("checked foreign=%s", said(bind(s, (void *)&foreign, sizeof foreign)));
	printf(" wildcard=%s", said(bind(s, (void *)&any, sizeof any)));
	getsockname(s, (void *)&from, &len);
	printf(" name=%s", inet_ntoa(from.sin_addr));
	/* What the storm has sent. */
	while (recv(sink, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
		;
	printf(" sent=%s", said(sendto(d, "checked", 8, 0, (void *)&to, sizeof to)));
	len = sizeof from;
	printf(" received=%s", recvfrom(sink, bytes, sizeof bytes, MSG_DONTWAIT, (void *)&from, &len) < 0 ? "-" : bytes);
	printf(" from=%s\n", inet_ntoa(from.sin_addr));
	close(s);
	close(d);
}

static void serve(void)
{
	char line[100];
	unsigned seed = 1;
	long count;
	int wanted;

	while (fgets(line, sizeof line, stdin)) {
		if (!strcmp(line, "check\n")) {
			check();
		} else if (sscanf(line, "storm %ld %d", &count, &wanted) == 2 && wanted > 0 && wanted <= MOST_THREADS) {
			if (!threads) {
				threads = wanted;
				start_threads();
			}
			weather(count, &seed);
			puts("stormed");
		} else {
			broken(line);
		}
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static struct run r;

	signal(SIGPIPE, SIG_IGN);
	make_sinks();
	if (argc > 1 && !strcmp(argv[1], "list")) {
		make_arena(&r.arena, 0);
		all(&r);
	} else if (argc > 1 && !strcmp(argv[1], "serve")) {
		serve();
	} else {
		broken("list or serve");
	}
	return 0;
}
