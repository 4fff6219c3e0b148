/* `confined WAY`: a program that confines itself further, and must stay held by that; or that uses the means of doing
 * so against the context.
 *
 *   landlock  its own Landlock rules allow TCP port 8080 to be bound, and nothing else; they are made by the number of
 *             this table of system calls, then by the kernel's 32-bit entry
 *   seccomp   its own filter refuses bind and connect
 *   stacked   a second filter that answers for the first: USER_NOTIF, ERRNO, TRACE, TRAP, LOG
 */
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

/* Not in older headers (linux/landlock.h, ABI 4). */
#define BIND_TCP 1ULL
#define CONNECT_TCP 2ULL
struct ruleset { uint64_t files, network; };
struct port_rule { uint64_t allowed, port; };

/* landlock_create_ruleset, the same number in both tables. */
static long create(const struct ruleset *attributes, size_t size, long flags)
{
	return syscall(444, attributes, size, flags);
}

#ifdef __x86_64__
static long create_by_int80(const struct ruleset *attributes, size_t size, long flags)
{
	struct ruleset *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	if (low == MAP_FAILED)
		broken("memory below 4 GiB");
	if (attributes)
		*low = *attributes;
	asm volatile("int $0x80" : "=a"(result) : "a"(444), "b"(attributes ? low : NULL), "c"(size), "d"(flags)
		     : "memory", "r8", "r9", "r10", "r11");
	if ((int)result >= 0)
		return (int)result;
	errno = -(int)result;
	return -1;
}
#endif

static long (*creating)(const struct ruleset *, size_t, long) = create;

static void own_landlock(void)
{
	struct ruleset handled = { 0, BIND_TCP | CONNECT_TCP };
	struct port_rule rule = { BIND_TCP, 8080 };
	/* LANDLOCK_CREATE_RULESET_VERSION */
	int fd, version = need("a version", creating(NULL, 0, 1));
	int ruleset = (int)creating(&handled, sizeof(handled), 0);

	/* Where they are not to be had the program must be told both ways. */
	if (!attempt(ruleset) && version < 4)
		return;
	need("a ruleset", ruleset);
	need("a rule", syscall(445, ruleset, 2, &rule, 0));
	need("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	need("the domain", syscall(446, ruleset, 0));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	out += attempt(bind_to(fd, OWN, 8081));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	out += attempt(connect_to(fd, FOREIGN, PEER_PORT));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (attempt(bind_to(fd, OWN, 8080)))
		judged(fd);
}

static void filter(const int *calls, int count, unsigned action, unsigned flags)
{
	struct sock_filter program[16] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	struct sock_fprog whole = { count + 3, program };

	for (int i = 0; i < count; i++)
		program[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], count - i, 0);
	program[1 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program[2 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	need("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	attempt(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &whole));
}

static const int checked[] = {
	SYS_socket, SYS_bind, SYS_connect, SYS_listen, SYS_sendto, SYS_sendmsg, SYS_getsockname,
};

static void own_filter(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);

	need("bind", bind_to(fd, OWN, 8080));
	filter(&checked[1], 2, SECCOMP_RET_ERRNO | EXDEV, 0);
	out += attempt(bind_to(other, OWN, 8081));
	out += attempt(connect_to(other, FOREIGN, PEER_PORT));
	/* What it does not refuse works. */
	if (attempt(listen(fd, 8)))
		judged(fd);
}

static const unsigned actions[][2] = {
	{ SECCOMP_RET_USER_NOTIF, 0 },
	{ SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER },
	{ SECCOMP_RET_USER_NOTIF,
	  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH },
	{ SECCOMP_RET_ERRNO, 0 },
	{ SECCOMP_RET_TRACE, 0 },
	{ SECCOMP_RET_TRAP, 0 },
	{ SECCOMP_RET_LOG, 0 },
	{ SECCOMP_RET_ALLOW, 0 },
};
static unsigned at_action;
/* Which calls are filtered: the socket must be there first where none can be made any more. */
static int first;

static void caught(int sig)
{
	(void)sig;
}

static void stacked(void)
{
	struct sockaddr_in foreign = at(FOREIGN, 0);
	int fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));

	signal(SIGSYS, caught);
	filter(&checked[first], 7 - first, actions[at_action][0], actions[at_action][1]);
	/* With a listener of its own nobody would answer. */
	if (errnos[EBUSY] == 0 && actions[at_action][1]) {
		out++;
		return;
	}
	attempt(bind(fd, (struct sockaddr *)&foreign, sizeof(foreign)));
	attempt(send_to(fd, HOST, HOST_PORT));
	judged(fd);
	try_foreign(bind, SOCK_STREAM);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "landlock")) {
		in_child(own_landlock);
#ifdef __x86_64__
		creating = create_by_int80;
		in_child(own_landlock);
#endif
	} else if (!strcmp(way, "seccomp")) {
		own_filter();
	} else if (!strcmp(way, "stacked")) {
		for (at_action = 0; at_action < sizeof(actions) / sizeof(actions[0]); at_action++)
			for (first = 0; first < 2; first++)
				in_child(stacked);
	} else {
		return 99;
	}
	finish(way);
}
