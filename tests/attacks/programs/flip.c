/* `flip WHAT`: calls whose memory another thread changes all the time, between what is the context's and what is not.
 * Who judges one value and lets the kernel read another is caught.
 *
 *   bind     the address that sockets are bound to
 *   connect  the peer
 *   msghdr   what sendmsg and sendmmsg point to: the destination, the control messages, their lengths
 *   cmsg     the contents of a control message: the source
 *   option   the value of IPV6_PKTINFO, which is the source of all that follows
 */
#include "attack.h"

/* So many calls, while the memory changed so often: they take ten seconds on a machine of two CPUs with another such program
 * beside this one. Where they have taken SECONDS the machine is busy, and ENOUGH will do. How far it has come is told, in case
 * that the test gives up. */
#define CALLS 100000
#define FLIPS 10000
#define SECONDS 30
#define ENOUGH 20000

static volatile unsigned long flips;
static volatile int over;
static double began;

static int goes_on(void)
{
	unsigned long least = now() - began < SECONDS ? CALLS : ENOUGH;

	if (attempts % ENOUGH == 0)
		fprintf(stderr, "%lu calls and %lu flips in %.0f seconds\n", attempts, flips, now() - began);
	return (attempts < least || flips < FLIPS) && !out;
}

/* Each value is to stay for as long as the others on the average, but not for the same time each time: from nothing
 * to the few microseconds that lie between a check and its use. */
static void dwell(void)
{
	static unsigned long random = 88172645463325252;

	random ^= random << 13, random ^= random >> 7, random ^= random << 17;
	for (unsigned long n = random % 64; n > 0; n--)
		asm volatile("pause");
}

static struct sockaddr_in address, allowed, forbidden;
static struct control { struct cmsghdr head; struct in_pktinfo info; } own, other, shared;
static struct mmsghdr messages;
#define message messages.msg_hdr

static void *flip_bind(void *unused)
{
	volatile in_addr_t *ip = &address.sin_addr.s_addr;
	in_addr_t foreign = inet_addr(FOREIGN);

	run_on(1);
	for (; !over; flips++) {
		*ip = foreign;
		dwell();
		*ip = INADDR_ANY;
		dwell();
	}
	return unused;
}

static void *flip_connect(void *unused)
{
	struct sockaddr_in places[3] = { at(FOREIGN, PEER_PORT), at(FOREIGN, FORBIDDEN_PORT), at(HOST, HOST_PORT) };
	volatile in_port_t *port = &address.sin_port;
	volatile in_addr_t *ip = &address.sin_addr.s_addr;

	run_on(1);
	for (int i = 0; !over; i = (i + 1) % 3, flips++) {
		*ip = places[i].sin_addr.s_addr;
		dwell();
		*port = places[i].sin_port;
		dwell();
	}
	return unused;
}

static void *flip_msghdr(void *unused)
{
	volatile struct msghdr *m = &message;

	run_on(1);
	for (; !over; flips++) {
		m->msg_name = &forbidden;
		dwell();
		m->msg_name = &allowed;
		dwell();
		m->msg_control = &other;
		dwell();
		m->msg_control = &own;
		dwell();
		m->msg_controllen = 0;
		dwell();
		m->msg_controllen = sizeof(own);
		dwell();
	}
	return unused;
}

static void *flip_cmsg(void *unused)
{
	volatile in_addr_t *source = &shared.info.ipi_spec_dst.s_addr;
	volatile size_t *length = &shared.head.cmsg_len;
	in_addr_t ours = inet_addr(OWN), theirs = inet_addr(OTHER);

	run_on(1);
	for (; !over; flips++) {
		*source = theirs;
		dwell();
		*source = ours;
		dwell();
		*length = sizeof(struct cmsghdr);
		dwell();
		*length = CMSG_LEN(sizeof(struct in_pktinfo));
		dwell();
	}
	return unused;
}

static struct in6_pktinfo value;

static void *flip_option(void *unused)
{
	volatile unsigned char *last = &value.ipi6_addr.s6_addr[15];

	run_on(1);
	for (; !over; flips++) {
		*last = 2;
		dwell();
		*last = 1;
		dwell();
	}
	return unused;
}

static void binds(void)
{
	address = at("0.0.0.0", 0);
	for (int i = 0; goes_on(); i++) {
		int fd = need("socket", socket(AF_INET, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0));

		attempt(bind(fd, (struct sockaddr *)&address, sizeof(address)));
		if (!judged(fd))
			close(fd);
	}
}

static void connects(void)
{
	/* Without waiting for the other end to close there are no ports that stay taken. */
	struct linger at_once = { 1, 0 };

	address = at(FOREIGN, PEER_PORT);
	for (int i = 0; goes_on(); i++) {
		int stream = i % 16 == 0;
		int fd = need("socket", socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0));

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		if (attempt(connect(fd, (struct sockaddr *)&address, sizeof(address))))
			(void)!write(fd, "x", 1);
		if (!judged(fd))
			close(fd);
	}
}

static void sends(void)
{
	int fd = need("socket", socket(AF_INET, SOCK_DGRAM, 0));

	for (int i = 0; goes_on(); i++) {
		/* Where it went, the peers tell. */
		done += attempt(i % 2 ? sendmsg(fd, &message, 0) : sendmmsg(fd, &messages, 1, 0));
	}
}

static void options(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PEER_PORT) };

	inet_pton(AF_INET6, FOREIGN6, &to.sin6_addr);
	inet_pton(AF_INET6, OWN6, &value.ipi6_addr);
	while (goes_on()) {
		int fd = need("socket", socket(AF_INET6, SOCK_DGRAM, 0));

		if (attempt(setsockopt(fd, IPPROTO_IPV6, IPV6_PKTINFO, &value, sizeof(value))))
			done += attempt(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
		close(fd);
	}
}

static void prepare(struct control *c, const char *source)
{
	c->head = (struct cmsghdr){ CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO };
	c->info = (struct in_pktinfo){ .ipi_spec_dst.s_addr = inet_addr(source) };
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void *(*flip)(void *); void (*calls)(void); } ways[] = {
		{ "bind", flip_bind, binds },
		{ "connect", flip_connect, connects },
		{ "msghdr", flip_msghdr, sends },
		{ "cmsg", flip_cmsg, sends },
		{ "option", flip_option, options },
	};
	static struct { struct iovec iov; char text; } payload = { { &payload.text, 1 }, 'x' };

	prepare(&own, OWN);
	prepare(&other, OTHER);
	prepare(&shared, OWN);
	allowed = at(FOREIGN, PEER_PORT);
	forbidden = at(FOREIGN, FORBIDDEN_PORT);
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct control *control = ways[i].flip == flip_cmsg ? &shared : &own;
		pthread_t thread;

		if (strcmp(argv[1], ways[i].name))
			continue;
		message = (struct msghdr){ &allowed, sizeof(allowed), &payload.iov, 1, control, sizeof(own), 0 };
		began = now();
		pthread_create(&thread, NULL, ways[i].flip, NULL);
		run_on(0);
		ways[i].calls();
		over = 1;
		pthread_join(thread, NULL);
		finish(argv[1]);
	}
	return 99;
}
