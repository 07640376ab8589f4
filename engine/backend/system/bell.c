/* bell.c: see bell.h. An eventfd; where there is none, a pipe.
 */
#define _GNU_SOURCE
#include "bell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "descriptors.h"

#ifdef __linux__

static bool make(int ends[2])
{
    ends[0] = descriptor_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    ends[1] = ends[0];
    return ends[0] >= 0;
}

#else

static bool make(int ends[2])
{
    if (pipe(ends) != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

#endif

bool bell_open(bell *self)
{
    int ends[2];
    if (!make(ends)) {
        return false;
    }
    self->read_fd = ends[0];
    self->write_fd = ends[1];
    self->owner = getpid();
    return true;
}

void bell_renew(bell *self)
{
    int ends[2];
    if (self->owner != getpid() && make(ends)) {
        bell_close(self);
        self->read_fd = ends[0];
        self->write_fd = ends[1];
        self->owner = getpid();
    }
}

int bell_fd(const bell *self)
{
    return self->read_fd;
}

void bell_ring(const bell *self)
{
    static const uint64_t one = 1;
    const int kept = errno;
    /* if it is full it is rung already */
    const ssize_t written = write(self->write_fd, &one, sizeof one);
    (void)written;
    errno = kept;
}

void bell_clear(const bell *self)
{
    uint64_t rings;
    while (read(self->read_fd, &rings, sizeof rings) > 0 && self->read_fd != self->write_fd) {
    }
}

void bell_sleep(int fd, uint64_t sleep_ms)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    (void)poll(&waited, 1, sleep_ms < INT32_MAX ? (int)sleep_ms : INT32_MAX);
}

void bell_close(bell *self)
{
    if (self->write_fd != self->read_fd) {
        (void)close(self->write_fd);
    }
    (void)close(self->read_fd);
}
