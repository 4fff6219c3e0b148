/* `kinds KIND`: sockets of other kinds than TCP and UDP, which know other ways out. Those that can be made are used. */
#include "attack.h"
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

/* A source that nobody has: on the loopback device the kernel takes no packet from one of its own addresses. */
#define FORGED "10.0.0.9"

/* Stream and datagram sockets: a foreign address, and the host's loopback. */
static void by_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);

	if (!attempt(fd))
		return;
	attempt(bind_to(fd, FOREIGN, 0));
	judged(fd);
	fd = need("a second one", socket(domain, type, protocol));
	if (attempt(connect_to(fd, HOST, HOST_PORT)))
		attempt(send(fd, "x", 1, MSG_NOSIGNAL));
	judged(fd);
}

/* A datagram with its IP header, from an address that is not the context's, to where peers are. */
static size_t forge(char packet[64], const char *source)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP };
	struct udphdr udp = { .source = htons(5000), .dest = htons(PEER_PORT), .len = htons(sizeof(udp) + 1) };
	size_t length = sizeof(ip) + sizeof(udp) + 1;
	uint32_t sum = 0;

	ip.tot_len = htons(length);
	ip.saddr = inet_addr(source);
	ip.daddr = inet_addr(FOREIGN);
	for (size_t i = 0; i < sizeof(ip) / 2; i++)
		sum += ((uint16_t *)&ip)[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = ~(sum + (sum >> 16));
	memcpy(packet, &ip, sizeof(ip));
	memcpy(packet + sizeof(ip), &udp, sizeof(udp));
	packet[length - 1] = 'x';
	return length;
}

static void packet(void)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(0x800), .sll_halen = 6 };
	char bytes[64];

	to.sll_ifindex = need("lo", if_nametoindex("lo"));
	for (int type = SOCK_STREAM; type <= SOCK_PACKET; type++) {
		int fd = socket(AF_PACKET, type, htons(0x800));

		if (attempt(fd) && type == SOCK_DGRAM)
			out += attempt(sendto(fd, bytes, forge(bytes, FORGED), 0, (struct sockaddr *)&to, sizeof(to)));
	}
}

static void vsock(void)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_port = VMADDR_PORT_ANY, .svm_cid = VMADDR_CID_ANY };

	for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
		int fd = socket(AF_VSOCK, type, 0);

		if (attempt(fd))
			out += attempt(bind(fd, (struct sockaddr *)&a, sizeof(a)));
	}
}

/* Sends with a header of its own on a raw socket; IPPROTO_RAW takes one without being told to. */
static void with_header(int fd)
{
	struct sockaddr_in to = at(FOREIGN, 0);
	char bytes[64];
	size_t length = forge(bytes, OTHER);
	int one = 1;

	attempt(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)));
	attempt(setsockopt(fd, SOL_IP, IP_HDRINCL, &(char){ 1 }, 1));
	attempt(sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)));
	attempt(sendmsg(fd, &(struct msghdr){ &to, sizeof(to), &(struct iovec){ bytes, length }, 1, NULL, 0, 0 }, 0));
	if (attempt(connect(fd, (struct sockaddr *)&to, sizeof(to))))
		attempt(write(fd, bytes, length));
}

static void raw(int protocol)
{
	for (int type = SOCK_RAW; type <= SOCK_RDM; type++) {
		int fd = socket(AF_INET, type, protocol);

		if (!attempt(fd))
			continue;
		attempt(bind_to(fd, FOREIGN, 0));
		with_header(fd);
	}
}

/* With --raw-icmp root has these. */
static void header_included(void)
{
	struct sockaddr_in own = at(OWN, 0);
	char echo[8] = { 8, 0, ~8 };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	if (!attempt(fd))
		return;
	done += attempt(sendto(fd, echo, sizeof(echo), 0, (struct sockaddr *)&own, sizeof(own)));
	attempt(bind_to(fd, FOREIGN, 0));
	with_header(fd);
}

/* All families but those of the Internet and those that never leave the machine. */
static void families(void)
{
	for (int family = 0; family < AF_MAX; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK || family == AF_ALG)
			continue;
		for (int type = 0; type <= SOCK_PACKET; type++) {
			int fd = socket(family, type, 0), pair[2];

			out += attempt(fd);
			out += attempt(socketpair(family, type, 0, pair));
		}
	}
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	if (!strcmp(kind, "mptcp")) {
		by_socket(AF_INET, SOCK_STREAM, 262);
	} else if (!strcmp(kind, "sctp")) {
		by_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
		by_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
	} else if (!strcmp(kind, "dccp")) {
		by_socket(AF_INET, SOCK_DCCP, IPPROTO_DCCP);
	} else if (!strcmp(kind, "udplite")) {
		by_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
	} else if (!strcmp(kind, "smc")) {
		by_socket(AF_SMC, SOCK_STREAM, 0);
		by_socket(AF_INET, SOCK_STREAM, 256);
	} else if (!strcmp(kind, "packet")) {
		packet();
	} else if (!strcmp(kind, "vsock")) {
		vsock();
	} else if (!strcmp(kind, "raw")) {
		raw(IPPROTO_UDP);
		raw(IPPROTO_TCP);
	} else if (!strcmp(kind, "ipproto-raw")) {
		raw(IPPROTO_RAW);
	} else if (!strcmp(kind, "hdrincl")) {
		header_included();
	} else if (!strcmp(kind, "families")) {
		families();
	} else {
		return 99;
	}
	finish(kind);
}
