/* `interfaces [addresses|names|requests|all] [NAME...]`: which interfaces and addresses each function of the C library shows, a line each, sorted; and what
 * the ioctls of netdevice(7) say of each NAME. `addresses` and `names` ask getifaddrs(3) or if_nameindex(3) alone, `requests` those ioctls; they print
 * how many pieces of memory are lost each time as well (heap.h).
 *
 *     $ interfaces all eth0
 *     getifaddrs lo 127.0.0.1
 *     getifaddrs lo packet
 *     nameindex lo 1
 *     conf lo 127.0.0.1
 *     eth0 addr=ENODEV ...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "heap.h"

#define TIMES 51

static char lines[256][128];
static int count;

static void print(const char *function, const char *name, const char *what)
{
	if (count < 256)
		snprintf(lines[count++], sizeof(lines[0]), "%s %s %s", function, name, what);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void addresses(void)
{
	struct ifaddrs *first, *at;
	char text[INET6_ADDRSTRLEN];

	if (getifaddrs(&first))
		print("getifaddrs", "failed", strerror(errno));
	else {
		for (at = first; at; at = at->ifa_next) {
			if (!at->ifa_addr)
				print("getifaddrs", at->ifa_name, "none");
			else if (at->ifa_addr->sa_family == AF_INET)
				print("getifaddrs", at->ifa_name,
				      inet_ntoa(((struct sockaddr_in *)at->ifa_addr)->sin_addr));
			else if (at->ifa_addr->sa_family == AF_INET6)
				print("getifaddrs", at->ifa_name,
				      inet_ntop(AF_INET6, &((struct sockaddr_in6 *)at->ifa_addr)->sin6_addr, text,
						sizeof(text)));
			else
				print("getifaddrs", at->ifa_name, "packet");
		}
		freeifaddrs(first);
	}
}

static void names(void)
{
	struct if_nameindex *names = if_nameindex(), *one;

	if (!names)
		print("nameindex", "failed", strerror(errno));
	else {
		for (one = names; one->if_name; one++)
			print("nameindex", one->if_name, if_nametoindex(one->if_name) == one->if_index ? "same" : "other");
		if_freenameindex(names);
	}
}

static void conf(int fd)
{
	struct ifreq room[32];
	struct ifconf c = { .ifc_len = sizeof(room), .ifc_req = room };
	int n;

	if (ioctl(fd, SIOCGIFCONF, &c)) {
		print("conf", "failed", strerror(errno));
		return;
	}
	for (n = 0; n < (int)(c.ifc_len / sizeof(room[0])); n++)
		print("conf", room[n].ifr_name, inet_ntoa(((struct sockaddr_in *)&room[n].ifr_addr)->sin_addr));
	/* Without an array: how long it would be. It is enough, and no number of what is hidden. */
	c.ifc_req = NULL;
	if (ioctl(fd, SIOCGIFCONF, &c) || c.ifc_len < n * (int)sizeof(room[0]))
		print("conf", "length", "short");
}

static const char *said(int done)
{
	return !done ? "ok" : errno == ENODEV ? "ENODEV" : errno == EADDRNOTAVAIL ? "EADDRNOTAVAIL" : strerror(errno);
}

static void one(int fd, const char *name)
{
	struct ifreq r;
	int index, done;

	memset(&r, 0, sizeof(r));
	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	done = ioctl(fd, SIOCGIFADDR, &r);
	printf("%s addr=%s", name, done ? said(done) : inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
	printf(" flags=%s", said(ioctl(fd, SIOCGIFFLAGS, &r)));
	printf(" hwaddr=%s", said(ioctl(fd, SIOCGIFHWADDR, &r)));
	printf(" mtu=%s", said(ioctl(fd, SIOCGIFMTU, &r)));
	done = ioctl(fd, SIOCGIFINDEX, &r);
	printf(" index=%s", said(done));
	/* By its number, which the kernel tells to whoever guesses it. */
	for (index = 1; index < 64; index++) {
		memset(&r, 0, sizeof(r));
		r.ifr_ifindex = index;
		if (!ioctl(fd, SIOCGIFNAME, &r) && !strcmp(r.ifr_name, name))
			break;
	}
	printf(" name=%s\n", index < 64 ? "ok" : "none");
}

static void requests(int fd)
{
	const char *names[] = { "lo", "v0", "v1" };
	struct ifreq r;
	int n;

	for (n = 0; n < 3; n++) {
		memset(&r, 0, sizeof(r));
		strcpy(r.ifr_name, names[n]);
		print("flags", names[n], ioctl(fd, SIOCGIFFLAGS, &r) ? "hidden" : "shown");
	}
}

int main(int words, char **word)
{
	long live = 0;
	const char *which = words > 1 ? word[1] : "all";
	int n, all = !strcmp(which, "all"), fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	for (n = 0; n < TIMES; n++) {
		/* Lists are freed as often as they are asked for. What is made once is made in the first round. */
		live = n == 1 ? heap_live : live;
		count = 0;
		if (all || !strcmp(which, "addresses"))
			addresses();
		if (all || !strcmp(which, "names"))
			names();
		if (!strcmp(which, "requests"))
			requests(fd);
	}
	live = heap_live - live;
	if (all)
		conf(fd);
	qsort(lines, count, sizeof(lines[0]), compare);
	for (n = 0; n < count; n++)
		puts(lines[n]);
	if (!all)
		printf("lost=%ld of %d\n", live, TIMES - 1);
	for (n = 2; n < words; n++)
		one(fd, word[n]);
	return 0;
}
