/* keeper.c: see keeper.h. The bench and those that it forks hold the writing end of a pipe: when
 * it closes, they have all ended.
 */
#define _GNU_SOURCE
#include "keeper.h"
#include "folder.h"
#include "sure.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { TRIES_MOST = 100, TRY_US = 20000 };

/* A server that is being killed may still make a file. */
static void remove_surely(const char *path)
{
    for (int i = 0; i < TRIES_MOST && access(path, F_OK) == 0; i++) {
        folder_remove(path);
        usleep(access(path, F_OK) == 0 ? TRY_US : 0);
    }
}

/* Names between ends of lines; none is given twice, so that a removed one is none of ours. */
static void remove_all(char *names)
{
    char *rest = names;
    const char *name;
    while ((name = strtok_r(rest, "\n", &rest)) != NULL) {
        remove_surely(name);
    }
}

/* Collects names until no process is left to write one. */
static void keep(int reading)
{
    size_t used = 0;
    size_t room = 0;
    char *names = NULL;
    ssize_t count;
    do {
        if (used + PIPE_BUF > room) {
            room = 2 * room + 2 * (size_t)PIPE_BUF;
            names = realloc(names, room);
            bench_need(names != NULL, "realloc");
        }
        count = read(reading, names + used, PIPE_BUF - 1);
        used += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    names[used] = '\0';
    remove_all(names);
    free(names);
}

/* Out of reach of what ends the bench, such as Ctrl-C; holds nothing of it open but that end. */
static void live_apart(int reading)
{
    enum { DESCRIPTORS = 256 };
    const int nothing = open("/dev/null", O_RDWR);
    (void)setsid();
    prctl(PR_SET_NAME, "bench-keeper");
    for (int descriptor = 0; nothing >= 0 && descriptor <= STDERR_FILENO; descriptor++) {
        (void)dup2(nothing, descriptor);
    }
    for (int descriptor = STDERR_FILENO + 1; descriptor < DESCRIPTORS; descriptor++) {
        if (descriptor != reading) {
            close(descriptor);
        }
    }
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static int start_keeper(void)
{
    int ends[2];
    bench_need(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    fflush(NULL);
    const pid_t child = fork();
    bench_need(child >= 0, "fork");
    if (child == 0) {
        live_apart(ends[0]);
        keep(ends[0]);
        _exit(0);
    }
    close(ends[0]);
    return ends[1];
}

void keeper_make_folder(char *path)
{
    static int writing = -1;
    char line[PIPE_BUF];
    if (writing < 0) {
        writing = start_keeper();
    }
    bench_need(mkdtemp(path) != NULL, "a temporary folder");
    const int length = snprintf(line, sizeof line, "%s\n", path);
    bench_need(length > 0 && (size_t)length < sizeof line &&
                   write(writing, line, (size_t)length) == length,
               "telling of a temporary folder");
}
