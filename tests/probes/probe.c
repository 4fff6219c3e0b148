/* Makes the socket calls that its words name, one after the other, and prints the outcome of each on one line:
 *
 *     $ probe tcp4 bind 0.0.0.0:8080 name
 *     bind=ok name=10.0.0.1:8080
 *
 * A word that makes a socket or sets something prints only if it fails. Built a second time with -DRAW and -static:
 * then each call is a bare system call, which no library in the process could have had a hand in.
 */
#include "probe.h"
#include "probe_option.h"
#include "probe_message.h"

static int fds[64], count;

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

	set_timeout(SO_RCVTIMEO, SOON);
	n = recv(cur, text, sizeof(text) - 1, 0);
	if (n < 0) {
		report("recv", -1);
		return;
	}
	text[n] = 0;
	say("recv", n ? text : "eof");
}

/* From a file in memory, and from a pipe: sends that name no address. */
static void send_file(void)
{
	int fd = memfd_create("text", 0);
	off_t at = 0;

	if (fd < 0 || write(fd, "hello", 5) != 5)
		usage("sendfile");
	report("sendfile", sendfile(cur, fd, &at, 5));
}

static void send_pipe(void)
{
	int ends[2];

	if (pipe(ends) < 0 || write(ends[1], "hello", 5) != 5)
		usage("splice");
	report("splice", splice(ends[0], NULL, cur, NULL, 5, 0));
}

static int unix_socket(const char *word, union any *a, socklen_t *len)
{
	*len = parse(word, a);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* Gives the socket to whoever connects to that Unix socket: `pass unix:@name`. */
static void pass(const char *word)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = (struct cmsghdr *)control;
	union any a;
	socklen_t len;
	int at = unix_socket(word, &a, &len), to;

	if (at < 0 || bind(at, &a.sa, len) < 0 || listen(at, 1) < 0)
		usage(word);
	printf("%swaiting", first_word ? "" : " ");
	first_word = 0;
	fflush(stdout);
	to = accept(at, NULL, NULL);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &cur, sizeof(int));
	if (to < 0 || sendmsg(to, &m, 0) < 0)
		report("pass", -1);
	close(to);
	close(at);
}

/* Takes what `pass` gives. */
static void take(const char *word)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	union any a;
	socklen_t len;
	int from = unix_socket(word, &a, &len), fd;

	if (from < 0 || connect(from, &a.sa, len) < 0 || recvmsg(from, &m, 0) != 1 || !CMSG_FIRSTHDR(&m)) {
		report("take", -1);
		return;
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	adopt(fd);
}

/* Asks the name server of resolv.conf, once: calls that the C library makes by itself. */
static void resolve(const char *name)
{
	unsigned char answer[512];

	res_init();
	_res.retrans = 1;
	_res.retry = 1;
	say("resolve", res_query(name, C_IN, T_A, answer, sizeof(answer)) < 0 ? "no" : "ok");
}

/* A page that is not there. */
static struct sockaddr *unmapped(void)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || munmap(page, 4096) < 0)
		usage("unmapped");
	return page;
}

/* Tells that it got here, then waits for a line (or the end) on standard input. */
static void wait_for_line(void)
{
	char byte;

	printf("%swaiting", first_word ? "" : " ");
	first_word = 0;
	fflush(stdout);
	while (read(0, &byte, 1) == 1 && byte != '\n')
		;
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
	else if (!strcmp(w, "ping4")) open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	else if (!strcmp(w, "ping6")) open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	else if (!strcmp(w, "raw4")) { int protocol = atoi(NEXT); open_socket(AF_INET, SOCK_RAW, protocol); }
	else if (!strcmp(w, "raw6")) { int protocol = atoi(NEXT); open_socket(AF_INET6, SOCK_RAW, protocol); }
	else if (!strcmp(w, "mptcp4")) open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	else if (!strcmp(w, "unix")) open_socket(AF_UNIX, SOCK_STREAM, 0);
	else if (!strcmp(w, "new-network")) {
		/* A network of its own, with all rights over it. */
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) report("new-network", -1);
	}
	else if (!strcmp(w, "fd")) adopt(atoi(NEXT));
	else if (!strcmp(w, "pass")) pass(NEXT);
	else if (!strcmp(w, "take")) take(NEXT);
	else if (!strcmp(w, "use")) cur = fds[atoi(NEXT)];
	else if (!strcmp(w, "close")) close(cur);
	else if (!strcmp(w, "opt")) set_option(NEXT);
	else if (!strcmp(w, "sndtimeo")) set_timeout(SO_SNDTIMEO, atoi(NEXT));
	else if (!strcmp(w, "alarm")) set_alarm(with_patience(atoi(NEXT)), 0);
	else if (!strcmp(w, "alarm-restart")) set_alarm(with_patience(atoi(NEXT)), SA_RESTART);
	else if (!strcmp(w, "sleep")) usleep(atoi(NEXT) * 1000);
	else if (!strcmp(w, "bind")) { len = parse(NEXT, &a); report("bind", bind(cur, &a.sa, len)); }
	else if (!strcmp(w, "bind-unspec")) {
		len = parse(NEXT, &a);
		a.sa.sa_family = AF_UNSPEC;
		report("bind", bind(cur, &a.sa, len));
	}
	else if (!strcmp(w, "bind-ip")) {
		/* Without a port: of raw and ping sockets. */
		parse_ip(NEXT, &a);
		report("bind", bind(cur, &a.sa, a.sa.sa_family == AF_INET6 ? sizeof(a.in6) : sizeof(a.in)));
	}
	else if (!strcmp(w, "bind-short")) { parse(NEXT, &a); report("bind", bind(cur, &a.sa, 7)); }
	else if (!strcmp(w, "bind-wide")) { parse(NEXT, &a); report("bind", bind(cur, &a.sa, sizeof(a.in6))); }
	else if (!strcmp(w, "connect-short")) { parse(NEXT, &a); report("connect", connect(cur, &a.sa, 1)); }
	else if (!strcmp(w, "bind-long")) { parse(NEXT, &a); report("bind", bind(cur, &a.sa, 4096)); }
	else if (!strcmp(w, "bind-fault")) report("bind", bind(cur, (struct sockaddr *)16, sizeof(a.in)));
	else if (!strcmp(w, "bind-unmapped")) report("bind", bind(cur, unmapped(), sizeof(a.in)));
	else if (!strcmp(w, "bind-badfd")) { len = parse(NEXT, &a); report("bind", bind(999, &a.sa, len)); }
	else if (!strcmp(w, "bind-file")) {
		int fd = open("/dev/null", O_RDONLY);
		len = parse(NEXT, &a);
		report("bind", bind(fd, &a.sa, len));
	}
	else if (!strcmp(w, "listen")) report("listen", listen(cur, 8));
	else if (!strcmp(w, "connect")) { len = parse(NEXT, &a); report("connect", connect(cur, &a.sa, len)); }
	else if (!strcmp(w, "connect-ip")) {
		parse_ip(NEXT, &a);
		report("connect", connect(cur, &a.sa, a.sa.sa_family == AF_INET6 ? sizeof(a.in6) : sizeof(a.in)));
	}
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
		if (poll(&p, 1, SOON) != 1) say("connected", "never");
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
	else if (!strcmp(w, "accept") || !strcmp(w, "accept4")) {
		int fd;
		set_timeout(SO_RCVTIMEO, SOON);
		fd = w[6] ? accept4(cur, &a.sa, &len, SOCK_CLOEXEC) : accept(cur, &a.sa, &len);
		if (fd < 0) report(w, -1);
		else { say_address(w, &a); adopt(fd); }
	}
	else if (!strcmp(w, "sendto") || !strcmp(w, "sendmsg") || !strcmp(w, "sendmmsg")) send_to(w, NEXT, 0);
	else if (!strcmp(w, "sendmsg-from")) { char *src = NEXT; send_from(src, NEXT); }
	else if (!strcmp(w, "sendmmsg-each")) send_each(NEXT);
	else if (!strcmp(w, "fastopen")) send_to("sendto", NEXT, MSG_FASTOPEN);
	else if (!strcmp(w, "fastopen-msg")) send_to("sendmsg", NEXT, MSG_FASTOPEN);
	else if (!strcmp(w, "fastopen-many")) send_to("sendmmsg", NEXT, MSG_FASTOPEN);
	else if (!strcmp(w, "send")) report("send", send(cur, "hello", 5, 0));
	else if (!strcmp(w, "write")) report("write", write(cur, "hello", 5));
	else if (!strcmp(w, "sendfile")) send_file();
	else if (!strcmp(w, "splice")) send_pipe();
	else if (!strcmp(w, "recv")) receive();
	else if (!strcmp(w, "recvfrom")) receive_from();
	else if (!strncmp(w, "recv", 4) && strstr(w, "-short")) receive_short(w);
	else if (!strcmp(w, "recvmsg")) receive_message(0);
	else if (!strcmp(w, "recvmmsg")) receive_message(1);
	else if (!strcmp(w, "serve")) serve(0);
	else if (!strcmp(w, "serve-back")) serve(1);
	else if (!strcmp(w, "ping")) ping(NEXT);
	else if (!strcmp(w, "packet")) { char *src = NEXT; packet(src, NEXT); }
	else if (!strcmp(w, "resolve")) resolve(NEXT);
	else if (!strcmp(w, "wait")) wait_for_line();
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
