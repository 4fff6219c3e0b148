/* Plays an older kernel: `without CALL[:ARG&BITS|:ARG=VALUE] ERRNO COMMAND...` runs the command where that system call
 * fails with that errno; with a condition, only if the argument of that number has one of these bits or is that value.
 *
 *     without pidfd_getfd ENOSYS chbind ...
 *     without seccomp:1'&'32 EINVAL chbind ...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

static const struct { const char *name; int nr; } calls[] = {
	{ "seccomp", SYS_seccomp },
	{ "pidfd_open", SYS_pidfd_open },
	{ "pidfd_getfd", SYS_pidfd_getfd },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "landlock_create_ruleset", SYS_landlock_create_ruleset },
	{ "ioctl", SYS_ioctl },
	{ "prctl", SYS_prctl },
	{ "socket", SYS_socket },
	{ "getsockopt", SYS_getsockopt },
};

static int errno_of(const char *name)
{
	for (int e = 1; e < 134; e++)
		if (strerrorname_np(e) && !strcmp(strerrorname_np(e), name))
			return e;
	return -1;
}

int main(int argc, char **argv)
{
	char call[64] = "", operation = 0;
	unsigned argument = 0, value = 0;
	int nr = -1, error, words;

	if (argc < 4)
		return 99;
	words = sscanf(argv[1], "%63[^:]:%u%c%i", call, &argument, &operation, (int *)&value);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, call))
			nr = calls[i].nr;
	error = errno_of(argv[2]);
	if (nr < 0 || error < 0 || (words != 1 && words != 4) || (words == 4 && !strchr("&=", operation))) {
		fprintf(stderr, "without: cannot make sense of '%s %s'\n", argv[1], argv[2]);
		return 99;
	}
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		/* The low half of the argument, on a little-endian machine. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * argument),
		words == 1 ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0, 0, 1)
		: operation == '&' ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, value, 0, 1)
				   : (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	/* An ordinary user may not install a filter without this; root may, and is to be tested as it usually is. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		perror("without: no_new_privs");
		return 99;
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
		perror("without: seccomp");
		return 99;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 99;
}
