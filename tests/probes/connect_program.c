/* `connect_program CGROUP`: attaches the least of programs for connect(2), which allows all, to that cgroup, and prints
 * `attached` when the kernel does what it then does everywhere: it checks the address of a datagram socket before it gives the
 * socket a port. Goes on until the end of standard input; the programs go with this one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int need(const char *what, long result)
{
	if (result >= 0)
		return (int)result;
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void attach(int directory, int type)
{
	/* return 1 */
	struct bpf_insn allow[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr load, link;

	memset(&load, 0, sizeof(load));
	load.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	load.expected_attach_type = type;
	load.insns = (unsigned long)allow;
	load.insn_cnt = 2;
	load.license = (unsigned long)"Dual MIT/GPL";
	memset(&link, 0, sizeof(link));
	link.link_create.prog_fd = need("BPF_PROG_LOAD", bpf(BPF_PROG_LOAD, &load));
	link.link_create.target_fd = directory;
	link.link_create.attach_type = type;
	need("BPF_LINK_CREATE", bpf(BPF_LINK_CREATE, &link));
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, name = { 0 };
	socklen_t len = sizeof(name);
	int directory, udp = socket(AF_INET, SOCK_DGRAM, 0);
	char byte;

	if (argc < 2)
		return 99;
	directory = need("open", open(argv[1], O_RDONLY | O_DIRECTORY));
	attach(directory, BPF_CGROUP_INET4_CONNECT);
	attach(directory, BPF_CGROUP_INET6_CONNECT);
	if (connect(udp, (struct sockaddr *)&to, sizeof(to) / 2) == 0 || getsockname(udp, (struct sockaddr *)&name, &len))
		need("connect", -1);
	printf(name.sin_port ? "a port all the same\n" : "attached\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
