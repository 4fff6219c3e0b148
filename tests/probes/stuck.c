/* Calls whose address is in memory that does not come, until somebody lets it (userfaultfd(2); the device gives one to
 * whoever may open it).
 *
 * Prints `ready` and waits for a line. Then some threads bind sockets to an address in such memory, and while that is being
 * read others are bound, until that fails or has been done often enough: `other=`. Waits for a line, and binds another:
 * `later=`. Then the memory comes, and `slow=` is how many binds of the threads succeeded, and how many failed by ENOBUFS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE 4096

/* More than there are threads in reserve. */
#define SLOW 5
#define TRIES 200

static void *slow;

static const char *bind_to(const void *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const char *outcome =
		fd < 0 || bind(fd, address, sizeof(struct sockaddr_in)) < 0 ? strerrorname_np(errno) : "ok";

	close(fd);
	return outcome;
}

static void *bind_slowly(void *unused)
{
	(void)unused;
	return (void *)bind_to(slow);
}

static void wait_line(void)
{
	char line[16];

	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

int main(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct uffdio_api api = { .api = UFFD_API };
	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int fd = device < 0 ? -1 : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
	struct uffd_msg message;
	int bound = 0, without_room = 0;
	pthread_t threads[SLOW];
	const char *outcome;

	slow = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = { { (unsigned long)slow, PAGE }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	struct uffdio_zeropage zero = { { (unsigned long)slow, PAGE }, 0, 0 };
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0)
		return 99;
	printf("ready ");
	wait_line();
	for (int i = 0; i < SLOW; i++)
		pthread_create(&threads[i], NULL, bind_slowly, NULL);
	if (read(fd, &message, sizeof(message)) != sizeof(message) || message.event != UFFD_EVENT_PAGEFAULT)
		return 98;
	for (int i = 0; i < TRIES && !strcmp(outcome = bind_to(&any), "ok"); i++)
		usleep(10000);
	printf("other=%s ", outcome);
	wait_line();
	printf("later=%s ", bind_to(&any));
	ioctl(fd, UFFDIO_ZEROPAGE, &zero);
	for (int i = 0; i < SLOW; i++) {
		pthread_join(threads[i], (void **)&outcome);
		bound += !strcmp(outcome, "ok");
		without_room += !strcmp(outcome, "ENOBUFS");
	}
	printf("slow=%d+%d\n", bound, without_room);
	return 0;
}
