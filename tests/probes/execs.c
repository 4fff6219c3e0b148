/* `execs [small] PROGRAM PATH WORDS`: every function that executes programs, each in a child; a line for each, which the program
 * goes on with. PROGRAM is found in PATH. With `small` by a thread with the smallest stack that there is.
 *
 *     $ execs probe /usr/bin/probe tcp4 bind 0.0.0.0:0 name
 *     execv: bind=ok name=10.0.0.1:4711
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *file, *path;
static char **words;
static char command[1024];

enum how { EXECV, EXECVE, EXECVP, EXECVPE, EXECL, EXECLE, EXECLP, FEXECVE, EXECVEAT, SPAWN, SPAWNP, SYSTEM, POPEN, HOWS };
static const char *names[] = { "execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "fexecve", "execveat",
			       "posix_spawn", "posix_spawnp", "system", "popen" };

static void wait_for(int error, pid_t child)
{
	if (error)
		printf("%s\n", strerror(error));
	else
		waitpid(child, NULL, 0);
	fflush(stdout);
	_exit(0);
}

static void execute(enum how how)
{
	FILE *pipe;
	pid_t child;
	int error;

	switch (how) {
	case EXECV: execv(path, words); break;
	case EXECVE: execve(path, words, environ); break;
	case EXECVP: execvp(file, words); break;
	case EXECVPE: execvpe(file, words, environ); break;
	/* Four words, and so some of them on the stack. */
	case EXECL: execl(path, words[0], words[1], words[2], words[3], words[4], NULL); break;
	case EXECLE: execle(path, words[0], words[1], words[2], words[3], words[4], NULL, environ); break;
	case EXECLP: execlp(file, words[0], words[1], words[2], words[3], words[4], NULL); break;
	case FEXECVE: fexecve(open(path, O_RDONLY | O_CLOEXEC), words, environ); break;
#ifdef __GLIBC__
	case EXECVEAT: execveat(AT_FDCWD, path, words, environ, 0); break;
#endif
	case SPAWN: error = posix_spawn(&child, path, NULL, NULL, words, environ); wait_for(error, child); break;
	case SPAWNP: error = posix_spawnp(&child, file, NULL, NULL, words, environ); wait_for(error, child); break;
	case SYSTEM: _exit(system(command));
	case POPEN:
		pipe = popen(command, "w");
		_exit(pipe ? pclose(pipe) : 1);
	default: break;
	}
	printf("%s\n", strerror(errno));
	fflush(stdout);
	_exit(1);
}

static void *each(void *unused)
{
	for (enum how how = 0; how < HOWS; how++) {
		int status = 0;
		pid_t child;

#ifndef __GLIBC__
		if (how == EXECVEAT)
			continue;
#endif
		printf("%s: ", names[how]);
		fflush(stdout);
		child = fork();
		if (child == 0)
			execute(how);
		waitpid(child, &status, 0);
		if (WIFSIGNALED(status))
			printf("signal %d\n", WTERMSIG(status));
	}
	return unused;
}

int main(int argc, char **argv)
{
	int small = argc > 1 && !strcmp(argv[1], "small");
	pthread_attr_t attributes;
	pthread_t thread;

	if (argc < small + 7)
		return 99;
	file = argv[small + 1];
	path = argv[small + 2];
	words = argv + small + 2;
	for (int i = 0; words[i]; i++) {
		strcat(command, words[i]);
		strcat(command, " ");
	}
	if (!small) {
		each(NULL);
		return 0;
	}
	pthread_attr_init(&attributes);
	/* The C library's own printf needs some of it. */
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN < 16384 ? 16384 : PTHREAD_STACK_MIN);
	pthread_create(&thread, &attributes, each, NULL);
	pthread_join(thread, NULL);
	return 0;
}
