/* The secret of a hybrid context, tried by hand: bare system calls with its halves in other places, one of them only, others, and
 * where they belong. Prints how many calls got through of those that must not, and of those that carry the secret.
 *
 * halves ADDR PORT, where ADDR is not the context's */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sockaddr_in to;

static long call(long nr, long a, long b, long c, long d, long e, long f) {
	long answer;
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(answer)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return answer;
}

/* Whether a bind to the address got through, with these in its six registers besides. */
static int bound(const uint64_t with[6]) {
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long done = call(SYS_bind, fd | with[0], (long)&to, sizeof to | with[2], with[3], with[4], with[5]);
	close(fd);
	return done == 0;
}

/* The same for a datagram: what is refused is not sent. */
static int sent(const uint64_t with[6]) {
	static char text[1];
	struct sockaddr_in loopback = to;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	long done = call(SYS_sendto, fd | with[0], (long)text, 1, with[3], (long)&loopback, sizeof loopback | with[5]);
	close(fd);
	return done >= 0;
}

int main(int argc, char **argv) {
	const char *context = getenv("CHBIND_CONTEXT");
	const char *field = context ? strstr(context, ";s=") : NULL;
	if (argc != 3 || !field) return fprintf(stderr, "halves: no context, or wrong arguments\n"), 2;
	uint64_t secret = strtoull(field + 3, NULL, 16), high = secret & ~0xffffffffull, low = secret << 32;
	to.sin_family = AF_INET;
	to.sin_port = htons(atoi(argv[2]));
	inet_pton(AF_INET, argv[1], &to.sin_addr);

	long through = 0, tried = 0;
	uint64_t halves[2][2] = {{high, low}, {low, high}};
	for (int first = 0; first < 6; first++)
		for (int last = 0; last < 6; last++)
			for (int swapped = 0; swapped < 2; swapped++) {
				uint64_t with[6] = {0};
				if (first == 1 || last == 1 || first == last) continue;
				with[first] = halves[swapped][0], with[last] = halves[swapped][1];
				/* Where they belong, put there in either order. */
				if (with[4] == high && with[5] == low) continue;
				through += bound(with), tried++;
			}
	for (int bit = 0; bit < 64; bit++) {
		uint64_t other = secret ^ 1ull << bit;
		uint64_t with[6] = {0, 0, 0, 0, other & ~0xffffffffull, other << 32};
		through += bound(with), tried++;
	}
	srandom(getpid());
	for (int n = 0; n < 20000; n++) {
		uint64_t with[6] = {0, 0, 0, 0, (uint64_t)random() << 32, (uint64_t)random() << 32};
		through += bound(with), tried++;
	}
	uint64_t none[6] = {0}, all[6] = {high, 0, 0, 0, high, low}, misplaced[6] = {0, 0, 0, high, 0, low};
	through += bound(none) + sent(none) + sent(misplaced), tried += 3;
	printf("tried=%ld through=%ld with=%d sent=%d\n", tried, through, bound(all), sent(all));
	return 0;
}
