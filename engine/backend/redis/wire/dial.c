/* dial.c: see dial.h.
 */
#define _GNU_SOURCE
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../system/descriptors.h"
#include "../../system/monotonic.h"
#include "../../url.h"
#include "connection.h"

enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_EVERY_S = 10, KEEPALIVE_TIMES = 3, FULL_PAUSE_US = 5000 };

static slotq_outcome refuse(const redis_address *address, int system_errno, store_fault *fault)
{
    const char *remedy = "is the server running, and the URL right?";
    if (address->is_unix) {
        const bool may_have_login = strpbrk(address->host, "@:#" URL_LOGIN_MARKS) != NULL;
        fault_system(fault, system_errno, "cannot connect to the socket %.300s (%s)",
                     may_have_login ? "of the URL" : address->host, remedy);
    } else {
        fault_system(fault, system_errno, "cannot connect to %.256s port %u (%s)", address->host,
                     address->port, remedy);
    }
    return fault_away(fault);
}

/* Returns 0, or the errno of the failed call. */
static int finish_connecting(int socket_fd, uint32_t timeout_ms)
{
    struct pollfd waited = {.fd = socket_fd, .events = POLLOUT};
    const uint64_t end_ms = monotonic_ms() + timeout_ms;
    uint64_t left_ms = timeout_ms;
    int ready = poll(&waited, 1, (int)left_ms);
    while (ready < 0 && errno == EINTR) {
        const uint64_t now_ms = monotonic_ms();
        left_ms = now_ms < end_ms ? end_ms - now_ms : 0;
        ready = poll(&waited, 1, (int)left_ms);
    }
    if (ready <= 0) {
        return ready == 0 ? ETIMEDOUT : errno;
    }
    int failed = 0;
    socklen_t size = sizeof failed;
    return getsockopt(socket_fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
}

static void set_options(int socket_fd, bool is_unix, uint32_t timeout_ms)
{
    const int on = 1;
    const int idle_s = KEEPALIVE_IDLE_S;
    const int every_s = KEEPALIVE_EVERY_S;
    const int times = KEEPALIVE_TIMES;
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
    (void)setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (!is_unix) { /* keepalive finds a dead server even while we only listen */
        (void)setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(socket_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        (void)setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
        (void)setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
        (void)setsockopt(socket_fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
    }
}

/* Returns 0, EINPROGRESS, or the errno of the failed call. A unix socket returns EAGAIN while the
 * backlog of a busy server is full; that passes, so it is tried again until the timeout. */
static int begin_connecting(int socket_fd, const struct sockaddr *place, socklen_t size,
                            uint32_t timeout_ms)
{
    const uint64_t end_ms = monotonic_ms() + timeout_ms;
    for (;;) {
        const int failed = connect(socket_fd, place, size) == 0 ? 0 : errno;
        if (failed != EAGAIN || place->sa_family != AF_UNIX) {
            return failed;
        }
        if (monotonic_ms() >= end_ms) {
            return ETIMEDOUT;
        }
        sleep_us(jittered(FULL_PAUSE_US));
    }
}

/* Tries one address. Returns 0, or the errno. */
static int try_place(int family, const struct sockaddr *place, socklen_t size,
                     uint32_t connect_timeout_ms, int *socket_fd)
{
    const int made = descriptor_lift(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (made < 0) {
        return errno;
    }
    int failed = begin_connecting(made, place, size, connect_timeout_ms);
    if (failed == EINPROGRESS || failed == EINTR) {
        failed = finish_connecting(made, connect_timeout_ms);
    }
    const int flags = failed == 0 ? fcntl(made, F_GETFL) : -1;
    if (failed == 0 && (flags < 0 || fcntl(made, F_SETFL, flags & ~O_NONBLOCK) < 0)) {
        failed = errno;
    }
    if (failed != 0) {
        (void)close(made);
        return failed;
    }
    *socket_fd = made;
    return 0;
}

static slotq_outcome dial_unix(const redis_address *address, uint32_t connect_timeout_ms,
                               int *socket_fd, store_fault *fault)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    memcpy(place.sun_path, address->host, strlen(address->host) + 1); /* it fits: see address.c */
    const int failed = try_place(AF_UNIX, (const struct sockaddr *)&place, sizeof place,
                                 connect_timeout_ms, socket_fd);
    return failed == 0 ? SLOTQ_OK : refuse(address, failed, fault);
}

static slotq_outcome dial_network(const redis_address *address, uint32_t connect_timeout_ms,
                                  int *socket_fd, store_fault *fault)
{
    struct addrinfo *places = NULL;
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    (void)snprintf(port, sizeof port, "%u", address->port);
    const int unknown = getaddrinfo(address->host, port, &wanted, &places);
    if (unknown != 0) {
        fault_say(fault, SLOTQ_CONNECT, "cannot find the host %.256s: %s", address->host,
                  gai_strerror(unknown));
        return fault_away(fault);
    }
    int failed = EADDRNOTAVAIL;
    for (const struct addrinfo *at = places; at != NULL && failed != 0; at = at->ai_next) {
        failed =
            try_place(at->ai_family, at->ai_addr, at->ai_addrlen, connect_timeout_ms, socket_fd);
    }
    freeaddrinfo(places);
    return failed == 0 ? SLOTQ_OK : refuse(address, failed, fault);
}

slotq_outcome redis_dial(const redis_address *address, uint32_t connect_timeout_ms,
                         uint32_t timeout_ms, int *socket_fd, store_fault *fault)
{
    const slotq_outcome outcome = address->is_unix
                                      ? dial_unix(address, connect_timeout_ms, socket_fd, fault)
                                      : dial_network(address, connect_timeout_ms, socket_fd, fault);
    if (outcome == SLOTQ_OK) {
        set_options(*socket_fd, address->is_unix, timeout_ms);
    }
    return outcome;
}
