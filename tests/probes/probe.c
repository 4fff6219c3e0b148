/* Makes the socket calls that its words name, one after the other, and prints the outcome of each on one line:
 *
 *     $ probe tcp4 bind 0.0.0.0:8080 name
 *     bind=ok name=10.0.0.1:8080
 *
 * A word that makes a socket or sets something prints only if it fails. Built a second time with -DRAW and -static:
 * then each call is a bare system call, which no library in the process could have had a hand in.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef RAW
#define socket(d, t, p) syscall(SYS_socket, d, t, p)
#define bind(f, a, l) syscall(SYS_bind, f, a, l)
#define listen(f, b) syscall(SYS_listen, f, b)
#define connect(f, a, l) syscall(SYS_connect, f, a, l)
#define sendto(f, b, n, g, a, l) syscall(SYS_sendto, f, b, n, g, a, l)
#define send(f, b, n, g) syscall(SYS_sendto, f, b, n, g, NULL, 0)
#define sendmsg(f, m, g) syscall(SYS_sendmsg, f, m, g)
#define sendmmsg(f, m, n, g) syscall(SYS_sendmmsg, f, m, n, g)
#define getsockname(f, a, l) syscall(SYS_getsockname, f, a, l)
#define getpeername(f, a, l) syscall(SYS_getpeername, f, a, l)
#endif

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int fds[64], count, cur = -1;
static int first_word = 1;

static void say(const char *what, const char *outcome)
{
	printf("%s%s=%s", first_word ? "" : " ", what, outcome);
	first_word = 0;
}

static int report(const char *what, long result)
{
	say(what, result < 0 ? strerrorname_np(errno) : "ok");
	return result < 0 ? -1 : 0;
}

static void usage(const char *word)
{
	fprintf(stderr, "probe: cannot make sense of '%s'\n", word ? word : "(end)");
	exit(99);
}

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage st;
};

/* 10.0.0.1:80, [fd00:1::1]:80, unix:/path, unix:@abstract */
static socklen_t parse(const char *word, union any *a)
{
	char host[128];
	const char *colon = word ? strrchr(word, ':') : NULL;

	memset(a, 0, sizeof(*a));
	if (!colon)
		usage(word);
	if (strncmp(word, "unix:", 5) == 0) {
		size_t n = strlen(word + 5);
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, word + 5, n);
		if (word[5] == '@')
			a->un.sun_path[0] = 0;
		return offsetof(struct sockaddr_un, sun_path) + n + (word[5] != '@');
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - word), word);
	if (host[0] == '[') {
		host[strlen(host) - 1] = 0;
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(atoi(colon + 1));
		if (inet_pton(AF_INET6, host + 1, &a->in6.sin6_addr) != 1)
			usage(word);
		return sizeof(a->in6);
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons(atoi(colon + 1));
	if (inet_pton(AF_INET, host, &a->in.sin_addr) != 1)
		usage(word);
	return sizeof(a->in);
}

static void say_address(const char *what, const union any *a)
{
	char host[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 16];

	if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "[%s]:%d", host, ntohs(a->in6.sin6_port));
	} else if (a->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s:%d", host, ntohs(a->in.sin_port));
	} else {
		snprintf(text, sizeof(text), "family-%d", a->sa.sa_family);
	}
	say(what, text);
}

static void adopt(int fd)
{
	if (count == 64)
		usage("too many sockets");
	cur = fds[count++] = fd;
}

static void open_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);
	if (fd < 0) {
		report("socket", -1);
		printf("\n");
		exit(0);
	}
	adopt(fd);
}

static void set_option(const char *name)
{
	int on = 1, result = -1;

	if (!strcmp(name, "freebind"))
		result = setsockopt(cur, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	else if (!strcmp(name, "freebind6"))
		result = setsockopt(cur, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	else if (!strcmp(name, "transparent"))
		result = setsockopt(cur, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	else if (!strcmp(name, "noport"))
		result = setsockopt(cur, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	else if (!strcmp(name, "reuseaddr"))
		result = setsockopt(cur, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else if (!strcmp(name, "reuseport"))
		result = setsockopt(cur, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	else if (!strcmp(name, "lo"))
		result = setsockopt(cur, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	else if (!strcmp(name, "v6only") || !strcmp(name, "dual")) {
		on = name[0] == 'v';
		result = setsockopt(cur, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	} else if (!strcmp(name, "nonblock"))
		result = fcntl(cur, F_SETFL, fcntl(cur, F_GETFL) | O_NONBLOCK);
	else
		usage(name);
	if (result < 0)
		report(name, result);
}

static void set_timeout(int option, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	setsockopt(cur, SOL_SOCKET, option, &tv, sizeof(tv));
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* One SIGALRM after that many ms; whether it lets the interrupted call go on is the question of SA_RESTART. */
static void set_alarm(int ms, int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval timer = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Sends one datagram (or, with flags, a TCP fast open) with the call of that name. */
static int send_to(const char *call, const char *word, int flags)
{
	union any a;
	socklen_t len = parse(word, &a);
	struct iovec iov = { "hello", 5 };
	struct mmsghdr m = { .msg_hdr = { .msg_name = &a, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1 } };
	long result;

	if (!strcmp(call, "sendto"))
		result = sendto(cur, "hello", 5, flags, &a.sa, len);
	else if (!strcmp(call, "sendmsg"))
		result = sendmsg(cur, &m.msg_hdr, flags);
	else
		result = sendmmsg(cur, &m, 1, flags);
	return report(call, result);
}

static void receive(void)
{
	char text[64];
	ssize_t n;

	set_timeout(SO_RCVTIMEO, 8000);
	n = recv(cur, text, sizeof(text) - 1, 0);
	if (n < 0) {
		report("recv", -1);
		return;
	}
	text[n] = 0;
	say("recv", n ? text : "eof");
}

static int one(char ***words)
{
	char *w = *(*words)++;
	union any a;
	socklen_t len = sizeof(a);
#define NEXT (**words ? *(*words)++ : (usage(NULL), (char *)NULL))

	if (!strcmp(w, "tcp4")) open_socket(AF_INET, SOCK_STREAM, 0);
	else if (!strcmp(w, "tcp6")) open_socket(AF_INET6, SOCK_STREAM, 0);
	else if (!strcmp(w, "udp4")) open_socket(AF_INET, SOCK_DGRAM, 0);
	else if (!strcmp(w, "udp6")) open_socket(AF_INET6, SOCK_DGRAM, 0);
	else if (!strcmp(w, "mptcp4")) open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	else if (!strcmp(w, "unix")) open_socket(AF_UNIX, SOCK_STREAM, 0);
	else if (!strcmp(w, "fd")) adopt(atoi(NEXT));
	else if (!strcmp(w, "use")) cur = fds[atoi(NEXT)];
	else if (!strcmp(w, "close")) close(cur);
	else if (!strcmp(w, "opt")) set_option(NEXT);
	else if (!strcmp(w, "sndtimeo")) set_timeout(SO_SNDTIMEO, atoi(NEXT));
	else if (!strcmp(w, "alarm")) set_alarm(atoi(NEXT), 0);
	else if (!strcmp(w, "alarm-restart")) set_alarm(atoi(NEXT), SA_RESTART);
	else if (!strcmp(w, "sleep")) usleep(atoi(NEXT) * 1000);
	else if (!strcmp(w, "bind")) { len = parse(NEXT, &a); report("bind", bind(cur, &a.sa, len)); }
	else if (!strcmp(w, "bind-unspec")) {
		len = parse(NEXT, &a);
		a.sa.sa_family = AF_UNSPEC;
		report("bind", bind(cur, &a.sa, len));
	}
	else if (!strcmp(w, "bind-short")) { parse(NEXT, &a); report("bind", bind(cur, &a.sa, 7)); }
	else if (!strcmp(w, "bind-long")) { parse(NEXT, &a); report("bind", bind(cur, &a.sa, 4096)); }
	else if (!strcmp(w, "bind-fault")) report("bind", bind(cur, (struct sockaddr *)16, sizeof(a.in)));
	else if (!strcmp(w, "bind-badfd")) { len = parse(NEXT, &a); report("bind", bind(999, &a.sa, len)); }
	else if (!strcmp(w, "bind-file")) {
		int fd = open("/dev/null", O_RDONLY);
		len = parse(NEXT, &a);
		report("bind", bind(fd, &a.sa, len));
	}
	else if (!strcmp(w, "listen")) report("listen", listen(cur, 8));
	else if (!strcmp(w, "connect")) { len = parse(NEXT, &a); report("connect", connect(cur, &a.sa, len)); }
	else if (!strcmp(w, "connect-unspec")) {
		memset(&a, 0, sizeof(a));
		report("connect-unspec", connect(cur, &a.sa, sizeof(a.in)));
	}
	else if (!strcmp(w, "connect-fault")) report("connect", connect(cur, (struct sockaddr *)16, sizeof(a.in)));
	else if (!strcmp(w, "connected")) {
		/* What became of a connect that was left under way. */
		struct pollfd p = { cur, POLLOUT, 0 };
		int error = 0;
		len = sizeof(error);
		if (poll(&p, 1, 8000) != 1) say("connected", "never");
		else if (getsockopt(cur, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
			say("connected", error ? strerrorname_np(error) : "ok");
	}
	else if (!strcmp(w, "name")) {
		if (getsockname(cur, &a.sa, &len) < 0) report("name", -1);
		else say_address("name", &a);
	}
	else if (!strcmp(w, "peer")) {
		if (getpeername(cur, &a.sa, &len) < 0) report("peer", -1);
		else say_address("peer", &a);
	}
	else if (!strcmp(w, "accept")) {
		int fd;
		set_timeout(SO_RCVTIMEO, 8000);
		fd = accept(cur, &a.sa, &len);
		if (fd < 0) report("accept", -1);
		else { say_address("accept", &a); adopt(fd); }
	}
	else if (!strcmp(w, "sendto") || !strcmp(w, "sendmsg") || !strcmp(w, "sendmmsg")) send_to(w, NEXT, 0);
	else if (!strcmp(w, "fastopen")) send_to("sendto", NEXT, MSG_FASTOPEN);
	else if (!strcmp(w, "fastopen-msg")) send_to("sendmsg", NEXT, MSG_FASTOPEN);
	else if (!strcmp(w, "send")) report("send", send(cur, "hello", 5, 0));
	else if (!strcmp(w, "write")) report("write", write(cur, "hello", 5));
	else if (!strcmp(w, "recv")) receive();
	else if (!strcmp(w, "wait")) {
		/* Tells that it got here, then waits for a line (or the end) on standard input. */
		printf("%swaiting", first_word ? "" : " ");
		first_word = 0;
		fflush(stdout);
		while (read(0, w, 1) == 1 && *w != '\n')
			;
	}
	else if (!strcmp(w, "exec")) {
		if (cur >= 0 && dup2(cur, 3) < 0) usage(w);
		execvp(**words, *words);
		report("exec", -1);
	}
	else usage(w);
	return 0;
}

int main(int argc, char **argv)
{
	char **words = argv + 1;

	if (argc < 2)
		usage(NULL);
	while (*words)
		one(&words);
	printf("\n");
	return 0;
}
