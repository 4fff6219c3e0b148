/* `blocked CALL HOW ADDR`: a thread sits in a call that waits, on sockets at ADDR; prints how it gets out of it.
 *
 *     CALL: accept accept4 recvfrom recvmsg recvmmsg connect sendto sendmsg
 *     cancel    it is cancelled: "cancelled"
 *     disabled  it is cancelled and does not let itself be; then the other side does its part: "ok"
 *     alarm     SIGALRM comes, without SA_RESTART: "EINTR"
 *     restart   SIGALRM comes, with SA_RESTART; then the other side does its part: "ok"
 *     handler   the same, and the handler sends a datagram: "ok sent=hello"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "patience.h"

#define SOON with_patience(10000)

static const char *call, *how;
static struct sockaddr_in at;
static int own, other, queue[16], queued;
static int courier, mailbox;
static struct sockaddr_in mailbox_at;
static atomic_int alarms, tid, cleaned, outcome;

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(int ok, const char *what)
{
	if (!ok)
		fail(what);
}

static int is(const char *name)
{
	return !strcmp(call, name);
}

static void on_alarm(int signal)
{
	(void)signal;
	if (!strcmp(how, "handler"))
		sendto(courier, "hello", 5, 0, (struct sockaddr *)&mailbox_at, sizeof(mailbox_at));
	alarms++;
}

/* A socket on a port of the kernel's choice. */
static int bound(int type, struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(AF_INET, type, 0);

	*a = at;
	check(fd >= 0 && bind(fd, (struct sockaddr *)a, sizeof(*a)) == 0, "bind");
	check(getsockname(fd, (struct sockaddr *)a, &len) == 0, "getsockname");
	return fd;
}

/* A listener that takes nobody any more. */
static void fill_queue(void)
{
	check(listen(other, 0) == 0, "listen");
	for (queued = 0; queued < 16;) {
		struct pollfd p = { socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), POLLOUT, 0 };

		queue[queued++] = p.fd;
		check(connect(p.fd, (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS, "fill");
		if (poll(&p, 1, with_patience(300)) == 0)
			return;
	}
	fail("the queue is never full");
}

static void empty_queue(void)
{
	fcntl(other, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < SOON / 10 && outcome < 0; i++) {
		while (accept(other, NULL, NULL) >= 0)
			;
		usleep(10000);
	}
}

/* A pair that takes no more messages. */
static void fill_pair(void)
{
	int pair[2];
	static char text[4096];

	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	own = pair[0];
	other = pair[1];
	while (send(own, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	check(errno == EAGAIN, "fill");
}

static struct sockaddr_un hole = { .sun_family = AF_UNIX };
static socklen_t hole_len;

/* A name that takes no more messages. */
static void fill_name(void)
{
	snprintf(hole.sun_path + 1, sizeof(hole.sun_path) - 1, "blocked-%d", getpid());
	hole_len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(hole.sun_path + 1);
	own = socket(AF_UNIX, SOCK_DGRAM, 0);
	other = socket(AF_UNIX, SOCK_DGRAM, 0);
	check(bind(other, (struct sockaddr *)&hole, hole_len) == 0, "bind");
	while (sendto(own, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&hole, hole_len) > 0)
		;
	check(errno == EAGAIN, "fill");
}

static long number(void)
{
	return is("accept") ? SYS_accept : is("accept4") ? SYS_accept4 : is("recvfrom") ? SYS_recvfrom :
	       is("recvmsg") ? SYS_recvmsg : is("recvmmsg") ? SYS_recvmmsg : is("connect") ? SYS_connect :
	       is("sendto") ? SYS_sendto : SYS_sendmsg;
}

static void prepare(void)
{
	if (is("accept") || is("accept4")) {
		own = bound(SOCK_STREAM, &at);
		check(listen(own, 8) == 0, "listen");
	} else if (is("connect")) {
		other = bound(SOCK_STREAM, &at);
		fill_queue();
		own = socket(AF_INET, SOCK_STREAM, 0);
	} else if (is("sendmsg")) {
		fill_pair();
	} else if (is("sendto")) {
		fill_name();
	} else {
		own = bound(SOCK_DGRAM, &at);
		other = socket(AF_INET, SOCK_DGRAM, 0);
	}
}

static long blocking_call(void)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char text[16];
	struct iovec iov = { text, sizeof(text) };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };

	if (is("accept"))
		return accept(own, (struct sockaddr *)&from, &len);
	if (is("accept4"))
		return accept4(own, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (is("connect"))
		return connect(own, (struct sockaddr *)&at, sizeof(at));
	if (is("recvmsg"))
		return recvmsg(own, &m.msg_hdr, 0);
	if (is("recvmmsg"))
		return recvmmsg(own, &m, 1, 0, NULL);
	if (is("sendmsg"))
		return sendmsg(own, &m.msg_hdr, 0);
	if (is("sendto"))
		return sendto(own, "x", 1, 0, (struct sockaddr *)&hole, hole_len);
	return recvfrom(own, text, sizeof(text), 0, (struct sockaddr *)&from, &len);
}

/* The other side does its part. */
static void let_go(void)
{
	char text[4096];

	if (is("accept") || is("accept4")) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "connect");
	} else if (is("connect")) {
		empty_queue();
	} else if (is("sendmsg") || is("sendto")) {
		while (recv(other, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
	} else {
		check(sendto(other, "hello", 5, 0, (struct sockaddr *)&at, sizeof(at)) == 5, "sendto");
	}
}

static void on_cancel(void *unused)
{
	(void)unused;
	cleaned = 1;
}

static void *sit(void *unused)
{
	long done;

	(void)unused;
	if (!strcmp(how, "disabled"))
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_push(on_cancel, NULL);
	tid = syscall(SYS_gettid);
	done = blocking_call();
	outcome = done < 0 ? errno : 0;
	pthread_cleanup_pop(0);
	return NULL;
}

/* Whether the thread is in the call, so that nothing but an event gets it out. */
static int is_in(void)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	return text[0] >= '0' && text[0] <= '9' && atol(text) == number();
}

static void wait_in(void)
{
	for (int i = 0; i < SOON && outcome < 0; i++) {
		if (tid && is_in())
			return;
		usleep(1000);
	}
	if (outcome < 0)
		fail("not in the call");
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_alarm };
	pthread_t thread;
	void *result;
	char text[8] = "";
	int is_cancel, is_alarm;

	if (argc < 4)
		return 99;
	call = argv[1];
	how = argv[2];
	at.sin_family = AF_INET;
	at.sin_addr.s_addr = inet_addr(argv[3]);
	is_cancel = !strcmp(how, "cancel") || !strcmp(how, "disabled");
	is_alarm = !strcmp(how, "alarm");
	courier = socket(AF_INET, SOCK_DGRAM, 0);
	mailbox = bound(SOCK_DGRAM, &mailbox_at);
	prepare();
	action.sa_flags = is_alarm ? 0 : SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	outcome = -1;
	pthread_create(&thread, NULL, sit, NULL);
	wait_in();
	if (is_cancel) {
		pthread_cancel(thread);
	} else {
		pthread_kill(thread, SIGALRM);
		for (int i = 0; i < SOON && !alarms; i++)
			usleep(1000);
		check(alarms == 1, "no alarm");
	}
	if (strcmp(how, "cancel") && !is_alarm) {
		wait_in();
		if (outcome < 0)
			let_go();
	}
	pthread_join(thread, &result);
	if (result == PTHREAD_CANCELED)
		printf("cancelled%s", cleaned ? "" : " without clean-up");
	else
		printf("%s", outcome == 0 ? "ok" : outcome == EINTR ? "EINTR" : strerror(outcome));
	if (!strcmp(how, "handler"))
		printf(" sent=%s", recv(mailbox, text, sizeof(text) - 1, MSG_DONTWAIT) > 0 ? text : "nothing");
	printf("\n");
	return 0;
}
