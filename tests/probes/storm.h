/* What a storm is made of: random numbers that a seed repeats, and memory that is not what it seems. */
#ifndef STORM_H
#define STORM_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, THREADS = 4, PROCESSES = 4 };

/* One thread, as those see it who watch over it. A call that has begun and not ended has a time in `began`; `held` counts
 * those that the filter is sure to hold back for the supervisor. */
struct seat {
	_Atomic long began, calls, held;
	_Atomic int call, slot;
};

/* What is sent to the host's other addresses meanwhile: nobody in here is to hear it. */
#define NOT_FOR_US "for somebody else"

/* What all processes of a storm share. */
struct shared {
	_Atomic int calm, heard;
	_Atomic int settled[PROCESSES];
	struct seat seats[PROCESSES][THREADS];
};

static struct shared *shared;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* splitmix64: any seed will do, and neighbours have nothing in common. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned count)
{
	return next(state) % count;
}

#define ONE_OF(state, array) ((array)[below(state, sizeof(array) / sizeof(*(array)))])

/* Pages of a process: what all of its threads write to, what may only be read, what is not there, and what is there now and
 * then. Behind each is one that is not there. */
static struct {
	char *flux, *fixed, *none, *blinking;
} pages;

static char *page(int protection)
{
	char *at = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at, PAGE, protection))
		_exit(90);
	return at;
}

static void lay_out(void)
{
	pages.flux = page(PROT_READ | PROT_WRITE);
	pages.blinking = page(PROT_READ | PROT_WRITE);
	pages.none = page(PROT_NONE);
	pages.fixed = page(PROT_READ | PROT_WRITE);
	memset(pages.fixed, 2, PAGE);
	mprotect(pages.fixed, PAGE, PROT_READ);
}

/* A place for `size` bytes that the kernel may be told. In about two of three cases it is memory, though others may write to
 * it meanwhile; `*usable` says whether it may be written to here. */
static void *place(uint64_t *state, size_t size, int *usable)
{
	unsigned way = below(state, 24);

	*usable = way < 16;
	if (size > PAGE / 4)
		size = PAGE / 4;
	switch (way) {
	case 16: return NULL;
	case 17: return (void *)(uintptr_t)below(state, PAGE);
	case 18: return (void *)0xffff888000001000;
	case 19: return (void *)(uintptr_t)(next(state) | (1ULL << 63));
	case 20: return pages.fixed + below(state, PAGE - size);
	case 21: return pages.none + below(state, PAGE);
	case 22: return pages.blinking + below(state, PAGE - size);
	/* The last bytes are on the page that is not there. */
	case 23: return pages.flux + PAGE - below(state, size + 2);
	default: return pages.flux + below(state, PAGE / 64 - 16) * 64;
	}
}

/* Takes the page away, gives it another protection, or gives it back. */
static void blink_page(uint64_t *state)
{
	static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };

	if (below(state, 3))
		mprotect(pages.blinking, PAGE, ONE_OF(state, protections));
	else
		mmap(pages.blinking, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

#endif
