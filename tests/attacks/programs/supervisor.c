/* `supervisor WAY`: attacks on the process that judges. After each, what it has to refuse is tried again.
 *
 *   ptrace memory files descriptors  to get into it
 *   signals                          those that it has to bear, then those that end it
 *   stop                             SIGSTOP, and calls while it is stopped
 *   limits                           prlimit, scheduling, CPUs, priorities: to starve it
 */
#include "attack.h"
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>

static pid_t it;

/* By its name, which the test tells. */
static pid_t find(void)
{
	const char *wanted = getenv("SUPERVISOR");
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (wanted && dir && !found && (entry = readdir(dir))) {
		char path[300], name[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0) {
			name[strcspn(name, "\n")] = 0;
			if (!strcmp(name, wanted))
				found = atoi(entry->d_name);
		}
		if (fd >= 0)
			close(fd);
	}
	return found;
}

static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

/* What is not to be let through, and what may be. */
static void probe(void)
{
	for (int i = 0; i < 2; i++) {
		int fd;

		try_foreign(bind, types[i]);
		fd = socket(AF_INET, types[i], 0);
		if (attempt(fd) && attempt(bind_to(fd, "0.0.0.0", 0)) && judged(fd))
			continue;
		if (fd >= 0) {
			attempt(connect_to(fd, FOREIGN, FORBIDDEN_PORT));
			if (!judged(fd))
				close(fd);
		}
	}
}

/* Success of any of these is a way in. */
static void must_fail(long result)
{
	if (attempt(result))
		out++;
}

static void by_ptrace(void)
{
	must_fail(ptrace(PTRACE_ATTACH, it, 0, 0));
	must_fail(ptrace(PTRACE_SEIZE, it, 0, 0));
	must_fail(ptrace(PTRACE_SEIZE, it + 1, 0, 0));
	must_fail(syscall(SYS_kcmp, it, it, 0, 0, 0) < 0 ? -1 : 0);
}

static void by_memory(void)
{
	unsigned long word = 0, addresses[] = { 0x400000, 0x555555554000, 0x7ffff7ff0000 };

	for (int i = 0; i < 3; i++) {
		struct iovec here = { &word, sizeof(word) }, there = { (void *)addresses[i], sizeof(word) };

		/* EFAULT would say that it may be done. */
		if (!attempt(process_vm_readv(it, &here, 1, &there, 1, 0)))
			out += errno == EFAULT;
		else
			out++;
		if (!attempt(process_vm_writev(it, &here, 1, &there, 1, 0)))
			out += errno == EFAULT;
		else
			out++;
	}
}

static void by_files(void)
{
	static const char *const names[] = { "mem", "maps", "environ", "auxv", "fd", "fdinfo", "map_files", "cwd", "root",
					     "exe", "stack", "syscall", "ns/net", "personality" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64], byte = 0;
		int fd;

		/* Some can be opened, and are checked when they are read or written. */
		snprintf(path, sizeof(path), "/proc/%d/%s", it, names[i]);
		fd = open(path, O_RDONLY);
		if (attempt(fd))
			must_fail(i == 0 ? 0 : read(fd, &byte, 1));
		close(fd);
		fd = open(path, O_WRONLY);
		if (attempt(fd))
			must_fail(i == 0 ? 0 : write(fd, &byte, 1));
		close(fd);
	}
	for (int number = 0; number < 64; number++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", it, number);
		must_fail(open(path, O_RDWR));
	}
}

static void by_descriptors(void)
{
	int handle = syscall(SYS_pidfd_open, it, 0);

	if (attempt(handle)) {
		for (int number = 0; number < 128; number++)
			must_fail(syscall(SYS_pidfd_getfd, handle, number, 0));
		must_fail(setns(handle, CLONE_NEWNET));
	}
}

static void by_signals(void)
{
	static const int borne[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGCHLD, SIGURG,
				     SIGWINCH, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };
	unsigned long before;

	for (size_t i = 0; i < sizeof(borne) / sizeof(borne[0]); i++) {
		before = done;
		attempt(kill(it, borne[i]));
		attempt(syscall(SYS_tgkill, it, it, borne[i]));
		probe();
		/* What comes to every service at its end must not be its end. */
		if (done == before)
			broken("the supervisor does not answer");
	}
	/* One of these is its end, if it may be signalled at all; then nobody may answer in its place. */
	for (int sig = 1; sig < 65; sig++) {
		if (sig == SIGSTOP)
			continue;
		attempt(kill(it, sig));
		probe();
	}
	attempt(kill(it, SIGKILL));
	for (int i = 0; i < 20; i++)
		probe();
}

/* Calls by one whom nobody answers, perhaps, until it is let go on. */
static void by_stop(void)
{
	struct timespec moment = { 0, 300000000 };
	int stopped = attempt(kill(it, SIGSTOP)), pipes[2];
	unsigned long told[3];
	pid_t child;

	need("pipe", pipe(pipes));
	child = need("fork", fork());
	if (child == 0) {
		attempts = done = out = 0;
		probe();
		memcpy(told, (unsigned long[]){ attempts, done, out }, sizeof(told));
		_exit(write(pipes[1], told, sizeof(told)) != sizeof(told));
	}
	/* The time that it is stopped, not a wait for something. */
	nanosleep(&moment, NULL);
	if (stopped)
		attempt(kill(it, SIGCONT));
	if (read(pipes[0], told, sizeof(told)) != sizeof(told))
		broken("calls while it is stopped");
	attempts += told[0], done += told[1], out += told[2];
	probe();
}

static void *caller(void *unused)
{
	for (int i = 0; i < 20; i++)
		probe();
	return unused;
}

static void many(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, caller, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
}

static void by_limits(void)
{
	static const int limits[] = { RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING,
				      RLIMIT_MSGQUEUE, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_AS, RLIMIT_RTTIME, RLIMIT_CPU };
	struct sched_param none = { 0 };
	cpu_set_t one;
	char path[64];
	int fd;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	attempt(sched_setaffinity(it, sizeof(one), &one));
	attempt(sched_setscheduler(it, SCHED_IDLE, &none));
	attempt(setpriority(PRIO_PROCESS, it, 19));
	attempt(syscall(SYS_ioprio_set, 1, it, 3 << 13));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", it);
	fd = open(path, O_WRONLY);
	if (attempt(fd))
		attempt(write(fd, "1000", 4));
	many();
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit old, tight = { 0, 0 };

		if (!attempt(prlimit(it, limits[i], NULL, &old)))
			continue;
		/* Only root may raise the hard limit again: the others go on with what is left. */
		attempt(prlimit(it, limits[i], &tight, NULL));
		many();
		attempt(prlimit(it, limits[i], &old, NULL));
		probe();
	}
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*way)(void); } ways[] = {
		{ "ptrace", by_ptrace }, { "memory", by_memory }, { "files", by_files }, { "descriptors", by_descriptors },
		{ "signals", by_signals }, { "stop", by_stop }, { "limits", by_limits },
	};

	it = find();
	if (it == 0) {
		fprintf(stderr, "there is no supervisor\n");
		return 99;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].way();
			finish(argv[1]);
		}
	}
	return 99;
}
