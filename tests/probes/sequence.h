/* What the words of sequence.c mean: addresses, where they lie in memory, and names that do not change from run to run. */
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGE 4096

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	char bytes[256];
};

static void broken(const char *what)
{
	fprintf(stderr, "sequence: %s\n", what);
	exit(99);
}

/* The words of one step. */
static char *words[32];
static int word_count;

static const char *word(int n)
{
	if (n >= word_count)
		broken("a step has too few words");
	return words[n];
}

/* The value of `name=value`, or NULL. */
static const char *setting(const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < word_count; i++)
		if (!strncmp(words[i], name, len) && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

static long number(const char *name, long otherwise)
{
	const char *text = setting(name);

	return text ? strtol(text, NULL, 0) : otherwise;
}

/* Two pages to read and write, one that can only be read, one that is not there. */
static char *pages;

static void make_pages(void)
{
	pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + 2 * PAGE, PAGE, PROT_READ) || munmap(pages + 3 * PAGE, PAGE))
		broken("no memory");
}

/* Puts `size` bytes where a step wants them. Gives what the kernel is told. */
static void *place(const char *where, const void *from, size_t size)
{
	char *at = pages;

	if (size > PAGE)
		broken("too large for a page");
	/* Nothing of the call before is behind what is too short. */
	memset(pages, 0, 2 * PAGE);
	if (!where || !strcmp(where, "good"))
		at = pages;
	else if (!strcmp(where, "odd"))
		at = pages + 1;
	else if (!strcmp(where, "null"))
		return NULL;
	else if (!strcmp(where, "unmapped"))
		return pages + 3 * PAGE;
	else if (!strcmp(where, "kernel"))
		return (void *)0xffff888000001000;
	else if (!strcmp(where, "readonly")) {
		/* The end of the last page, so that what is longer than the address runs out of memory. */
		at = pages + 3 * PAGE - size;
		if (mprotect(pages + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE))
			broken("mprotect");
		memcpy(at, from, size);
		if (mprotect(pages + 2 * PAGE, PAGE, PROT_READ))
			broken("mprotect");
		return at;
	} else
		broken("what place is that?");
	memcpy(at, from, size);
	return at;
}

/* Ports: P0 to P3 and the privileged Q are others in each sequence, so that none meets what the one before has left. */
static unsigned base, privileged;

static unsigned port_of(const char *name)
{
	if (name[0] == 'P')
		return base + (name[1] - '0');
	return name[0] == 'Q' ? privileged : (unsigned)atoi(name);
}

static const char *port_name(unsigned port)
{
	static char text[16];

	if (port == privileged)
		return "Q";
	if (!port)
		return "0";
	/* Chosen by the kernel, which may choose one number for two sockets. */
	if (port < base || port >= base + 4)
		return "*";
	snprintf(text, sizeof text, "P%u", port - base);
	return text;
}

/* Words n and on: `10.0.0.1 P0`, `fd00:1::1 0`, `unspec`, `unix a`, `abstract a`, `none`; then family= and len=. Gives how
 * many bytes it really has: where they lie (at=) is for place_address(). */
static size_t address(int n, union any *a, socklen_t *len)
{
	const char *host = word(n), *family = setting("family");
	const size_t path = offsetof(struct sockaddr_un, sun_path);
	size_t size;

	memset(a, 0, sizeof *a);
	*len = 0;
	if (!strcmp(host, "none"))
		return 0;
	if (!strcmp(host, "unspec")) {
		*len = sizeof a->in;
	} else if (!strcmp(host, "unix")) {
		a->un.sun_family = AF_UNIX;
		*len = path + snprintf(a->un.sun_path, sizeof a->un.sun_path, "%s", word(n + 1)) + 1;
	} else if (!strcmp(host, "abstract")) {
		a->un.sun_family = AF_UNIX;
		*len = path + 1 + snprintf(a->un.sun_path + 1, sizeof a->un.sun_path - 1, "%u-%s", base, word(n + 1));
	} else if (inet_pton(AF_INET, host, &a->in.sin_addr)) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port_of(word(n + 1)));
		*len = sizeof a->in;
	} else if (inet_pton(AF_INET6, host, &a->in6.sin6_addr)) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port_of(word(n + 1)));
		a->in6.sin6_scope_id = number("scope", 0);
		*len = sizeof a->in6;
	} else {
		broken("what address is that?");
	}
	if (family)
		a->sa.sa_family = atoi(family);
	size = *len;
	*len = (socklen_t)number("len", *len);
	return size;
}

static const void *place_address(const union any *a, size_t size)
{
	return size ? place(setting("at"), a, size) : NULL;
}

/* An address of `len` bytes as a word. */
static const char *address_name(const union any *a, socklen_t len)
{
	static char text[160];
	char host[INET6_ADDRSTRLEN];
	const size_t path = offsetof(struct sockaddr_un, sun_path);

	if (!len)
		return "-";
	switch (a->sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof host);
		snprintf(text, sizeof text, "%s:%s", host, port_name(ntohs(a->in.sin_port)));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof host);
		snprintf(text, sizeof text, "[%s%%%u]:%s", host, a->in6.sin6_scope_id, port_name(ntohs(a->in6.sin6_port)));
		break;
	case AF_UNIX:
		if (len <= path)
			return "unix:";
		/* A name that the kernel chose is five digits. */
		if (!a->un.sun_path[0] && len == path + 6)
			return "unix:@*";
		snprintf(text, sizeof text, "unix:%s%.*s", a->un.sun_path[0] ? "" : "@", (int)(len - path),
			 a->un.sun_path + !a->un.sun_path[0]);
		for (char *c = text; *c; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		break;
	default:
		snprintf(text, sizeof text, "family-%d", a->sa.sa_family);
	}
	return text;
}
