/* The floor that chbind is measured against: a supervisor that is told of one call and answers CONTINUE, nothing else.
 * It protects nothing. What it costs is what seccomp user notification itself costs on this kernel.
 *
 * minimal [--async] [--call bind|connect|sendto] COMMAND [ARGS...]
 * --async leaves SYNC_WAKE_UP out: the caller and the supervisor then mostly run on two CPUs and wake each other. */
#define _GNU_SOURCE
#include "bench.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6; Debian 12's headers are older */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

static pid_t command;

/* Before Linux 6.11 NOTIF_RECV does not return when the last filtered task is gone, so leave from the handler. */
static void on_child(int sig) {
    int status;
    (void)sig;
    if (waitpid(command, &status, WNOHANG) == command)
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void run(char **argv, long nr, int tell, int wait_for) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};
    char gone;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("minimal: no_new_privs");
    int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
    if (fd < 0) die("minimal: seccomp");
    if (write(tell, &fd, sizeof fd) != sizeof fd) die("minimal: write");
    if (read(wait_for, &gone, 1) != 0) die("minimal: read"); /* the parent closes its end when it has the listener */
    execvp(argv[0], argv);
    die(argv[0]);
}

int main(int argc, char **argv) {
    int async = 0, up[2], down[2], theirs;
    long nr = SYS_bind;
    for (argv++, argc--; argc && !strncmp(*argv, "--", 2); argv++, argc--) {
        if (!strcmp(*argv, "--async")) async = 1;
        else if (argc > 1 && !strcmp(*argv, "--call")) {
            argv++, argc--;
            nr = !strcmp(*argv, "bind") ? SYS_bind : !strcmp(*argv, "connect") ? SYS_connect
               : !strcmp(*argv, "sendto") ? SYS_sendto : -1;
        } else nr = -1;
    }
    if (!argc || nr < 0) return fprintf(stderr, "minimal [--async] [--call bind|connect|sendto] COMMAND\n"), 2;

    if (pipe(up) || pipe(down)) die("minimal: pipe");
    if ((command = fork()) < 0) die("minimal: fork");
    if (!command) {
        close(up[0]), close(down[1]);
        run(argv, nr, up[1], down[0]);
    }
    close(up[1]), close(down[0]);
    if (read(up[0], &theirs, sizeof theirs) != sizeof theirs) return 1; /* the child has said why */
    int pidfd = syscall(SYS_pidfd_open, command, 0);
    int listener = syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
    if (listener < 0) die("minimal: pidfd_getfd");
    if (!async && ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP))
        die("minimal: SYNC_WAKE_UP (Linux 6.6)");
    signal(SIGCHLD, on_child);
    close(down[1]);

    for (;;) {
        struct seccomp_notif req = {0}; /* the kernel insists on zeroes */
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req)) {
            if (errno == EINTR) continue;
            if (errno == ENOENT) usleep(1000); /* the caller was killed meanwhile, or all are gone: SIGCHLD ends us */
            else die("minimal: NOTIF_RECV");
            continue;
        }
        struct seccomp_notif_resp resp = {.id = req.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) && errno != ENOENT) die("minimal: NOTIF_SEND");
    }
}
