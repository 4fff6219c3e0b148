/* Socket options by name, some with a value after a colon: `opt reuseaddr`, `opt dev:eth0`, `opt sticky:fd00:1::2`. */

static int on_off(int level, int name, int value)
{
	return setsockopt(cur, level, name, &value, sizeof(value));
}

/* A filter that takes what comes. */
static int attach_filter(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, ~0U);
	struct sock_fprog program = { 1, &all };

	return setsockopt(cur, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* IPV6_PKTINFO as the source of all that the socket sends. */
static int sticky_source(const char *value)
{
	struct in6_pktinfo info = { 0 };
	union any a;

	info.ipi6_ifindex = parse_ip(value, &a);
	info.ipi6_addr = a.in6.sin6_addr;
	return setsockopt(cur, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

/* The interface of outgoing multicasts: by address as struct in_addr or (`long`) struct ip_mreqn, IPv6 by index. */
static int multicast_interface(const char *value, int is_long)
{
	struct ip_mreqn request = { 0 };
	union any a;
	int index = parse_ip(value, &a);

	if (a.sa.sa_family == AF_INET6)
		return on_off(IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
	if (!is_long)
		return setsockopt(cur, IPPROTO_IP, IP_MULTICAST_IF, &a.in.sin_addr, sizeof(a.in.sin_addr));
	request.imr_address = a.in.sin_addr;
	request.imr_ifindex = index;
	return setsockopt(cur, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
}

/* Joins a group, on an interface (239.1.1.1%eth0) or on the one that the kernel finds. */
static int join(const char *value)
{
	union any a;
	unsigned index = parse_ip(value, &a);

	if (a.sa.sa_family == AF_INET6) {
		struct ipv6_mreq request = { a.in6.sin6_addr, index };
		return setsockopt(cur, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
	}
	struct ip_mreqn request = { a.in.sin_addr, { 0 }, index };
	return setsockopt(cur, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
}

static void set_option(const char *word)
{
	static const struct { const char *name; int level, option, value; } flags[] = {
		{ "freebind", IPPROTO_IP, IP_FREEBIND, 1 },
		{ "freebind6", IPPROTO_IPV6, IPV6_FREEBIND, 1 },
		{ "transparent", IPPROTO_IP, IP_TRANSPARENT, 1 },
		{ "noport", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1 },
		{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR, 1 },
		{ "reuseport", SOL_SOCKET, SO_REUSEPORT, 1 },
		{ "broadcast", SOL_SOCKET, SO_BROADCAST, 1 },
		{ "v6only", IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ "dual", IPPROTO_IPV6, IPV6_V6ONLY, 0 },
		{ "hdrincl", IPPROTO_IP, IP_HDRINCL, 1 },
		{ "hdrincl6", IPPROTO_IPV6, IPV6_HDRINCL, 1 },
		{ "pktinfo", IPPROTO_IP, IP_PKTINFO, 1 },
		{ "pktinfo6", IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
		{ "multicast-loop", IPPROTO_IP, IP_MULTICAST_LOOP, 1 },
		{ "lock-filter", SOL_SOCKET, SO_LOCK_FILTER, 1 },
		{ "unlock-filter", SOL_SOCKET, SO_LOCK_FILTER, 0 },
		{ "no-filter", SOL_SOCKET, SO_DETACH_FILTER, 0 },
	};
	/* One that goes from A to its own A: never mind where, it is about whether it may be set at all. */
	static const unsigned char route[8] = { IPOPT_LSRR, 7, 4, 10, 0, 0, 9, 0 };
	const char *value = strchr(word, ':');
	char name[32];
	int result = -1;
	size_t i;

	snprintf(name, sizeof(name), "%.*s", value ? (int)(value - word) : (int)strlen(word), word);
	value = value ? value + 1 : "";
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(name, flags[i].name)) {
			result = on_off(flags[i].level, flags[i].option, flags[i].value);
			goto done;
		}
	if (!strcmp(name, "dev"))
		result = setsockopt(cur, SOL_SOCKET, SO_BINDTODEVICE, value, strlen(value) + 1);
	else if (!strcmp(name, "mark"))
		result = on_off(SOL_SOCKET, SO_MARK, atoi(value));
	else if (!strcmp(name, "filter"))
		result = attach_filter();
	else if (!strcmp(name, "sticky"))
		result = sticky_source(value);
	else if (!strcmp(name, "multicast-if"))
		result = multicast_interface(value, 0);
	else if (!strcmp(name, "multicast-if-long"))
		result = multicast_interface(value, 1);
	else if (!strcmp(name, "join"))
		result = join(value);
	else if (!strcmp(name, "source-route"))
		result = setsockopt(cur, IPPROTO_IP, IP_OPTIONS, route, sizeof(route));
	else if (!strcmp(name, "nonblock"))
		result = fcntl(cur, F_SETFL, fcntl(cur, F_GETFL) | O_NONBLOCK);
	else
		usage(word);
done:
	if (result < 0)
		report(name, result);
}
