/* `start WAY COUNT PROGRAM [HOW]`: starts PROGRAM by one function of exec(3), posix_spawn(3), system(3) or popen(3), with
 * COUNT words (zero, a1, a2, ...) and MARK=here in its environment; prints the errno where that fails.
 *
 * HOW: `vfork` in a child of vfork(2), `thread` from a second thread; `empty` with an empty environment, `bare` without
 * LD_PRELOAD, `many` with 1500 more variables, `full` with more than the kernel takes (where the function takes one).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 4096

extern char **environ;

static const char *way, *how;
static char *program, *list[64], *environment[MOST];
static int count;

#define ONE "zero"
#define FIVE "zero", "a1", "a2", "a3", "a4"
#define SIX FIVE, "a5"
#define FORTY \
	SIX, "a6", "a7", "a8", "a9", "a10", "a11", "a12", "a13", "a14", "a15", "a16", "a17", "a18", "a19", "a20", "a21", \
		"a22", "a23", "a24", "a25", "a26", "a27", "a28", "a29", "a30", "a31", "a32", "a33", "a34", "a35", "a36", \
		"a37", "a38", "a39"

/* By a function that takes the words one by one, for each number of them. */
#define EACH(call, ...)                                             \
	do {                                                        \
		if (count == 1)                                     \
			return call(program, ONE, ##__VA_ARGS__);   \
		if (count == 5)                                     \
			return call(program, FIVE, ##__VA_ARGS__);  \
		if (count == 6)                                     \
			return call(program, SIX, ##__VA_ARGS__);   \
		if (count == 40)                                    \
			return call(program, FORTY, ##__VA_ARGS__); \
	} while (0)

/* The errno of a child that was waited for, or what it ended with. */
static int waited(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static char *line(void)
{
	static char text[4096];
	int n;

	/* The shell's own word is the first. */
	strcpy(text, program);
	for (n = 1; n < count; n++)
		strcat(strcat(text, " "), list[n]);
	return text;
}

/* -1 with errno, as exec(3); never comes back where that worked. */
static int start(void)
{
	pid_t pid = 0;
	FILE *pipe;
	int fd, c;

	if (!strcmp(way, "execve"))
		return execve(program, list, environment);
	if (!strcmp(way, "execv"))
		return execv(program, list);
	if (!strcmp(way, "execvp"))
		return execvp(program, list);
	if (!strcmp(way, "execvpe"))
		return execvpe(program, list, environment);
	if (!strcmp(way, "execl"))
		EACH(execl, (char *)NULL);
	if (!strcmp(way, "execlp"))
		EACH(execlp, (char *)NULL);
	if (!strcmp(way, "execle"))
		EACH(execle, (char *)NULL, environment);
	if (!strcmp(way, "fexecve"))
		return (fd = open(program, O_RDONLY | O_CLOEXEC)) < 0 ? -1 : fexecve(fd, list, environment);
#ifdef __GLIBC__
	/* musl has none. */
	if (!strcmp(way, "execveat"))
		return execveat(AT_FDCWD, program, list, environment, 0);
	if (!strcmp(way, "execveat-empty"))
		return (fd = open(program, O_PATH | O_CLOEXEC)) < 0 ? -1 :
								      execveat(fd, "", list, environment, AT_EMPTY_PATH);
	if (!strcmp(way, "execveat-directory")) {
		static char copy[4096];

		strcpy(copy, program);
		fd = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -1 : execveat(fd, strrchr(program, '/') + 1, list, environment, 0);
	}
#endif
	if (!strcmp(way, "posix_spawn"))
		return (errno = posix_spawn(&pid, program, NULL, NULL, list, environment)) ? -1 : waited(pid);
	if (!strcmp(way, "posix_spawnp"))
		return (errno = posix_spawnp(&pid, program, NULL, NULL, list, environment)) ? -1 : waited(pid);
	if (!strcmp(way, "system")) {
		c = system(line());
		exit(c < 0 || !WIFEXITED(c) ? 99 : WEXITSTATUS(c));
	}
	if (!strcmp(way, "popen")) {
		pipe = popen(line(), "r");
		while ((c = getc(pipe)) != EOF)
			putchar(c);
		c = pclose(pipe);
		exit(c < 0 || !WIFEXITED(c) ? 99 : WEXITSTATUS(c));
	}
	fprintf(stderr, "start: no such way: %s\n", way);
	exit(98);
}

static int tell(void)
{
	/* Nothing that a child of vfork(2) must not do: its parent's memory is its own. */
	return dprintf(1, "errno=%d\n", errno) < 0 ? 97 : 96;
}

static void *thread(void *nothing)
{
	start();
	exit(tell());
	return nothing;
}

int main(int words, char **word)
{
	static char texts[MOST][24], digits[64][8], huge[1 << 18];
	pthread_t other;
	int n, at = 0, more;
	pid_t pid;

	if (words < 4)
		return 98;
	way = word[1], count = atoi(word[2]), program = word[3], how = words > 4 ? word[4] : "";
	if (count < 1 || count > 40)
		return 98;
	list[0] = "zero";
	for (n = 1; n < count; n++) {
		sprintf(digits[n], "a%d", n);
		list[n] = digits[n];
	}
	setenv("MARK", "here", 1);
	if (!strcmp(how, "bare"))
		unsetenv("LD_PRELOAD");
	if (strcmp(how, "empty"))
		for (n = 0; environ[n]; n++)
			environment[at++] = environ[n];
	more = strcmp(how, "many") ? 0 : 1500;
	for (n = 0; n < more; n++) {
		sprintf(texts[n], "MORE%d=x", n);
		environment[at++] = texts[n];
	}
	if (!strcmp(how, "full")) {
		memset(huge, 'x', sizeof(huge) - 1);
		memcpy(huge, "HUGE=", 5);
		environment[at++] = huge;
	}
	if (!strcmp(how, "thread")) {
		pthread_create(&other, NULL, thread, NULL);
		pthread_join(other, NULL);
		return 95;
	}
	if (!strcmp(how, "vfork")) {
		pid = vfork();
		if (!pid) {
			start();
			_exit(tell());
		}
		return waited(pid);
	}
	start();
	return tell();
}
