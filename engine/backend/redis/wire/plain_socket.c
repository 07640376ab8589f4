/* plain_socket.c: see plain_socket.h.
 */
#define _GNU_SOURCE
#include "plain_socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t plain_read(redis_transport *self, void *bytes, size_t room, bool may_wait)
{
    return recv(self->fd, bytes, room, may_wait ? 0 : MSG_DONTWAIT);
}

static ssize_t plain_write(redis_transport *self, const void *bytes, size_t count)
{
    return send(self->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static redis_sight plain_peek(redis_transport *self)
{
    char byte;
    const ssize_t got = recv(self->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) {
        return REDIS_SIGHT_BYTES;
    }
    const bool is_none = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return is_none ? REDIS_SIGHT_NOTHING : REDIS_SIGHT_END;
}

static int plain_wait(redis_transport *self, uint32_t wanted, uint64_t timeout_ms, int bell_fd)
{
    const int events =
        (wanted & REDIS_READABLE ? POLLIN : 0) | (wanted & REDIS_WRITABLE ? POLLOUT : 0);
    struct pollfd waited[2] = {{.fd = self->fd, .events = (short)events},
                               {.fd = bell_fd, .events = POLLIN}}; /* below 0 it is left out */
    const int found = poll(waited, 2, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
    return found > 0 ? waited[0].revents != 0 : found;
}

static void plain_close(redis_transport *self)
{
    (void)close(self->fd);
    self->ops = NULL;
    self->fd = -1;
}

redis_transport redis_plain_socket(int socket_fd)
{
    static const redis_transport_ops plain_ops = {
        .read = plain_read,
        .write = plain_write,
        .peek = plain_peek,
        .wait = plain_wait,
        .close = plain_close,
    };
    const redis_transport made = {.ops = &plain_ops, .fd = socket_fd};
    return made;
}
