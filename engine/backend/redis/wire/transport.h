/* transport.h: how bytes reach a server and come back, as a table of functions: one table for each
 * kind of transport. Knows bytes and time; no address and no protocol.
 *
 * A transport may hold bytes that it has read and not yet given (one that decrypts does). The
 * descriptor is then not readable, and yet there is something to read: only wait and peek know, so
 * the descriptor of a connection must not be polled past them.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_TRANSPORT_H
#define SLOTQ_BACKEND_REDIS_WIRE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct redis_transport redis_transport;

/* What wait waits for; either of them where both are given. */
enum { REDIS_READABLE = 1, REDIS_WRITABLE = 2 };

typedef enum redis_sight { REDIS_SIGHT_NOTHING, REDIS_SIGHT_BYTES, REDIS_SIGHT_END } redis_sight;

/* read, write and wait return -1 with errno on failure; EINTR: a signal came, nothing was done. */
typedef struct redis_transport_ops {
    /* How many bytes were read; 0 = the peer closed; EAGAIN = none came, at once or, with
     * may_wait, within the time-out of the transport. */
    ssize_t (*read)(redis_transport *self, void *bytes, size_t room, bool may_wait);

    /* How many bytes were taken; EAGAIN = none now. Never waits, never raises SIGPIPE. */
    ssize_t (*write)(redis_transport *self, const void *bytes, size_t count);

    /* Whether there is something to read, without reading it or waiting. */
    redis_sight (*peek)(redis_transport *self);

    /* 1 = it can be read or written as wanted (also where a read or write would fail), 0 = not
     * within the time, or bell_fd (-1 = none) became readable first. Bytes held inside make it
     * readable. */
    int (*wait)(redis_transport *self, uint32_t wanted, uint64_t timeout_ms, int bell_fd);

    void (*close)(redis_transport *self);

    /* What broke it, where errno (EPROTO) is not all that is known; NULL = nothing more. May be
     * NULL itself. */
    const char *(*why)(redis_transport *self);
} redis_transport_ops;

struct redis_transport {
    const redis_transport_ops *ops; /* NULL = closed */
    int fd;                         /* for the caller's poll loop */
    void *state;                    /* of the kind; a plain socket has none */
};

#endif
