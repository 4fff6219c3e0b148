/* `flip LOOPS OWN FOREIGN`: binds in a loop while another thread keeps changing the address that bind() is given, between
 * the wildcard and a foreign one. Whoever checks one value and lets the kernel read another is caught: after each bind
 * the socket's own name must be the own address. Prints how often which.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in shared = { .sin_family = AF_INET };
static in_addr_t foreign;
static volatile int done;

static void *flipper(void *unused)
{
	volatile in_addr_t *address = &shared.sin_addr.s_addr;

	while (!done) {
		*address = foreign;
		*address = INADDR_ANY;
	}
	return unused;
}

int main(int argc, char **argv)
{
	int loops = argc > 3 ? atoi(argv[1]) : 0;
	int own = 0, refused = 0, on_foreign = 0, on_wildcard = 0, other = 0, last = 0;
	in_addr_t ours;
	pthread_t thread;

	if (argc < 4)
		return 99;
	ours = inet_addr(argv[2]);
	foreign = inet_addr(argv[3]);
	pthread_create(&thread, NULL, flipper, NULL);
	for (int i = 0; i < loops; i++) {
		struct sockaddr_in name = { 0 };
		socklen_t len = sizeof(name);
		int fd = socket(AF_INET, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);

		if (fd >= 0 && bind(fd, (struct sockaddr *)&shared, sizeof(shared)) == 0) {
			getsockname(fd, (struct sockaddr *)&name, &len);
			if (name.sin_addr.s_addr == ours)
				own++;
			else if (name.sin_addr.s_addr == foreign)
				on_foreign++;
			else
				on_wildcard++;
		} else if (errno == EADDRNOTAVAIL) {
			refused++;
		} else {
			other++;
			last = errno;
		}
		close(fd);
	}
	done = 1;
	pthread_join(thread, NULL);
	printf("own=%d refused=%d foreign=%d wildcard=%d other=%d last=%s\n", own, refused, on_foreign, on_wildcard, other,
	       strerrorname_np(last));
	return 0;
}
