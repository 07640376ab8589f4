/* wire.c: see wire.h. We read while we send: a server that waits for us to read its
 * answers would else wait for ever while we wait for it to read our commands.
 */
#include "wire.h"
#include "../../support/sure.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16, PATIENCE_S = 120 };

/* ---- connecting ---- */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(descriptor >= 0 && strlen(path) < sizeof address.sun_path, "socket");
    memcpy(address.sun_path, path, strlen(path));
    bench_need(connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0, path);
    return descriptor;
}

static int connect_loopback(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const int yes = 1;
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_need(descriptor >= 0, "socket");
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench_need(connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0, port);
    bench_need(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0, "nodelay");
    return descriptor;
}

/* ---- buffers ---- */

/* Room for so many more bytes at the end; what was done with is forgotten. */
static void make_room(line_buffer *buffer, size_t more)
{
    if (buffer->begin == buffer->end) {
        buffer->begin = 0;
        buffer->end = 0;
    }
    if (buffer->end + more <= buffer->room) {
        return;
    }
    memmove(buffer->bytes, buffer->bytes + buffer->begin, buffer->end - buffer->begin);
    buffer->end -= buffer->begin;
    buffer->begin = 0;
    if (buffer->end + more > buffer->room) {
        buffer->room = 2 * (buffer->end + more);
        char *bytes = realloc(buffer->bytes, buffer->room);
        bench_need(bytes != NULL, "realloc");
        buffer->bytes = bytes;
    }
}

/* ---- opening and closing ---- */

void line_wire_open(line_wire *self, const char *where)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    *self = (line_wire){.socket = where[0] == '/' ? connect_unix(where) : connect_loopback(where)};
    bench_need(setsockopt(self->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0,
               "a socket's patience");
    make_room(&self->in, READ_BYTES);
    make_room(&self->out, READ_BYTES);
}

void line_wire_close(line_wire *self)
{
    close(self->socket);
    free(self->out.bytes);
    free(self->in.bytes);
    *self = (line_wire){.socket = -1};
}

/* ---- sending and receiving ---- */

/* What the socket takes now. */
static void send_some(line_wire *self)
{
    const ssize_t count = send(self->socket, self->out.bytes + self->out.begin,
                               self->out.end - self->out.begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    bench_need(count >= 0 || errno == EAGAIN || errno == EINTR, "sending");
    if (count > 0) {
        self->out.begin += (size_t)count;
        self->sent_bytes += (uint64_t)count;
    }
}

static bool has_to_send(const line_wire *self)
{
    return self->out.begin < self->out.end;
}

/* What the socket has; waits until it has something. */
static void receive_some(line_wire *self)
{
    make_room(&self->in, READ_BYTES);
    if (self->nap_us > 0) {
        usleep(self->nap_us);
    }
    const ssize_t count = recv(self->socket, self->in.bytes + self->in.end, READ_BYTES, 0);
    bench_need(count >= 0 || errno == EINTR, "an answer, which did not come,");
    bench_need(count != 0, "a connection, which the server has closed,");
    if (count > 0) {
        self->in.end += (size_t)count;
        self->received_bytes += (uint64_t)count;
    }
}

/* Whichever of the two is possible first. */
static void send_or_receive(line_wire *self)
{
    struct pollfd look = {.fd = self->socket, .events = POLLIN | POLLOUT};
    const int ready = poll(&look, 1, PATIENCE_S * 1000);
    bench_need(ready > 0 || (ready < 0 && errno == EINTR), "an answer, which did not come,");
    if ((look.revents & POLLOUT) != 0) {
        send_some(self);
    }
    if ((look.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        receive_some(self);
    }
}

void line_wire_flush(line_wire *self)
{
    if (has_to_send(self)) {
        send_some(self);
    }
    while (has_to_send(self)) {
        send_or_receive(self);
    }
}

/* What comes while sending may be enough. */
static void receive_more(line_wire *self)
{
    const size_t there = self->in.end - self->in.begin;
    line_wire_flush(self);
    if (self->in.end - self->in.begin == there) {
        receive_some(self);
    }
}

void line_wire_append(line_wire *self, const void *bytes, size_t length)
{
    make_room(&self->out, length);
    memcpy(self->out.bytes + self->out.end, bytes, length);
    self->out.end += length;
}

void line_wire_append_text(line_wire *self, const char *text)
{
    line_wire_append(self, text, strlen(text));
}

void line_wire_append_number(line_wire *self, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    line_wire_append(self, digits + at, sizeof digits - at);
}

/* ---- reading ---- */

bool line_wire_await(line_wire *self, uint32_t wait_ms)
{
    if (self->in.begin == self->in.end) {
        line_wire_flush(self);
    }
    if (self->in.begin < self->in.end) {
        return true;
    }
    struct pollfd look = {.fd = self->socket, .events = POLLIN};
    return poll(&look, 1, (int)wait_ms) > 0;
}

char *line_wire_line(line_wire *self)
{
    size_t looked = 0;
    for (;;) {
        char *begin = self->in.bytes + self->in.begin;
        const size_t there = self->in.end - self->in.begin;
        char *end = there > looked ? memchr(begin + looked, '\n', there - looked) : NULL;
        if (end != NULL) {
            bench_need(end > begin && end[-1] == '\r', "a line that ends in CR LF");
            end[-1] = '\0';
            self->in.begin += (size_t)(end + 1 - begin);
            return begin;
        }
        looked = there;
        receive_more(self);
    }
}

const uint8_t *line_wire_body(line_wire *self, size_t length)
{
    while (self->in.end - self->in.begin < length + 2) {
        receive_more(self);
    }
    const char *begin = self->in.bytes + self->in.begin;
    bench_need(begin[length] == '\r' && begin[length + 1] == '\n', "a body that ends in CR LF");
    self->in.begin += length + 2;
    return (const uint8_t *)begin;
}

uint64_t line_number(const char **text)
{
    const char *at = *text;
    uint64_t number = 0;
    bench_need(*at >= '0' && *at <= '9', "reading a number");
    while (*at >= '0' && *at <= '9') {
        number = 10 * number + (uint64_t)(*at++ - '0');
    }
    *text = at;
    return number;
}

const char *line_after(const char *text, const char *beginning)
{
    const size_t length = strlen(beginning);
    return strncmp(text, beginning, length) == 0 ? text + length : NULL;
}

void line_need(const char *line, const char *wanted)
{
    if (strcmp(line, wanted) != 0) {
        fprintf(stderr, "bench: expected %s, but the server replied: %s\n", wanted, line);
        exit(1);
    }
}
