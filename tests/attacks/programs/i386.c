/* A 32-bit program (built with -m32, without any library): its socket calls by number and by socketcall. It tells in
 * the same line as the others what came of them (attack.h).
 */
#define AF_INET 2
#define FOREIGN 0x0300000a /* 10.0.0.3 */
#define SYS_exit 1
#define SYS_read 3
#define SYS_write 4
#define SYS_socketcall 102
#define SYS_socket 359
#define SYS_bind 361
#define SYS_connect 362
#define SYS_listen 363

struct address { unsigned short family, port; unsigned ip, zero[2]; };

static int attempts, out, refused;

static int call(int nr, int a, int b, int c)
{
	int result;

	asm volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return result;
}

/* sendto has six arguments, the last in a register that the compiler may need itself: socketcall takes them by
 * memory. */
static int by_memory(int which, int a, int b, int c, int d, int e, int f)
{
	int args[6] = { a, b, c, d, e, f };

	return call(SYS_socketcall, which, (int)args, 0);
}

static int attempt(int result)
{
	attempts++;
	refused += result < 0;
	return result >= 0;
}

static void say(const char *text)
{
	int length = 0;

	while (text[length])
		length++;
	call(SYS_write, 1, (int)text, length);
}

static void say_number(int number)
{
	char text[12], *end = text + 11;

	*end = 0;
	do
		*--end = '0' + number % 10;
	while (number /= 10);
	say(end);
}

void _start(void)
{
	struct address foreign = { AF_INET, 0, FOREIGN, { 0, 0 } };
	struct address host = { AF_INET, (7100 & 255) << 8 | 7100 >> 8, 0x0100007f, { 0, 0 } };
	char byte;

	for (int type = 1; type <= 2; type++) {
		int fd = call(SYS_socket, AF_INET, type, 0);

		if (attempt(fd)) {
			out += attempt(call(SYS_bind, fd, (int)&foreign, sizeof(foreign)));
			attempt(call(SYS_listen, fd, 8, 0));
		}
		fd = by_memory(1, AF_INET, type, 0, 0, 0, 0);
		if (attempt(fd))
			out += attempt(by_memory(2, fd, (int)&foreign, sizeof(foreign), 0, 0, 0));
		/* Calls on what may be there without it. */
		fd = by_memory(1, AF_INET, type, 0, 0, 0, 0);
		attempt(call(SYS_connect, fd, (int)&host, sizeof(host)));
		attempt(by_memory(3, fd, (int)&host, sizeof(host), 0, 0, 0));
		attempt(by_memory(11, fd, (int)"x", 1, 0x4000 /* MSG_NOSIGNAL */, (int)&host, sizeof(host)));
	}
	say("tried=i386 attempts=");
	say_number(attempts);
	say(" done=0 out=");
	say_number(out);
	say(" errnos=any:");
	say_number(refused);
	say("\n");
	while (call(SYS_read, 0, (int)&byte, 1) > 0)
		;
	call(SYS_exit, 0, 0, 0);
}
