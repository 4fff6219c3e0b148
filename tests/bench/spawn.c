/* Wall time from posix_spawn to the end of a command, for several commands in turn.
 *
 * spawn ROUNDS ::: COMMAND... [::: COMMAND...]...
 * Prints one line per round with the microseconds of each command. */
#define _GNU_SOURCE
#include "bench.h"
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static double one(char **argv) {
    pid_t pid;
    int status;
    double start = now_us();
    if ((errno = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ))) die(argv[0]);
    if (waitpid(pid, &status, 0) != pid) die("waitpid");
    double took = now_us() - start;
    if (status) {
        fprintf(stderr, "spawn: %s ended with wait status %#x\n", argv[0], status);
        exit(1);
    }
    return took;
}

int main(int argc, char **argv) {
    char **command[8];
    int commands = 0, rounds = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], ":::") && commands < 8 && i + 1 < argc) {
            argv[i] = NULL;
            command[commands++] = &argv[i + 1];
        }
    if (!commands || rounds < 1 || rounds > 10000) return fprintf(stderr, "spawn ROUNDS ::: COMMAND...\n"), 2;
    bound_life(60);
    for (int r = -2; r < rounds; r++) { /* two rounds to warm up */
        double took[8];
        for (int i = 0; i < commands; i++) {
            int c = r % 2 ? commands - 1 - i : i; /* there and back, so that none always follows the same one */
            took[c] = one(command[c]);
            /* A detached supervisor ends after its command: not on the time of the next one. */
            usleep(4000);
        }
        for (int c = 0; r >= 0 && c < commands; c++) printf("%.1f%c", took[c], c + 1 < commands ? ' ' : '\n');
    }
    return 0;
}
