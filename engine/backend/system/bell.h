/* bell.h: a descriptor that becomes readable when it is rung, to end a poll from another thread or
 * from a signal handler. Knows no queue.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_BELL_H
#define SLOTQ_BACKEND_SYSTEM_BELL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct bell {
    int read_fd;
    int write_fd; /* an eventfd: the same */
    pid_t owner;  /* the process that made it */
} bell;

/* False: the system has no descriptor left, errno says why. */
bool bell_open(bell *self);

/* In a forked child: make another one, as a ring of one process would be heard in both. */
void bell_renew(bell *self);

/* For poll. */
int bell_fd(const bell *self);

/* Any thread, any signal handler, while it is open. errno stays. */
void bell_ring(const bell *self);

/* Forget that it was rung. */
void bell_clear(const bell *self);

/* Sleep up to sleep_ms, or until it is rung or a signal comes. */
void bell_sleep(int fd, uint64_t sleep_ms);

void bell_close(bell *self);

#endif
