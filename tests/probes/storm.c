/* `storm`: random calls that a supervisor judges, with pointers that lead anywhere, from threads and processes that share
 * descriptors and memory, are interrupted, end and are killed. It reads lines:
 *
 *     go SEED MILLISECONDS CALLS    makes calls for that long, and until there were so many that are held; then prints
 *                                   "quiet calls=N held=N processes=N killed=N". The last processes live on, with their sockets.
 *     drop                          ends them, and prints "gone"
 *
 * The same seed makes the same calls in each thread of each process; how they meet is up to the scheduler. A call that does
 * not return within LATE is told ("late ..."), as is a datagram that was for somebody else ("heard ..."); both end the storm.
 */
#include "storm_calls.h"
#include "patience.h"

/* In seconds: a call waits for 150 ms at the most. */
#define LATE with_patience(20)

static uint64_t seed;
static pid_t children[PROCESSES];

static void interrupted(int unused)
{
	(void)unused;
}

static uint64_t state_of(unsigned process, unsigned thread)
{
	uint64_t state = seed ^ ((uint64_t)process << 8 | thread) * 0x2545f4914f6cdd1d;

	next(&state);
	return state;
}

struct post {
	unsigned process, thread, rounds;
	struct seat *seat;
};

static void *thread(void *argument)
{
	struct post *post = argument;
	uint64_t state = state_of(post->process, post->thread);

	/* Every fourth has a table of descriptors of its own from here on. */
	if (below(&state, 4) == 0)
		unshare(CLONE_FILES);
	for (unsigned n = 0; n < post->rounds && !shared->calm; n++) {
		one_call(&state, post->seat);
		switch (below(&state, 16)) {
		case 0: blink_page(&state); break;
		/* Some other thread may be in a call with this. */
		case 1 ... 4: address(&state, pages.flux + below(&state, PAGE / 64 - 16) * 64); break;
		}
	}
	return NULL;
}

/* A process of the storm: makes its calls, and ends in the midst of them. */
static void process(unsigned seat, unsigned number)
{
	uint64_t state = state_of(number, THREADS);
	struct sigaction action = { .sa_handler = interrupted, .sa_flags = below(&state, 2) ? SA_RESTART : 0 };
	struct itimerval often = { { 0, 1000 + below(&state, 20000) }, { 0, 1000 } };
	unsigned rounds = 50 + below(&state, 1500);
	struct post posts[THREADS];
	pthread_t ids[THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(with_patience(120));
	lay_out();
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGPROF, &action, NULL);
	if (below(&state, 2))
		setitimer(ITIMER_PROF, &often, NULL);
	for (unsigned n = 0; n < THREADS; n++) {
		/* Whoever ends early waits for nobody: the others are in a call then. */
		posts[n] = (struct post){ number, n, n ? rounds * 2 : rounds, &shared->seats[seat][n] };
		if (n && pthread_create(&ids[n], NULL, thread, &posts[n]))
			_exit(91);
	}
	thread(&posts[0]);
	if (!shared->calm && below(&state, 4) == 0)
		_exit(0);
	for (unsigned n = 1; n < THREADS; n++)
		pthread_join(ids[n], NULL);
	if (!shared->calm)
		_exit(0);
	setitimer(ITIMER_PROF, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
	shared->settled[seat] = 1;
	for (;;)
		pause();
}

static void start(unsigned seat, unsigned number)
{
	shared->settled[seat] = 0;
	children[seat] = fork();
	if (children[seat] < 0) {
		perror("storm: fork");
		exit(92);
	}
	if (children[seat] == 0)
		process(seat, number);
}

/* Those of its calls that were begun are over: it is gone. */
static void clear(unsigned seat)
{
	for (unsigned n = 0; n < THREADS; n++)
		shared->seats[seat][n].began = 0;
}

/* The calls that were made, and those of them that were held; ends the storm if one of them does not return. */
static long look(long *held)
{
	long calls = 0, now = now_us();

	*held = 0;
	if (shared->heard) {
		printf("heard what was sent to a foreign address\n");
		fflush(stdout);
		exit(1);
	}

	for (unsigned p = 0; p < PROCESSES; p++)
		for (unsigned n = 0; n < THREADS; n++) {
			struct seat *seat = &shared->seats[p][n];
			long began = seat->began;

			calls += seat->calls;
			*held += seat->held;
			if (!began || now - began < LATE * 1000000L)
				continue;
			printf("late process=%d call=%d slot=%d after=%ldms\n", children[p], seat->call, seat->slot, (now - began) / 1000);
			fflush(stdout);
			exit(1);
		}
	return calls;
}

/* Whether one of its calls takes longer than it should, though it is not late yet. */
static int hangs(unsigned process)
{
	for (unsigned n = 0; n < THREADS; n++) {
		long began = shared->seats[process][n].began;

		if (began && now_us() - began > with_patience(500000))
			return 1;
	}
	return 0;
}

static void go(long milliseconds, long least)
{
	uint64_t state = state_of(-1, 0);
	long end = now_us() + milliseconds * 1000, kill_at = 0, calls = 0, held = 0, held_before, before = look(&held_before);
	unsigned started = 0, killed = 0, settled;
	int status;

	shared->calm = 0;
	for (unsigned seat = 0; seat < PROCESSES; seat++)
		start(seat, started++);
	while (now_us() < end || (held - held_before < least && now_us() < end + LATE * 1000000L)) {
		for (unsigned seat = 0; seat < PROCESSES; seat++)
			if (waitpid(children[seat], &status, WNOHANG) == children[seat]) {
				if (WIFEXITED(status) && WEXITSTATUS(status)) {
					printf("a process ended with status %d\n", WEXITSTATUS(status));
					exit(93);
				}
				clear(seat);
				start(seat, started++);
			}
		if (now_us() > kill_at) {
			unsigned seat = below(&state, PROCESSES);

			kill_at = now_us() + 20000 + below(&state, 100000);
			/* What hangs is to be seen. */
			if (!hangs(seat)) {
				kill(children[seat], SIGKILL);
				killed++;
			}
		}
		look(&held);
		usleep(1000);
	}
	shared->calm = 1;
	do {
		settled = 0;
		for (unsigned seat = 0; seat < PROCESSES; seat++) {
			/* One that was killed at the last moment has nothing to settle. */
			if (children[seat] && waitpid(children[seat], &status, WNOHANG) == children[seat]) {
				clear(seat);
				children[seat] = 0;
			}
			settled += !children[seat] || shared->settled[seat];
		}
		calls = look(&held) - before;
		usleep(1000);
	} while (settled < PROCESSES);
	printf("quiet calls=%ld held=%ld processes=%u killed=%u\n", calls, held - held_before, started, killed);
	fflush(stdout);
}

static void drop(void)
{
	for (unsigned seat = 0; seat < PROCESSES; seat++) {
		if (!children[seat])
			continue;
		kill(children[seat], SIGKILL);
		waitpid(children[seat], NULL, 0);
		children[seat] = 0;
		clear(seat);
	}
	printf("gone\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[128];
	long milliseconds, least;

	mixed = argc > 1 && !strcmp(argv[1], "mixed");

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 94;
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "go %lu %ld %ld", &seed, &milliseconds, &least) == 3)
			go(milliseconds, least);
		else if (!strcmp(line, "drop\n"))
			drop();
		else
			return 95;
	}
	return 0;
}
