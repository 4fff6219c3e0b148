/* malloc(3) and the others, in place of the C library's, for all libraries: they know what was asked for, and end the program
 * where something is given back that is not theirs, or twice. Nothing is used again: what was given back is overwritten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE 0x6576696c
#define GONE 0x656e6f67

struct piece {
	size_t size, state;
};

static char heap[1 << 24] __attribute__((aligned(16)));
static size_t heap_taken;
/* Calls of any of these, and pieces that have not been given back. */
static volatile long heap_calls, heap_live;

static void *heap_take(size_t size)
{
	struct piece *at = (struct piece *)(heap + heap_taken);
	size_t whole = sizeof(*at) + ((size + 15) & ~(size_t)15);

	heap_calls++;
	if (whole < size || heap_taken + whole > sizeof(heap))
		return NULL;
	heap_taken += whole;
	heap_live++;
	*at = (struct piece){ size, LIVE };
	return at + 1;
}

void *malloc(size_t size)
{
	return heap_take(size);
}

void *calloc(size_t count, size_t size)
{
	return heap_take(count * size);
}

void *memalign(size_t alignment, size_t size)
{
	(void)alignment;
	return heap_take(size);
}

void free(void *old)
{
	struct piece *at = (struct piece *)old - 1;
	static const char bad[] = "heap: given back, and not there\n";

	heap_calls++;
	if (!old)
		return;
	if ((char *)at < heap || (char *)at >= heap + sizeof(heap) || at->state != LIVE) {
		if (write(2, bad, sizeof(bad) - 1) < 0)
			_exit(77);
		_exit(78);
	}
	at->state = GONE;
	heap_live--;
	memset(old, 0x5a, at->size);
}

void *realloc(void *old, size_t size)
{
	void *new = heap_take(size);
	size_t before = old ? ((struct piece *)old - 1)->size : 0;

	if (old && new) {
		memcpy(new, old, before < size ? before : size);
		free(old);
	}
	return new;
}
