/* `threads N LOOPS OWN`: N threads bind to the wildcard at the same time, again and again. Every socket must come out on
 * the own address. Prints how many did.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int loops;
static in_addr_t ours;
static atomic_int ok, elsewhere, failed, last;
static pthread_barrier_t start;

static void *binder(void *unused)
{
	pthread_barrier_wait(&start);
	for (int i = 0; i < loops; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET };
		socklen_t len = sizeof(a);
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
			last = errno;
			failed++;
		} else if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 && a.sin_addr.s_addr == ours) {
			ok++;
		} else {
			elsewhere++;
		}
		close(fd);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int n = argc > 3 ? atoi(argv[1]) : 0;
	pthread_t threads[64];

	if (n < 1 || n > 64)
		return 99;
	loops = atoi(argv[2]);
	ours = inet_addr(argv[3]);
	pthread_barrier_init(&start, NULL, n);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, binder, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("ok=%d elsewhere=%d failed=%d last=%s\n", ok, elsewhere, failed, strerrorname_np(last));
	return 0;
}
