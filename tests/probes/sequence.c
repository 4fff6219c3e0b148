/* Makes the calls that it reads, and tells what each came to: the same words in, inside a context and outside of any.
 *
 *     begin 10000 100            a sequence begins; its ports
 *     socket 0 tcp4              the words of sequence.h; 0 to 5 are slots for descriptors
 *     bind 0 10.0.0.1 P0 len=7
 *     end                        prints what became of the sockets, closes them, says "."
 *
 * One line comes out for each step. `sequence DIR` works in that directory, which is its own. `sequence DIR contract A A6`
 * is what runs outside: it gives the kernel the addresses that a context takes by the contract, see contract().
 */
#include "sequence.h"
#include <dirent.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define SLOTS 6
/* Who does not answer. */
#define SILENT_4 "10.9.0.7"
#define SILENT_6 "fd00:9::7"
/* How long a call of a blocking socket waits at most, and this program for what should have happened at once. */
#define MILLISECONDS 30

static int slots[SLOTS];
static volatile sig_atomic_t broken_pipes;
static struct in_addr primary;
static struct in6_addr primary6;
static int outside, one_address;

static void on_broken_pipe(int signal)
{
	(void)signal;
	broken_pipes++;
}

static const char *errno_name(int number)
{
	return strerrorname_np(number) ? strerrorname_np(number) : "E?";
}

static void tell(long result, const char *format, ...)
{
	va_list arguments;

	fputs(result < 0 ? errno_name(errno) : "ok", stdout);
	if (format && result >= 0) {
		putchar(' ');
		va_start(arguments, format);
		vprintf(format, arguments);
		va_end(arguments);
	}
	if (broken_pipes)
		fputs(" SIGPIPE", stdout);
	broken_pipes = 0;
	putchar('\n');
}

static int slot(int n)
{
	int i = atoi(word(n));

	if (i < 0 || i >= SLOTS)
		broken("no such slot");
	return i;
}

static int fd_of(int n)
{
	return slots[slot(n)];
}

static void put(int i, int fd)
{
	if (slots[i] >= 0)
		close(slots[i]);
	slots[i] = fd;
}

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof value;

	return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

/* Nothing here may wait for long, whatever a sequence does. */
static int patient(int fd)
{
	struct timeval limit = { .tv_usec = MILLISECONDS * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

/* What a context makes of an address to bind to, by the contract. Whatever else is wrong with the call stays wrong.
 *
 * Rows 1, 2, 12, 17, 18 and 20: the primary address in place of a wildcard, for TCP, and for UDP where the context has no
 * other (otherwise the wildcard is kept, row 3).
 * Rows 5, 9 and 10: groups and broadcast addresses are for UDP; a TCP socket, to which the kernel gives them too, is told
 * that this is no address of the context, as it is of one that no host has. */
static void contract(int fd, union any *a, socklen_t len)
{
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN), protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
	int v6only = domain == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	struct in6_addr *to = &a->in6.sin6_addr;
	uint32_t *v4 = NULL;

	if (!outside || (protocol != IPPROTO_TCP && !(protocol == IPPROTO_UDP && one_address)))
		return;
	if (domain == AF_INET && len >= sizeof a->in && a->sa.sa_family == AF_INET)
		v4 = &a->in.sin_addr.s_addr;
	if (domain == AF_INET && len >= sizeof a->in && a->sa.sa_family == AF_UNSPEC && !a->in.sin_addr.s_addr) {
		/* Row 6. */
		a->sa.sa_family = AF_INET;
		v4 = &a->in.sin_addr.s_addr;
	}
	if (domain == AF_INET6 && len >= 24 && a->sa.sa_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(to) && v6only) {
			*to = primary6;
		} else if (IN6_IS_ADDR_UNSPECIFIED(to)) {
			memset(to->s6_addr + 10, 0xff, 2);
			v4 = to->s6_addr32 + 3;
		} else if (IN6_IS_ADDR_V4MAPPED(to)) {
			v4 = to->s6_addr32 + 3;
		} else if (IN6_IS_ADDR_MULTICAST(to) && protocol == IPPROTO_TCP) {
			inet_pton(AF_INET6, "2001:db8::77", to);
		}
	}
	if (v4 && !*v4)
		*v4 = primary.s_addr;
	else if (v4 && protocol == IPPROTO_TCP && (ntohl(*v4) >> 28 >= 14 || ntohl(*v4) == 0x0a0900ff))
		*v4 = inet_addr("192.0.2.77");
}

static void do_socket(void)
{
	static const struct { const char *name; int domain, type; } kinds[] = {
		{ "tcp4", AF_INET, SOCK_STREAM }, { "tcp6", AF_INET6, SOCK_STREAM },
		{ "udp4", AF_INET, SOCK_DGRAM }, { "udp6", AF_INET6, SOCK_DGRAM },
		{ "stream", AF_UNIX, SOCK_STREAM }, { "dgram", AF_UNIX, SOCK_DGRAM },
		{ "packets", AF_UNIX, SOCK_SEQPACKET },
	};
	int domain = number("domain", 0), type = number("type", 0), protocol = number("protocol", 0), fd;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(word(2), kinds[i].name)) {
			domain = kinds[i].domain;
			type = kinds[i].type | number("flags", 0);
		}
	fd = socket(domain, type, protocol);
	tell(fd, "%s%s", fd >= 0 && fcntl(fd, F_GETFL) & O_NONBLOCK ? "nonblock " : "",
	     fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC ? "cloexec" : "");
	put(slot(1), patient(fd));
}

/* What is no socket, or no socket of the internet. */
static void do_file(void)
{
	const char *kind = word(2);
	int fd = -1, pair[2] = { -1, -1 };

	if (!strcmp(kind, "pipe"))
		fd = pipe(pair) ? -1 : pair[0];
	else if (!strcmp(kind, "pair"))
		fd = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : patient(pair[0]);
	else if (!strcmp(kind, "null"))
		fd = open("/dev/null", O_RDWR);
	else if (!strcmp(kind, "path"))
		fd = open("/", O_PATH);
	else if (!strcmp(kind, "epoll"))
		fd = epoll_create1(0);
	else
		broken("what file is that?");
	tell(fd, NULL);
	put(slot(1), fd);
	if (pair[1] >= 0)
		close(pair[1]);
}

static void do_bind(void)
{
	union any a;
	socklen_t len;
	size_t size = address(2, &a, &len);

	contract(fd_of(1), &a, len);
	tell(bind(fd_of(1), place_address(&a, size), len), NULL);
}

/* Row 12: a context binds to its primary address what listens without an address. */
static void do_listen(void)
{
	int fd = fd_of(1), protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
	union any a = { 0 };
	socklen_t len = sizeof a;

	if (outside && protocol == IPPROTO_TCP && !getsockname(fd, &a.sa, &len) && !a.in.sin_port
	    && (a.sa.sa_family == AF_INET ? !a.in.sin_addr.s_addr : IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr))) {
		contract(fd, &a, len);
		if (bind(fd, &a.sa, len)) {
			tell(-1, NULL);
			return;
		}
	}
	tell(listen(fd, atoi(word(2))), NULL);
}

static void settle(int fd, short events)
{
	struct pollfd polled = { .fd = fd, .events = events };
	int saved = errno;

	poll(&polled, 1, MILLISECONDS);
	errno = saved;
}

static void do_connect(void)
{
	union any a;
	socklen_t len;
	size_t size = address(2, &a, &len);
	int result = connect(fd_of(1), place_address(&a, size), len);

	/* What is going on is done with, unless nobody answers: the next step is to find one thing or the other. */
	if (result && errno == EINPROGRESS && strcmp(word(2), SILENT_4) && strcmp(word(2), SILENT_6))
		settle(fd_of(1), POLLOUT);
	tell(result, NULL);
}

static void do_accept(void)
{
	union any a = { 0 };
	socklen_t len = sizeof a;
	int fd;

	if (option(fd_of(1), SOL_SOCKET, SO_ACCEPTCONN) == 1)
		settle(fd_of(1), POLLIN);
	fd = accept4(fd_of(1), &a.sa, &len, number("flags", 0));
	tell(fd, "from %s", address_name(&a, len));
	put(slot(2), fd);
}

/* A control message: source=IP or source6=IP, with the interface index of device=. */
static size_t control(char *to)
{
	const char *v4 = setting("source"), *v6 = setting("source6");
	struct cmsghdr *header = (struct cmsghdr *)to;

	if (v4) {
		struct in_pktinfo info = { .ipi_ifindex = number("device", 0) };

		inet_pton(AF_INET, v4, &info.ipi_spec_dst);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(header), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	if (v6) {
		struct in6_pktinfo info = { .ipi6_ifindex = number("device", 0) };

		inet_pton(AF_INET6, v6, &info.ipi6_addr);
		*header = (struct cmsghdr){ CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(header), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	return 0;
}

static char payload[70000];

static void do_send(const char *call)
{
	union any a;
	socklen_t len;
	size_t address_size = address(3, &a, &len), size = atoi(word(2));
	const void *at = place_address(&a, address_size);
	int fd = fd_of(1), flags = number("flags", 0);
	const char *from = setting("payload") ? pages + 3 * PAGE : payload;
	char space[64] __attribute__((aligned(8)));
	long sent;

	if (size > sizeof payload)
		broken("too long a payload");
	if (!strcmp(call, "sendto")) {
		sent = sendto(fd, from, size, flags, at, len);
	} else {
		struct iovec parts[2] = { { (void *)from, size / 2 }, { (void *)(from + size / 2), size - size / 2 } };
		struct mmsghdr message = { .msg_hdr = { .msg_name = (void *)at, .msg_namelen = len, .msg_iov = parts,
							.msg_iovlen = 2, .msg_control = space } };

		message.msg_hdr.msg_controllen = control(space);
		if (!strcmp(call, "sendmsg"))
			sent = sendmsg(fd, &message.msg_hdr, flags);
		else
			sent = sendmmsg(fd, &message, 1, flags);
	}
	tell(sent, "%ld", sent);
}

static void do_recv(void)
{
	union any a = { 0 };
	socklen_t len = sizeof a;
	static char bytes[70000];
	long got = recvfrom(fd_of(1), bytes, sizeof bytes, MSG_DONTWAIT, &a.sa, &len);

	tell(got, "%ld from %s", got, address_name(&a, len));
}

/* getsockname and getpeername, with any room, anywhere. What is behind the room must stay as it was. */
static void do_name(int call)
{
	union any a;
	const char *where = setting("at"), *len_where = setting("lenat");
	long room = number("room", sizeof a.in6), written;
	int told = room, *told_at = &told;
	void *at;

	memset(&a, 0xa5, sizeof a);
	at = place(where, &a, sizeof a);
	if (len_where)
		told_at = !strcmp(len_where, "null") ? NULL : (int *)(pages + 3 * PAGE);
	if (syscall(call, fd_of(1), at, told_at)) {
		tell(-1, NULL);
		return;
	}
	if (where && strcmp(where, "odd")) {
		tell(0, "length %d", told);
		return;
	}
	memcpy(&a, at, sizeof a);
	written = room < told ? room : told;
	for (size_t i = written; i < sizeof a; i++) {
		if (a.bytes[i] != (char)0xa5) {
			tell(0, "writes beyond the room");
			return;
		}
		a.bytes[i] = 0;
	}
	/* Half a port is no port. */
	tell(0, "%s length %d", written < 4 ? "short" : address_name(&a, written), told);
}

static void do_set(void)
{
	static const struct { const char *name; int level, option; } options[] = {
		{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR }, { "reuseport", SOL_SOCKET, SO_REUSEPORT },
		{ "broadcast", SOL_SOCKET, SO_BROADCAST }, { "keepalive", SOL_SOCKET, SO_KEEPALIVE },
		{ "device", SOL_SOCKET, SO_BINDTODEVICE }, { "freebind", IPPROTO_IP, IP_FREEBIND },
		{ "noport", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT }, { "pktinfo", IPPROTO_IP, IP_PKTINFO },
		{ "ttl", IPPROTO_IP, IP_TTL }, { "group_device", IPPROTO_IP, IP_MULTICAST_IF },
		{ "v6only", IPPROTO_IPV6, IPV6_V6ONLY }, { "pktinfo6", IPPROTO_IPV6, IPV6_RECVPKTINFO },
		{ "source6", IPPROTO_IPV6, IPV6_PKTINFO }, { "hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS },
		{ "group_device6", IPPROTO_IPV6, IPV6_MULTICAST_IF }, { "nodelay", IPPROTO_TCP, TCP_NODELAY },
		{ "mark", SOL_SOCKET, SO_MARK },
	};
	const char *value = word(3);
	char bytes[32] = { 0 };
	socklen_t len = sizeof(int);

	if (inet_pton(AF_INET6, value, bytes))
		len = sizeof(struct in6_pktinfo);
	else if (!inet_pton(AF_INET, value, bytes)) {
		if ((*value >= '0' && *value <= '9') || *value == '-')
			memcpy(bytes, &(int){ atoi(value) }, sizeof(int));
		else
			len = stpncpy(bytes, value, sizeof bytes - 1) - bytes + 1;
	}
	len = number("len", len);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcmp(word(2), options[i].name)) {
			void *at = place(setting("at"), bytes, sizeof bytes);

			tell(setsockopt(fd_of(1), options[i].level, options[i].option, at, len), NULL);
			return;
		}
	broken("what option is that?");
}

static void do_dup(void)
{
	int fd = dup(fd_of(1));

	tell(fd, NULL);
	if (slot(1) != slot(2))
		put(slot(2), fd);
	else if (fd >= 0)
		close(fd);
}

static void step(void)
{
	const char *call = word(0);

	if (!strcmp(call, "socket")) {
		do_socket();
	} else if (!strcmp(call, "file")) {
		do_file();
	} else if (!strcmp(call, "bind")) {
		do_bind();
	} else if (!strcmp(call, "listen")) {
		do_listen();
	} else if (!strcmp(call, "connect")) {
		do_connect();
	} else if (!strcmp(call, "accept")) {
		do_accept();
	} else if (!strncmp(call, "send", 4)) {
		do_send(call);
	} else if (!strcmp(call, "recv")) {
		do_recv();
	} else if (!strcmp(call, "name")) {
		do_name(SYS_getsockname);
	} else if (!strcmp(call, "peer")) {
		do_name(SYS_getpeername);
	} else if (!strcmp(call, "set")) {
		do_set();
	} else if (!strcmp(call, "shutdown")) {
		tell(shutdown(fd_of(1), atoi(word(2))), NULL);
	} else if (!strcmp(call, "nonblock")) {
		tell(fcntl(fd_of(1), F_SETFL, atoi(word(2)) ? O_NONBLOCK : 0), NULL);
	} else if (!strcmp(call, "dup")) {
		do_dup();
	} else if (!strcmp(call, "close")) {
		tell(close(fd_of(1)), NULL);
		slots[slot(1)] = -1;
	} else {
		broken("what call is that?");
	}
}

/* What became of a socket: its names, and what sequences may have set. */
static void tell_state(int i)
{
	int fd = slots[i], failed;
	union any a = { 0 };
	socklen_t len = sizeof a;
	char device[16] = "";

	printf("socket %d:", i);
	if (option(fd, SOL_SOCKET, SO_DOMAIN) < 0) {
		puts(" none");
		return;
	}
	failed = getsockname(fd, &a.sa, &len);
	printf(" name %s", failed ? errno_name(errno) : address_name(&a, len));
	len = sizeof a;
	failed = getpeername(fd, &a.sa, &len);
	printf(" peer %s", failed ? errno_name(errno) : address_name(&a, len));
	len = sizeof device;
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len);
	printf(" error %s", errno_name(option(fd, SOL_SOCKET, SO_ERROR)));
	printf(" listening %d reuse %d%d broadcast %d device %s noport %d v6only %d free %d pktinfo %d flags %x\n",
	       option(fd, SOL_SOCKET, SO_ACCEPTCONN), option(fd, SOL_SOCKET, SO_REUSEADDR),
	       option(fd, SOL_SOCKET, SO_REUSEPORT), option(fd, SOL_SOCKET, SO_BROADCAST), *device ? device : "-",
	       option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), option(fd, IPPROTO_IPV6, IPV6_V6ONLY),
	       option(fd, IPPROTO_IP, IP_FREEBIND), option(fd, IPPROTO_IP, IP_PKTINFO),
	       fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
}

/* Names in the file system that sequences have bound: nothing but sockets is removed. */
static void remove_names(void)
{
	DIR *here = opendir(".");
	struct dirent *entry;

	while (here && (entry = readdir(here)))
		if (entry->d_type == DT_SOCK)
			unlink(entry->d_name);
	if (here)
		closedir(here);
}

static void end(void)
{
	for (int i = 0; i < SLOTS; i++)
		tell_state(i);
	for (int i = 0; i < SLOTS; i++)
		put(i, -1);
	remove_names();
	seen_count = 0;
	puts(".");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char line[1024], out[1 << 16];

	if (argc < 2 || chdir(argv[1]))
		broken("no directory");
	if (argc >= 5 && !strcmp(argv[2], "contract")) {
		outside = 1;
		one_address = argc > 5;
		if (!inet_pton(AF_INET, argv[3], &primary) || !inet_pton(AF_INET6, argv[4], &primary6))
			broken("what primary addresses are those?");
	}
	signal(SIGPIPE, on_broken_pipe);
	/* Only the end of a sequence is waited for. */
	setvbuf(stdout, out, _IOFBF, sizeof out);
	make_pages();
	memset(slots, 0xff, sizeof slots);
	while (fgets(line, sizeof line, stdin)) {
		/* A call that hangs ends it all. */
		alarm(20);
		word_count = 0;
		for (char *w = strtok(line, " \n"); w && word_count < 32; w = strtok(NULL, " \n"))
			words[word_count++] = w;
		if (!strcmp(word(0), "begin")) {
			base = atoi(word(1));
			privileged = atoi(word(2));
		} else if (!strcmp(word(0), "end")) {
			end();
		} else {
			step();
		}
		alarm(0);
	}
	return 0;
}
