/* `namespace WAY`: out of the context by way of namespaces.
 *
 *   moved  sockets that are made in another user and network namespace, and come back
 *   there  sockets of the context that are used by one who is root in namespaces of its own
 *   leave  setns to the namespaces of others, unshare of all kinds
 */
#include "attack.h"
#include <sys/stat.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* A user namespace in which this process is root, with what else is asked for. */
static int become_root(int also)
{
	char map[64];
	int uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | also) < 0)
		return -1;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %d 1", gid);
	write_file("/proc/self/gid_map", map);
	snprintf(map, sizeof(map), "0 %d 1", uid);
	write_file("/proc/self/uid_map", map);
	return 0;
}

static int pair[2];
static union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control;
static char byte;
static struct msghdr message = { NULL, 0, &(struct iovec){ &byte, 1 }, 1, control.bytes, sizeof(control.bytes), 0 };

static const struct { int type, protocol; } kinds[] = {
	{ SOCK_STREAM, 0 }, { SOCK_DGRAM, 0 }, { SOCK_RAW, IPPROTO_RAW }, { SOCK_RAW, IPPROTO_UDP },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Makes sockets where the foreign address is one of its own, and sends them back. */
static void make_elsewhere(void)
{
	need("namespaces of its own", become_root(CLONE_NEWNET));
	if (system("ip link set lo up && ip address add " FOREIGN "/32 dev lo && ip address add " OWN "/32 dev lo"))
		broken("ip");
	for (size_t i = 0; i < KINDS; i++) {
		int fd = socket(AF_INET, kinds[i].type, kinds[i].protocol);

		if (!attempt(fd))
			fd = need("a socket in its place", socket(AF_UNIX, SOCK_DGRAM, 0));
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		*(int *)CMSG_DATA(&control.head) = fd;
		need("sendmsg", sendmsg(pair[1], &message, 0));
	}
}

/* Whatever it is good for there: a socket of another network must not be used at all. */
static void moved(void)
{
	need("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	in_child(make_elsewhere);
	for (size_t i = 0; i < KINDS; i++) {
		int fd;

		message.msg_control = control.bytes, message.msg_controllen = sizeof(control.bytes);
		need("recvmsg", recvmsg(pair[0], &message, 0));
		fd = *(int *)CMSG_DATA(&control.head);
		out += attempt(bind_to(fd, FOREIGN, 0));
		out += attempt(listen(fd, 8));
		out += attempt(send_to(fd, FOREIGN, PEER_PORT));
		out += attempt(connect_to(fd, FOREIGN, PEER_PORT));
	}
}

static void try_both(void)
{
	try_foreign(bind, SOCK_STREAM);
	try_foreign(bind, SOCK_DGRAM);
}

static int here[2];

static void use_there(void)
{
	need("namespaces of its own", become_root(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS));
	for (int i = 0; i < 2; i++) {
		attempt(bind_to(here[i], FOREIGN, 0));
		out += attempt(bind_to(here[i], OWN, 80));
		attempt(connect_to(here[i], FOREIGN, FORBIDDEN_PORT));
		attempt(bind_to(here[i], OWN, 0));
		judged(here[i]);
	}
	/* In a process namespace of its own the numbers of processes are others. */
	in_child(try_both);
}

static void there(void)
{
	here[0] = need("socket", socket(AF_INET, SOCK_STREAM, 0));
	here[1] = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
	in_child(use_there);
}

static const char *const names[] = { "net", "user", "mnt", "pid", "uts", "ipc", "cgroup" };
static const int kinds_of[] = { CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWIPC,
				CLONE_NEWCGROUP, CLONE_NEWNET | CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS };
static int which;

static void unshared(void)
{
	if (attempt(unshare(kinds_of[which])))
		try_both();
}

/* Back to where it was, as root of its own namespaces. */
static void forth_and_back(void)
{
	int back = need("/proc/self/ns/net", open("/proc/self/ns/net", O_RDONLY));

	need("namespaces of its own", become_root(CLONE_NEWNET));
	try_both();
	if (attempt(setns(back, CLONE_NEWNET)))
		try_both();
}

/* The namespaces of the first process, and of all others that may be somewhere else. */
static void leave(void)
{
	struct stat own, other;
	char path[64];

	for (which = 0; which < (int)(sizeof(kinds_of) / sizeof(kinds_of[0])); which++)
		in_child(unshared);
	in_child(forth_and_back);
	for (int pid = 1; pid < 65536; pid = pid * 2 + 1) {
		int handle = syscall(SYS_pidfd_open, pid, 0);

		if (handle >= 0 && attempt(setns(handle, CLONE_NEWNET)))
			try_both();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		need(path, stat(path, &own));
		snprintf(path, sizeof(path), "/proc/1/ns/%s", names[i]);
		fd = open(path, O_RDONLY);
		/* It may be the same one; to enter that changes nothing. */
		if (attempt(fd) && fstat(fd, &other) == 0 && other.st_ino != own.st_ino && attempt(setns(fd, 0)))
			try_both();
	}
	try_both();
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "moved"))
		moved();
	else if (!strcmp(way, "there"))
		there();
	else if (!strcmp(way, "leave"))
		leave();
	else
		return 99;
	finish(way);
}
