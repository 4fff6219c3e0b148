/* What the program outside does in the place of a context. */
#pragma once
#include "sequence.h"

/* The context's primary addresses, whether this is outside of it, and whether it has one IPv4 address alone. */
static struct in_addr primary;
static struct in6_addr primary6;
static int outside, one_address;

static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof value;

	return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

/* What a context makes of an address to bind to, by the contract. Whatever else is wrong with the call stays wrong.
 *
 * Rows 1, 2, 12, 17, 18 and 20: the primary address in place of a wildcard, for TCP, and for UDP where the context has no
 * other (otherwise the wildcard is kept, row 3).
 * Rows 5, 9 and 10: groups and broadcast addresses are for UDP; a TCP socket, to which the kernel gives them too, is told
 * that this is no address of the context, as it is of one that no host has. */
static void contract(int fd, union any *a, socklen_t len)
{
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN), protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);
	int v6only = domain == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	struct in6_addr *to = &a->in6.sin6_addr;
	uint32_t *v4 = NULL;

	if (!outside || (protocol != IPPROTO_TCP && !(protocol == IPPROTO_UDP && one_address)))
		return;
	if (domain == AF_INET && len >= sizeof a->in && a->sa.sa_family == AF_INET)
		v4 = &a->in.sin_addr.s_addr;
	if (domain == AF_INET && len >= sizeof a->in && a->sa.sa_family == AF_UNSPEC && !a->in.sin_addr.s_addr) {
		/* Row 6. */
		a->sa.sa_family = AF_INET;
		v4 = &a->in.sin_addr.s_addr;
	}
	if (domain == AF_INET6 && len >= 24 && a->sa.sa_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(to) && v6only) {
			*to = primary6;
		} else if (IN6_IS_ADDR_UNSPECIFIED(to)) {
			memset(to->s6_addr + 10, 0xff, 2);
			v4 = to->s6_addr32 + 3;
		} else if (IN6_IS_ADDR_V4MAPPED(to)) {
			v4 = to->s6_addr32 + 3;
		}
	}
	if (v4 && !*v4)
		*v4 = primary.s_addr;
	else if (v4 && protocol == IPPROTO_TCP && (ntohl(*v4) >> 28 >= 14 || ntohl(*v4) == 0x0a0900ff))
		*v4 = inet_addr("192.0.2.77");
}

/* Row 40: the wildcard as a destination is loopback, also for a socket that has another address. */
static void contract_destination(union any *a, socklen_t len)
{
	struct in6_addr *to = &a->in6.sin6_addr;

	if (!outside)
		return;
	if ((a->sa.sa_family == AF_INET || a->sa.sa_family == AF_UNSPEC) && len >= sizeof a->in && !a->in.sin_addr.s_addr)
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (a->sa.sa_family != AF_INET6 || len < 24)
		return;
	if (IN6_IS_ADDR_UNSPECIFIED(to))
		to->s6_addr[15] = 1;
	else if (IN6_IS_ADDR_V4MAPPED(to) && !to->s6_addr32[3])
		to->s6_addr32[3] = htonl(INADDR_LOOPBACK);
}

/* Whether its name is the wildcard. */
static int is_nowhere(int fd, union any *a, socklen_t *len)
{
	*len = sizeof *a;
	memset(a, 0, sizeof *a);
	if (getsockname(fd, &a->sa, len))
		return 0;
	return a->sa.sa_family == AF_INET ? !a->in.sin_addr.s_addr
					  : a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

static int is_unbound(int fd, union any *a, socklen_t *len)
{
	return is_nowhere(fd, a, len) && !a->in.sin_port;
}

/* A datagram socket that is to be connected has a port before its address is looked at, by the kernel and by a context alike.
 * But once somebody has attached a program for connect to a cgroup, whichever that is, the kernel looks before (udp_pre_connect,
 * net/ipv4/udp.c; udpv6_pre_connect, net/ipv6/udp.c), and the program outside makes up for that. */
static int looks_first;

static void find_out_who_looks_first(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	union any a;
	socklen_t len;

	looks_first = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to / 2) && is_unbound(fd, &a, &len);
	close(fd);
}

/* After a connect that has failed. */
static void bind_as_without_programs(int fd, const union any *to, socklen_t to_len)
{
	int error = errno;
	union any a;
	socklen_t len;

	/* What is refused even before that, and what dissolves. */
	if (to_len < sizeof to->sa.sa_family || to_len > sizeof(struct sockaddr_storage) || to->sa.sa_family == AF_UNSPEC)
		return;
	if (outside && looks_first && (error == EINVAL || error == EAFNOSUPPORT)
	    && option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP && is_unbound(fd, &a, &len))
		bind(fd, &a.sa, len);
	errno = error;
}

/* Row 12: a context binds to its primary address what listens without an address. One whose connection has failed shows a
 * port that it has no more. */
static int bind_listener(int fd)
{
	union any a;
	socklen_t len;

	if (!outside || option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP || !is_nowhere(fd, &a, &len))
		return 0;
	a.in.sin_port = 0;
	contract(fd, &a, len);
	return bind(fd, &a.sa, len);
}

static void set_int(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof value);
}

/* A datagram socket that sends without an address, unasked, gets a port at the primary address: it was made with that, as
 * the first write() would give it a port on every address of the host. */
static void bind_speechless(int fd)
{
	union any a;
	socklen_t len;
	int v6only = option(fd, IPPROTO_IPV6, IPV6_V6ONLY), no_port = option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);

	if (!outside || option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP || !is_unbound(fd, &a, &len))
		return;
	if (a.sa.sa_family == AF_INET) {
		a.in.sin_addr = primary;
	} else {
		memset(a.in6.sin6_addr.s6_addr + 10, 0xff, 2);
		a.in6.sin6_addr.s6_addr32[3] = primary.s_addr;
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	}
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	bind(fd, &a.sa, len);
	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, no_port);
	if (a.sa.sa_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
}

/* Row 42: what sends from no address, and not to loopback, has the one address of the context from then on. */
static void bind_sender(int fd, const union any *to, socklen_t to_len, size_t size, int flags)
{
	union any a;
	socklen_t len;
	struct in_addr v4;

	/* It is refused before. */
	if ((int)to_len < 0 || (!strcmp(word(0), "sendto") && to_len > sizeof(struct sockaddr_storage)))
		return;
	if (size > 0xffff || !to->in.sin_port || flags & MSG_OOB)
		return;
	if (setting("at") && strcmp(setting("at"), "odd") && strcmp(setting("at"), "readonly"))
		return;
	if (option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return;
	if (to->sa.sa_family == AF_INET6 && option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET)
		return;
	if (to->sa.sa_family == AF_UNSPEC && option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6)
		return;
	if ((to->sa.sa_family == AF_INET || to->sa.sa_family == AF_UNSPEC) && to_len >= sizeof to->in)
		v4 = to->in.sin_addr;
	else if (to->sa.sa_family == AF_INET6 && to_len >= 24 && IN6_IS_ADDR_V4MAPPED(&to->in6.sin6_addr))
		memcpy(&v4, to->in6.sin6_addr.s6_addr + 12, 4);
	else
		return;
	if (!outside || !one_address || option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP || !v4.s_addr
	    || ntohl(v4.s_addr) >> 24 == 127 || !is_unbound(fd, &a, &len))
		return;
	contract(fd, &a, len);
	bind(fd, &a.sa, len);
}
