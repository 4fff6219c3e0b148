/* Messages: with a source named for each (PKTINFO), several in one call, with the destination that they came to; echoes. */

/* One message to send, with all that it points to. */
struct parcel {
	union any to;
	struct iovec text;
	char words[8];
	_Alignas(struct cmsghdr) char control[64];
};

/* SRC is an address that PKTINFO is to name (10.0.0.1, 0.0.0.0%eth0, fd00:1::1; old:fd00:1::1 in the form of RFC 2292)
 * or `-`; DEST is where to, or `-` for the peer. */
static void fill(struct msghdr *m, struct parcel *p, const char *src, const char *dest, int number)
{
	memset(m, 0, sizeof(*m));
	memset(p, 0, sizeof(*p));
	snprintf(p->words, sizeof(p->words), number ? "m%d" : "hello", number);
	p->text = (struct iovec){ p->words, strlen(p->words) };
	m->msg_iov = &p->text;
	m->msg_iovlen = 1;
	if (strcmp(dest, "-")) {
		m->msg_namelen = parse(dest, &p->to);
		m->msg_name = &p->to;
	}
	if (strcmp(src, "-")) {
		struct cmsghdr *c = (struct cmsghdr *)p->control;
		int old = !strncmp(src, "old:", 4);
		union any a;
		unsigned index = parse_ip(src + (old ? 4 : 0), &a);

		m->msg_control = p->control;
		if (a.sa.sa_family == AF_INET6) {
			struct in6_pktinfo info = { a.in6.sin6_addr, index };
			c->cmsg_level = IPPROTO_IPV6;
			c->cmsg_type = old ? IPV6_2292PKTINFO : IPV6_PKTINFO;
			c->cmsg_len = CMSG_LEN(sizeof(info));
			memcpy(CMSG_DATA(c), &info, sizeof(info));
		} else {
			struct in_pktinfo info = { index, a.in.sin_addr, { 0 } };
			c->cmsg_level = IPPROTO_IP;
			c->cmsg_type = IP_PKTINFO;
			c->cmsg_len = CMSG_LEN(sizeof(info));
			memcpy(CMSG_DATA(c), &info, sizeof(info));
		}
		m->msg_controllen = CMSG_ALIGN(c->cmsg_len);
	}
}

/* sendmsg with a source and a destination. */
static void send_from(const char *src, const char *dest)
{
	struct msghdr m;
	struct parcel p;

	fill(&m, &p, src, dest, 0);
	report("sendmsg", sendmsg(cur, &m, 0));
}

/* One sendmmsg of several messages, `SRC>DEST,SRC>DEST`, with the texts m1, m2 …; prints how many it says were sent. */
static void send_each(char *list)
{
	struct mmsghdr m[8];
	struct parcel p[8];
	char *item, *rest = NULL, text[16];
	int n = 0, sent;

	for (item = strtok_r(list, ",", &rest); item && n < 8; item = strtok_r(NULL, ",", &rest), n++) {
		char *dest = strchr(item, '>');
		if (!dest)
			usage(item);
		*dest++ = 0;
		fill(&m[n].msg_hdr, &p[n], item, dest, n + 1);
	}
	sent = sendmmsg(cur, m, n, 0);
	if (sent < 0) {
		report("sendmmsg", -1);
		return;
	}
	snprintf(text, sizeof(text), "%d", sent);
	say("sendmmsg", text);
}

/* A message that came: its text, where from, and (with IP_PKTINFO or IPV6_RECVPKTINFO) where to. */
struct arrival {
	char text[64];
	union any from, to;
	socklen_t from_len;
	int has_to;
};

/* By recvmsg, or by a recvmmsg of one. */
static int take_message(struct arrival *in, int by_many)
{
	_Alignas(struct cmsghdr) char control[256];
	struct iovec iov = { in->text, sizeof(in->text) - 1 };
	struct msghdr m = { .msg_name = &in->from, .msg_namelen = sizeof(in->from), .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	long n;

	set_timeout(SO_RCVTIMEO, SOON);
	if (by_many) {
		struct mmsghdr many = { .msg_hdr = m };
		n = recvmmsg(cur, &many, 1, 0, NULL);
		m = many.msg_hdr;
		n = n == 1 ? (long)many.msg_len : -1;
	} else {
		n = recvmsg(cur, &m, 0);
	}
	if (n < 0)
		return -1;
	in->text[n] = 0;
	in->from_len = m.msg_namelen;
	in->has_to = 0;
	memset(&in->to, 0, sizeof(in->to));
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			in->to.in6.sin6_family = AF_INET6;
			in->to.in6.sin6_addr = ((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr;
			in->has_to = 1;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO && !in->has_to) {
			in->to.in.sin_family = AF_INET;
			in->to.in.sin_addr = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr;
			in->has_to = 1;
		}
	}
	return 0;
}

static void receive_message(int by_many)
{
	const char *call = by_many ? "recvmmsg" : "recvmsg";
	struct arrival in;

	if (take_message(&in, by_many) < 0) {
		report(call, -1);
		return;
	}
	say(call, in.text);
	say_address("from", &in.from);
	if (in.has_to)
		say_address("to", &in.to);
}

/* The same by recvfrom. */
static void receive_from(void)
{
	struct arrival in;
	socklen_t len = sizeof(in.from);
	ssize_t n;

	set_timeout(SO_RCVTIMEO, SOON);
	n = recvfrom(cur, in.text, sizeof(in.text) - 1, 0, &in.from.sa, &len);
	if (n < 0) {
		report("recvfrom", -1);
		return;
	}
	in.text[n] = 0;
	say("recvfrom", in.text);
	say_address("from", &in.from);
}

/* By recvfrom, recvmsg or recvmmsg, with room for half an address: how long it would be, and whether what is behind that room
 * is as before. */
static void receive_short(const char *call)
{
	char text[64], len_text[16];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	unsigned char room[16];
	socklen_t len = sizeof(room) / 2, at;
	ssize_t n;

	memset(room, 0xaa, sizeof(room));
	set_timeout(SO_RCVTIMEO, SOON);
	m.msg_hdr.msg_name = room;
	m.msg_hdr.msg_namelen = len;
	if (!strncmp(call, "recvmmsg", 8)) {
		n = recvmmsg(cur, &m, 1, 0, NULL);
		n = n == 1 ? (ssize_t)m.msg_len : -1;
		len = m.msg_hdr.msg_namelen;
	} else if (!strncmp(call, "recvmsg", 7)) {
		n = recvmsg(cur, &m.msg_hdr, 0);
		len = m.msg_hdr.msg_namelen;
	} else {
		n = recvfrom(cur, text, sizeof(text) - 1, 0, (struct sockaddr *)room, &len);
	}
	if (n < 0) {
		report(call, -1);
		return;
	}
	text[n] = 0;
	say(call, text);
	snprintf(len_text, sizeof(len_text), "%u", len);
	say("len", len_text);
	for (at = sizeof(room) / 2; at < sizeof(room) && room[at] == 0xaa; at++)
		;
	say("kept", at == sizeof(room) ? "ok" : "overwritten");
}

/* Answers one datagram with "re:" and its text; where `back`, from the address that it came to. */
static void serve(int back)
{
	struct arrival in;
	char text[80];
	struct iovec iov = { text, 0 };
	_Alignas(struct cmsghdr) char control[64] = { 0 };
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct msghdr m = { .msg_name = &in.from, .msg_iov = &iov, .msg_iovlen = 1 };

	if (take_message(&in, 0) < 0) {
		report("serve", -1);
		return;
	}
	say("serve", in.text);
	iov.iov_len = snprintf(text, sizeof(text), "re:%s", in.text);
	m.msg_namelen = in.from_len;
	if (back && in.has_to && in.to.sa.sa_family == AF_INET6) {
		struct in6_pktinfo info = { in.to.in6.sin6_addr, 0 };
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else if (back && in.has_to) {
		struct in_pktinfo info = { 0, in.to.in.sin_addr, { 0 } };
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	if (c->cmsg_len) {
		m.msg_control = control;
		m.msg_controllen = CMSG_ALIGN(c->cmsg_len);
		if (sendmsg(cur, &m, 0) < 0)
			report("answer", -1);
	} else if (sendto(cur, text, iov.iov_len, 0, &in.from.sa, in.from_len) < 0) {
		report("answer", -1);
	}
}

static unsigned short checksum(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	unsigned sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

/* An echo request (icmp(7), or a raw socket), to DEST or `-` for the peer. */
static void ping(const char *dest)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo = { htons(77), htons(1) } };
	union any a;
	socklen_t len = sizeof(a);

	getsockname(cur, &a.sa, &len);
	if (a.sa.sa_family == AF_INET6)
		echo.type = ICMP6_ECHO_REQUEST;
	else
		echo.checksum = checksum(&echo, sizeof(echo));
	if (!strcmp(dest, "-")) {
		report("ping", send(cur, &echo, sizeof(echo), 0));
		return;
	}
	parse_ip(dest, &a);
	len = a.sa.sa_family == AF_INET6 ? sizeof(a.in6) : sizeof(a.in);
	report("ping", sendto(cur, &echo, sizeof(echo), 0, &a.sa, len));
}

/* A whole IPv4 packet with an echo request in it, from whoever. */
static void packet(const char *src, const char *dest)
{
	struct { struct iphdr ip; struct icmphdr icmp; } p = {
		.ip = { .version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_ICMP },
		.icmp = { .type = ICMP_ECHO },
	};
	union any a;

	parse_ip(src, &a);
	p.ip.saddr = a.in.sin_addr.s_addr;
	p.icmp.checksum = checksum(&p.icmp, sizeof(p.icmp));
	parse_ip(dest, &a);
	p.ip.daddr = a.in.sin_addr.s_addr;
	report("packet", sendto(cur, &p, sizeof(p), 0, &a.sa, sizeof(a.in)));
}
