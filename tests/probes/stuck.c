/* A call whose address is in memory that does not come, until somebody lets it (userfaultfd(2); the device gives one to
 * whoever may open it).
 *
 * Prints `ready` and waits for a line. Then a thread binds a socket to an address in such memory, and when that is being read
 * (`first` hangs) another socket is bound: `second=`. Waits for a line, binds a third: `third=`. Then the memory comes.
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

static void *slow;
static const char *first = "nothing";

static const char *bind_to(const void *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 || bind(fd, address, sizeof(struct sockaddr_in)) < 0 ? strerrorname_np(errno) : "ok";
}

static void *bind_slowly(void *unused)
{
	first = bind_to(slow);
	return unused;
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
	pthread_t thread;

	slow = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = { { (unsigned long)slow, PAGE }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	struct uffdio_zeropage zero = { { (unsigned long)slow, PAGE }, 0, 0 };
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0)
		return 99;
	printf("ready ");
	wait_line();
	pthread_create(&thread, NULL, bind_slowly, NULL);
	if (read(fd, &message, sizeof(message)) != sizeof(message) || message.event != UFFD_EVENT_PAGEFAULT)
		return 98;
	printf("second=%s ", bind_to(&any));
	wait_line();
	printf("third=%s ", bind_to(&any));
	ioctl(fd, UFFDIO_ZEROPAGE, &zero);
	pthread_join(thread, NULL);
	printf("first=%s\n", first);
	return 0;
}
