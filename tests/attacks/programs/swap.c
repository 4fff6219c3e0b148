/* `swap CALL KINDS WHO`: calls on one descriptor number, under which a thread, or (WHO) a process that shares the
 * descriptors and nothing else, puts sockets in turn. KINDS are two or three of them, such as `unix,tcp,udp`: of the
 * Internet (tcp, udp), and such on which calls are let run (unix, netlink).
 *
 *   bind connect send listen  the calls; send is sendto, sendmsg and sendmmsg
 *   fastopen                  sends that connect
 *   any                       all of them in turn
 */
#include "attack.h"

/* So many calls, and so many of them during which the sockets changed places; or as many as there is time for. */
#define CALLS 5000
#define MET 500

/* Fixed numbers: a process that shares the descriptors does not share the memory. The sockets are at FIRST, FIRST + 1, … */
enum { SLOT = 10, FIRST = 11, MOST = 3 };

static const struct kind { const char *name; int domain, type; } kinds[] = {
	{ "tcp", AF_INET, SOCK_STREAM }, { "udp", AF_INET, SOCK_DGRAM },
	{ "unix", AF_UNIX, SOCK_DGRAM }, { "netlink", AF_NETLINK, SOCK_RAW },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct kind sockets[MOST];
static int count, has_tcp;
/* In memory that a process of its own shares, too. */
static volatile unsigned long *swaps;

static void *swapper(void *unused)
{
	run_on(1);
	for (;;) {
		for (int i = 0; i < count; i++)
			dup2(FIRST + i, SLOT);
		++*swaps;
	}
	return unused;
}

/* A new socket in the place of the one that was there. */
static void fresh(int i)
{
	struct linger at_once = { 1, 0 };
	int fd = need("socket", socket(sockets[i].domain, sockets[i].type, 0));

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	need("dup2", dup2(fd, FIRST + i));
	close(fd);
}

/* Opens those that are named, and says how many they are. A Unix socket beside TCP alone is a stream, too. */
static int open_all(char *names)
{
	int unix_type = strstr(names, "udp") ? SOCK_DGRAM : SOCK_STREAM;

	for (char *name = strtok(names, ","); name && count < MOST; name = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < KINDS && strcmp(kinds[i].name, name))
			i++;
		if (i == KINDS)
			return 0;
		sockets[count] = kinds[i];
		if (kinds[i].domain == AF_UNIX)
			sockets[count].type = unix_type;
		has_tcp |= kinds[i].domain == AF_INET && kinds[i].type == SOCK_STREAM;
		fresh(count++);
	}
	return count;
}

/* The peers: one that is free, one that is forbidden, and the host's own loopback. */
static struct sockaddr_in peer(int i)
{
	return i % 3 == 0 ? at(FOREIGN, PEER_PORT) : i % 3 == 1 ? at(FOREIGN, FORBIDDEN_PORT) : at(HOST, HOST_PORT);
}

static void try_bind(int i)
{
	attempt(bind_to(SLOT, i % 4 ? FOREIGN : "0.0.0.0", 0));
}

static void try_connect(int i)
{
	struct sockaddr_in to = peer(i);

	/* Where it is connected to, the peers tell. */
	if (!attempt(connect(SLOT, (struct sockaddr *)&to, sizeof(to))))
		return;
	for (int s = 0; s < count; s++) {
		if (sockets[s].domain == AF_INET && sockets[s].type == SOCK_DGRAM)
			(void)!write(FIRST + s, "x", 1);
	}
}

/* From a foreign source, and to whom it must not. */
static void try_send(int i)
{
	struct { struct cmsghdr head; struct in_pktinfo info; } control = {
		{ CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO }, { .ipi_spec_dst.s_addr = inet_addr(OTHER) },
	};
	struct sockaddr_in to = peer(i);
	struct mmsghdr m = { .msg_hdr = { &to, sizeof(to), &(struct iovec){ "x", 1 }, 1, NULL, 0, 0 } };
	long sent;

	if (i % 2)
		m.msg_hdr.msg_control = &control, m.msg_hdr.msg_controllen = sizeof(control);
	sent = i % 5 < 2 ? sendto(SLOT, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to))
	       : i % 5 < 4 ? sendmsg(SLOT, &m.msg_hdr, MSG_NOSIGNAL) : sendmmsg(SLOT, &m, 1, MSG_NOSIGNAL);
	/* A local socket takes no such address: it was the other, which must not have sent to that peer. A TCP
	 * socket sends to the peer that it has. */
	if (attempt(sent)) {
		done += i % 3 != 1;
		out += i % 3 == 1 && !has_tcp;
	}
}

static void try_fastopen(int i)
{
	struct sockaddr_in to = peer(i);

	attempt(sendto(SLOT, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to)));
}

static void try_listen(int i)
{
	attempt(listen(SLOT, 8 + i % 2));
}

static void try_any(int i)
{
	static void (*const all[])(int) = { try_bind, try_connect, try_send, try_listen };

	all[i / 8 % 4](i);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*call)(int); } calls[] = {
		{ "bind", try_bind }, { "connect", try_connect }, { "send", try_send }, { "fastopen", try_fastopen },
		{ "listen", try_listen }, { "any", try_any },
	};
	void (*call)(int) = NULL;
	/* The test has more patience where it knows that it gets out in the end. */
	const char *patience = getenv("PATIENCE");
	double seconds = with_patience(patience ? atoi(patience) : 3);
	unsigned long met = 0;
	double began = now();
	pid_t process = 0;
	pthread_t thread;

	for (size_t i = 0; argc > 3 && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (!strcmp(calls[i].name, argv[1]))
			call = calls[i].call;
	}
	if (!call || open_all(argv[2]) < 2)
		return 99;
	swaps = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need("dup2", dup2(FIRST, SLOT));
	if (!strcmp(argv[3], "process")) {
		process = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
		/* It may be that there can be none. */
		if (!attempt(process))
			finish(argv[1]);
		if (process == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			swapper(NULL);
		}
	} else {
		pthread_create(&thread, NULL, swapper, NULL);
	}
	run_on(0);
	for (int i = 0; (i < CALLS || met < MET) && !out && now() - began < seconds; i++) {
		unsigned long before = done, swapped = *swaps;

		call(i);
		met += *swaps != swapped;
		for (int s = 0; s < count; s++) {
			if (sockets[s].domain == AF_INET && !judged(FIRST + s) && done > before)
				fresh(s);
		}
	}
	if (process) {
		kill(process, SIGKILL);
		waitpid(process, NULL, 0);
	}
	finish(argv[1]);
}
