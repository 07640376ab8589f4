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
    bool killed_with_worker;  /* the kernel kills it when the worker ends */
    const char *queue;
    unsigned group;
    const char *url;
    sigset_t mask; /* signals blocked in the child */
} child_program;

/* What it is run for. */
typedef struct child_message {
    uint64_t id;
    unsigned attempts;
    const void *payload;
    size_t payload_bytes;
    const char *type;    /* of a task, else "" */
    const char *headers; /* of it: NAME=VALUE 00 each, behind the last a 00 */
} child_message;

/* The file that a command names, searched in PATH as a shell does; to be freed. NULL: errno
 * says why. */
char *child_find(const char *command);

/* Start it as the leader of a new session and process group. output and errors become its stdout
 * and stderr; -1 = the worker's. 0 and *pid, or an errno. */
int child_start(const child_program *program, const child_message *message, int output, int errors,
                pid_t *pid);

/* To its whole process group. */
void child_signal(pid_t pid, int number);

/* SIGTERM to the group, and SIGCONT: a stopped process does not see the first. */
void child_terminate(pid_t pid);

/* True when it has ended, with its wait status; waits for that when told to. With end_group the
 * rest of its group is killed. */
bool child_ended(pid_t pid, bool wait_for_it, bool end_group, int *status);

/* A child that has ended and was not started here, such as an orphan that process 1 adopts, is
 * reaped; 0 = none. One for which is_ours returns true is left alone. */
pid_t child_reap_stranger(bool (*is_ours)(const void *context, pid_t pid), const void *context);

#endif
