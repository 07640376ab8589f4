/* child.h: one command run for one message: found, started, signalled, reaped. Knows processes,
 * not queues.
 */
#ifndef SLOTQ_TOOLS_WORK_CHILD_H
#define SLOTQ_TOOLS_WORK_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is run; the strings are borrowed. */
typedef struct child_program {
    char *path;       /* of the file to be run; child_find made it */
    char **arguments; /* the user's words, NULL at the end */
    int argument_count;
    bool payload_as_argument; /* else it is stdin */
    const char *queue;
    unsigned group;
    const char *url;
    sigset_t mask; /* signals blocked in the child */
} child_program;

typedef struct child {
    pid_t pid; /* 0 = none runs */
    uint64_t id;
    uint8_t attempts;
    uint64_t started_at_ms; /* these by the monotonic clock */
    uint64_t extend_at_ms;
    uint64_t timeout_at_ms; /* UINT64_MAX = never */
    uint64_t kill_at_ms;    /* UINT64_MAX = never; set with a SIGTERM */
    bool timed_out;
    bool lost; /* its lease went to somebody else */
} child;

/* The file that a command names, searched in PATH like a shell does; to be freed. NULL: errno
 * says why. */
char *child_find(const char *command);

/* Start it in a process group of its own; child->id and attempts are set. 0, or an errno. */
int child_start(child *one, const child_program *program, const void *payload, size_t size);

/* To its whole process group. */
void child_signal(const child *one, int number);

/* True when it has ended, with its wait status; waits for that when told to. */
bool child_ended(child *one, bool wait_for_it, int *status);

#endif
