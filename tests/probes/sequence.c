/* Makes the calls that it reads, and tells what each came to: the same words in, inside a context and outside of any.
 *
 *     begin 10000 100            a sequence begins; its ports
 *     socket 0 tcp4              the words of sequence.h; 0 to 5 are slots for descriptors
 *     bind 0 10.0.0.1 P0 len=7
 *     end                        prints what became of the sockets, closes them, says "."
 *
 * One line comes out for each step. `sequence DIR` works in that directory, which is its own. `sequence DIR contract A A6`
 * is what runs outside: it gives the kernel the addresses that a context takes by the contract, see contract().
 */
#include "sequence_calls.h"
#include <dirent.h>

static void step(void)
{
	const char *call = word(0);

	if (!strcmp(call, "socket")) {
		do_socket();
	} else if (!strcmp(call, "file")) {
		do_file();
	} else if (!strcmp(call, "bind")) {
		do_bind();
	} else if (!strcmp(call, "listen")) {
		do_listen();
	} else if (!strcmp(call, "connect")) {
		do_connect();
	} else if (!strcmp(call, "accept")) {
		do_accept();
	} else if (!strncmp(call, "send", 4)) {
		do_send(call);
	} else if (!strcmp(call, "recv")) {
		do_recv();
	} else if (!strcmp(call, "name")) {
		do_name(SYS_getsockname);
	} else if (!strcmp(call, "peer")) {
		do_name(SYS_getpeername);
	} else if (!strcmp(call, "set")) {
		do_set();
	} else if (!strcmp(call, "shutdown")) {
		tell(shutdown(fd_of(1), atoi(word(2))), NULL);
	} else if (!strcmp(call, "nonblock")) {
		tell(fcntl(fd_of(1), F_SETFL, atoi(word(2)) ? O_NONBLOCK : 0), NULL);
	} else if (!strcmp(call, "dup")) {
		do_dup();
	} else if (!strcmp(call, "close")) {
		tell(close(fd_of(1)), NULL);
		slots[slot(1)] = -1;
	} else {
		broken("what call is that?");
	}
}

/* What became of a socket: its names, and what sequences may have set. */
static void tell_state(int i)
{
	int fd = slots[i], failed;
	union any a = { 0 };
	socklen_t len = sizeof a;
	char device[16] = "";

	printf("socket %d:", i);
	if (option(fd, SOL_SOCKET, SO_DOMAIN) < 0) {
		puts(" none");
		return;
	}
	failed = getsockname(fd, &a.sa, &len);
	printf(" name %s", failed ? errno_name(errno) : address_name(&a, len));
	len = sizeof a;
	failed = getpeername(fd, &a.sa, &len);
	printf(" peer %s", failed ? errno_name(errno) : address_name(&a, len));
	len = sizeof device;
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len);
	printf(" error %s", errno_name(option(fd, SOL_SOCKET, SO_ERROR)));
	printf(" listening %d reuse %d%d broadcast %d device %s noport %d v6only %d free %d pktinfo %d flags %x\n",
	       option(fd, SOL_SOCKET, SO_ACCEPTCONN), option(fd, SOL_SOCKET, SO_REUSEADDR),
	       option(fd, SOL_SOCKET, SO_REUSEPORT), option(fd, SOL_SOCKET, SO_BROADCAST), *device ? device : "-",
	       option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), option(fd, IPPROTO_IPV6, IPV6_V6ONLY),
	       option(fd, IPPROTO_IP, IP_FREEBIND), option(fd, IPPROTO_IP, IP_PKTINFO),
	       fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE));
}

/* Names in the file system that sequences have bound: nothing but sockets is removed. */
static void remove_names(void)
{
	DIR *here = opendir(".");
	struct dirent *entry;

	while (here && (entry = readdir(here)))
		if (entry->d_type == DT_SOCK)
			unlink(entry->d_name);
	if (here)
		closedir(here);
}

static void end(void)
{
	for (int i = 0; i < SLOTS; i++)
		tell_state(i);
	for (int i = 0; i < SLOTS; i++)
		put(i, -1);
	remove_names();
	puts(".");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char line[1024], out[1 << 16];

	if (argc < 2 || chdir(argv[1]))
		broken("no directory");
	if (argc >= 5 && !strcmp(argv[2], "contract")) {
		outside = 1;
		one_address = argc > 5;
		if (!inet_pton(AF_INET, argv[3], &primary) || !inet_pton(AF_INET6, argv[4], &primary6))
			broken("what primary addresses are those?");
	}
	find_out_who_looks_first();
	signal(SIGPIPE, on_broken_pipe);
	/* Only the end of a sequence is waited for. */
	setvbuf(stdout, out, _IOFBF, sizeof out);
	make_pages();
	memset(slots, 0xff, sizeof slots);
	while (fgets(line, sizeof line, stdin)) {
		/* A call that hangs ends it all. */
		alarm(with_patience(60));
		word_count = 0;
		for (char *w = strtok(line, " \n"); w && word_count < 32; w = strtok(NULL, " \n"))
			words[word_count++] = w;
		if (!strcmp(word(0), "begin")) {
			base = atoi(word(1));
			privileged = atoi(word(2));
		} else if (!strcmp(word(0), "end")) {
			end();
		} else {
			step();
		}
		alarm(0);
	}
	return 0;
}
