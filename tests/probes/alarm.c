/* socket+bind+close in a loop under a rain of SIGALRM: `alarm LOOPS MICROSECONDS [restart]`. Without SA_RESTART a signal
 * may show as EINTR, with it never; nothing else may ever show. Prints how often which. At the end, with the signals off,
 * one more bind tells whether the supervisor lives.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long fired;

static void on_alarm(int signal)
{
	(void)signal;
	fired++;
}

static int once(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), result = 0;

	if (fd < 0)
		return errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		result = errno;
	close(fd);
	return result;
}

int main(int argc, char **argv)
{
	int loops = argc > 2 ? atoi(argv[1]) : 0, us = argc > 2 ? atoi(argv[2]) : 0;
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { { 0, us }, { 0, us } }, off = { 0 };
	int ok = 0, interrupted = 0, other = 0, last = 0;

	if (argc > 3 && !strcmp(argv[3], "restart"))
		action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < loops; i++) {
		int error = once();
		if (error == 0)
			ok++;
		else if (error == EINTR)
			interrupted++;
		else {
			other++;
			last = error;
		}
	}
	setitimer(ITIMER_REAL, &off, NULL);
	printf("ok=%d eintr=%d other=%d last=%s signals=%ld after=%s\n", ok, interrupted, other, strerrorname_np(last),
	       fired, strerrorname_np(once()));
	return 0;
}
