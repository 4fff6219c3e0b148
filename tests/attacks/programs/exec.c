/* `exec WAY`: other processes and other programs in the context.
 *
 *   vfork          a child that has its parent's memory, and one by posix_spawn
 *   set-id VICTIM  executes that set-id program, which is this one, and tries with its rights
 *   undumpable     a process that nobody may look into
 *   user-root      one that is root in a user namespace of its own, and asks for a privileged port
 *   tracer         a tracer that puts another call in the place of the one that was checked
 */
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/user.h>

extern char **environ;

static void own(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (attempt(fd) && attempt(bind_to(fd, OWN, port)))
		judged(fd);
}

static void try_all(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	try_foreign(bind, SOCK_STREAM);
	try_foreign(bind, SOCK_DGRAM);
	attempt(connect_to(fd, FOREIGN, FORBIDDEN_PORT));
	judged(fd);
	attempt(send_to(fd, HOST, HOST_PORT));
	own(0);
}

static void by_vfork(const char *self)
{
	char *const words[] = { (char *)self, "child", NULL };
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		try_all();
		_exit(0);
	}
	need("vfork", pid);
	waitpid(pid, &status, 0);
	if (attempt(posix_spawn(&pid, self, NULL, NULL, words, environ) ? -1 : 0)) {
		waitpid(pid, &status, 0);
		out += WEXITSTATUS(status);
	}
	/* A child of vfork that executes. */
	pid = vfork();
	if (pid == 0) {
		execv(self, words);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	out += WEXITSTATUS(status);
}

/* With whatever rights the program has by now. */
static void with_rights(void)
{
	int fd;

	try_all();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	attempt(bind_to(fd, FOREIGN, 80));
	judged(fd);
	attempt(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	attempt(socket(AF_PACKET, SOCK_RAW, 0));
	if (attempt(unshare(CLONE_NEWNET)) || attempt(setns(open("/proc/1/ns/net", O_RDONLY), CLONE_NEWNET)))
		try_all();
}

static void user_root(void)
{
	int fd;

	need("a user namespace", unshare(CLONE_NEWUSER));
	fd = open("/proc/self/setgroups", O_WRONLY);
	(void)!write(fd, "deny", 4);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	/* Not with a map either: the rights are not those over this network. */
	out += attempt(bind_to(fd, OWN, 80));
	out += attempt(bind_to(socket(AF_INET, SOCK_DGRAM, 0), OWN, 80));
	out += attempt(bind_to(fd, "0.0.0.0", 80));
	own(8080);
}

static struct sockaddr_in foreign;
static int traced;

/* The child makes a call that nobody minds; at its entry, the tracer makes it another. */
static void put_bind(pid_t pid)
{
	struct user_regs_struct r;

	need("registers", ptrace(PTRACE_GETREGS, pid, 0, &r));
	r.orig_rax = SYS_bind;
	r.rdi = traced, r.rsi = (uintptr_t)&foreign, r.rdx = sizeof(foreign);
	need("registers", ptrace(PTRACE_SETREGS, pid, 0, &r));
}

static void trace(int by_filter)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { 4, program };
	int status, entries = 0;
	pid_t pid;

	traced = need("socket", socket(AF_INET, SOCK_DGRAM, 0));
	pid = need("fork", fork());
	if (pid == 0) {
		need("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		if (by_filter) {
			need("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
			need("filter", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
		}
		for (int i = 0; i < 3; i++)
			syscall(SYS_getppid);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	need("options", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL));
	for (;;) {
		need("go on", ptrace(by_filter ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, 0));
		if (waitpid(pid, &status, 0) != pid || WIFEXITED(status))
			break;
		if (by_filter && status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
			put_bind(pid);
			attempts++, entries++;
		} else if (!by_filter && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			struct user_regs_struct r;

			need("registers", ptrace(PTRACE_GETREGS, pid, 0, &r));
			/* At an entry the result stands at ENOSYS. */
			if (r.orig_rax == SYS_getppid && (long)r.rax == -ENOSYS) {
				put_bind(pid);
				attempts++, entries++;
			}
		}
	}
	if (!entries)
		broken("nothing was traced");
	judged(traced);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	char more[32];

	if (!strcmp(way, "child")) {
		try_all();
		return out > 0;
	} else if (!strcmp(way, "vfork")) {
		by_vfork("/proc/self/exe");
	} else if (!strcmp(way, "set-id") && argc > 2) {
		execl(argv[2], argv[2], "with-rights", NULL);
		broken(argv[2]);
	} else if (!strcmp(way, "with-rights")) {
		with_rights();
		snprintf(more, sizeof(more), "set-id euid=%d", geteuid());
		finish(more);
	} else if (!strcmp(way, "undumpable")) {
		need("dumpable", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
		try_all();
	} else if (!strcmp(way, "user-root")) {
		user_root();
	} else if (!strcmp(way, "tracer")) {
		foreign = at(FOREIGN, 0);
		trace(0);
		trace(1);
		own(0);
	} else {
		return 99;
	}
	finish(way);
}
