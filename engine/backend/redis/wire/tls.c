/* tls.c: see tls.h. Bytes go through a BIO that never blocks and never raises SIGPIPE; waiting is
 * done here. OpenSSL holds what it has read ahead: wait and peek look there first.
 */
#define _GNU_SOURCE
#include "tls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "../../system/monotonic.h"
#include "tls_session.h"

static tls_session *session_of(const redis_transport *transport)
{
    return transport->state;
}

/* ---- the socket below ---- */

static bool comes_later(int system_errno)
{
    return system_errno == EAGAIN || system_errno == EWOULDBLOCK || system_errno == EINTR;
}

static int note_result(tls_session *session, ssize_t moved)
{
    session->io_errno = moved < 0 ? errno : 0;
    return moved < 0 ? -1 : (int)moved;
}

static int bio_read(BIO *bio, char *bytes, int room)
{
    tls_session *session = BIO_get_data(bio);
    const int got = note_result(session, recv(session->fd, bytes, (size_t)room, MSG_DONTWAIT));
    BIO_clear_retry_flags(bio);
    if (got < 0 && comes_later(session->io_errno)) {
        BIO_set_retry_read(bio);
    }
    return got;
}

static int bio_write(BIO *bio, const char *bytes, int count)
{
    tls_session *session = BIO_get_data(bio);
    const int put =
        note_result(session, send(session->fd, bytes, (size_t)count, MSG_NOSIGNAL | MSG_DONTWAIT));
    BIO_clear_retry_flags(bio);
    if (put < 0 && comes_later(session->io_errno)) {
        BIO_set_retry_write(bio);
    }
    return put;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static bool make_bio(tls_session *session)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "slotq socket");
    session->method = method;
    if (method == NULL || BIO_meth_set_read(method, bio_read) != 1 ||
        BIO_meth_set_write(method, bio_write) != 1 || BIO_meth_set_ctrl(method, bio_control) != 1) {
        return false;
    }
    BIO *bio = BIO_new(method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->ssl, bio, bio);
    return true;
}

/* ---- one step of the session ---- */

/* What must come before the same call is made again; or that it is over. */
typedef enum tls_turn { TURN_READABLE, TURN_WRITABLE, TURN_CLOSED, TURN_BROKEN } tls_turn;

static tls_turn broken_by(tls_session *session, int system_errno)
{
    session->is_broken = true;
    errno = system_errno;
    return TURN_BROKEN;
}

/* After a call that returned result, which was no success. TURN_BROKEN: errno is set. */
static tls_turn turn_after(tls_session *session, int result)
{
    const unsigned long what = ERR_peek_error();
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TURN_READABLE;
    case SSL_ERROR_WANT_WRITE:
        return TURN_WRITABLE;
    case SSL_ERROR_ZERO_RETURN:
        return TURN_CLOSED;
    case SSL_ERROR_SYSCALL:
        (void)broken_by(session, session->io_errno);
        return session->io_errno == 0 ? TURN_CLOSED : TURN_BROKEN;
    default:
        if (ERR_GET_LIB(what) == ERR_LIB_SSL &&
            ERR_GET_REASON(what) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            session->is_broken = true; /* replies have lengths: a missing farewell hides nothing */
            return TURN_CLOSED;
        }
        tls_verdict_note(session, what);
        return broken_by(session, EPROTO);
    }
}

/* Up to a record, without waiting. */
static tls_turn read_step(tls_session *session, void *bytes, size_t room, size_t *got)
{
    *got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(session->ssl, bytes, room, got);
    const tls_turn turn = result == 1 ? TURN_READABLE : turn_after(session, result);
    session->read_waits_to_write = turn == TURN_WRITABLE;
    return turn;
}

/* 1 = ready, 0 = not within the time, -1 = errno. */
static int poll_for(int fd, int events, uint64_t timeout_ms, int bell_fd)
{
    struct pollfd waited[2] = {{.fd = fd, .events = (short)events},
                               {.fd = bell_fd, .events = POLLIN}}; /* below 0 it is left out */
    const int found = poll(waited, 2, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
    return found > 0 ? waited[0].revents != 0 : found;
}

/* ---- the transport ---- */

static ssize_t tls_read(redis_transport *self, void *bytes, size_t room, bool may_wait)
{
    tls_session *session = session_of(self);
    size_t got;
    for (;;) {
        const tls_turn turn = read_step(session, bytes, room, &got);
        if (got > 0) {
            return (ssize_t)got;
        }
        if (turn == TURN_CLOSED || turn == TURN_BROKEN) {
            return turn == TURN_CLOSED ? 0 : -1;
        }
        if (!may_wait) {
            errno = EAGAIN;
            return -1;
        }
        const int events = turn == TURN_WRITABLE ? POLLOUT : POLLIN;
        const int ready = poll_for(self->fd, events, session->timeout_ms, -1);
        if (ready <= 0) {
            errno = ready == 0 ? EAGAIN : errno;
            return -1;
        }
    }
}

static redis_sight tls_peek(redis_transport *self)
{
    tls_session *session = session_of(self);
    char byte;
    size_t seen;
    ERR_clear_error();
    const int result = SSL_peek_ex(session->ssl, &byte, 1, &seen);
    if (result == 1) {
        return REDIS_SIGHT_BYTES;
    }
    const tls_turn turn = turn_after(session, result);
    session->read_waits_to_write = turn == TURN_WRITABLE;
    return turn == TURN_READABLE || turn == TURN_WRITABLE ? REDIS_SIGHT_NOTHING : REDIS_SIGHT_END;
}

static ssize_t tls_write(redis_transport *self, const void *bytes, size_t count)
{
    tls_session *session = session_of(self);
    size_t put = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(session->ssl, bytes, count, &put);
    const tls_turn turn = result == 1 ? TURN_WRITABLE : turn_after(session, result);
    session->write_waits_to_read = turn == TURN_READABLE;
    if (result == 1) {
        return (ssize_t)put;
    }
    const bool is_over = turn == TURN_CLOSED || turn == TURN_BROKEN;
    const int failed = turn == TURN_CLOSED ? EPIPE : errno;
    if (is_over && session->why[0] == '\0') {
        (void)tls_peek(self); /* the server may have said why, before it closed */
    }
    errno = !is_over ? EAGAIN : session->why[0] != '\0' ? EPROTO : failed;
    return -1;
}

/* Part of a record may be held: that is nothing to read yet. */
static bool holds_bytes(redis_transport *self)
{
    const tls_session *session = session_of(self);
    return SSL_pending(session->ssl) > 0 ||
           (SSL_has_pending(session->ssl) == 1 && tls_peek(self) != REDIS_SIGHT_NOTHING);
}

static int tls_wait(redis_transport *self, uint32_t wanted, uint64_t timeout_ms, int bell_fd)
{
    const tls_session *session = session_of(self);
    int events = 0;
    if ((wanted & REDIS_READABLE) != 0) {
        if (holds_bytes(self)) {
            return 1;
        }
        events |= session->read_waits_to_write ? POLLOUT : POLLIN;
    }
    if ((wanted & REDIS_WRITABLE) != 0) {
        events |= session->write_waits_to_read ? POLLIN : POLLOUT;
    }
    return poll_for(self->fd, events, timeout_ms, bell_fd);
}

static const char *tls_why(redis_transport *self)
{
    const tls_session *session = session_of(self);
    return session->why[0] == '\0' ? NULL : session->why;
}

/* A child of a fork shares the session: it may close its descriptor and nothing else. */
static void say_farewell(const tls_session *session)
{
    if (!session->is_broken && session->maker == getpid() && SSL_is_init_finished(session->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(session->ssl);
        ERR_clear_error();
    }
}

static void free_session(tls_session *session)
{
    SSL_free(session->ssl);
    SSL_CTX_free(session->context);
    BIO_meth_free(session->method);
    free(session);
}

static void tls_close(redis_transport *self)
{
    tls_session *session = session_of(self);
    if (session->fd >= 0) {
        say_farewell(session);
        (void)close(session->fd);
    }
    free_session(session);
    self->ops = NULL;
    self->state = NULL;
    self->fd = -1;
}

/* ---- beginning ---- */

static const redis_transport_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .peek = tls_peek,
    .wait = tls_wait,
    .close = tls_close,
    .why = tls_why,
};

/* Only names are asked for by SNI: numbers are not allowed there. */
static slotq_outcome expect_server(tls_session *session, const redis_address *address,
                                   store_fault *fault)
{
    const redis_tls *tls = &address->tls;
    const char *name = tls->server_name[0] == '\0' ? address->host : tls->server_name;
    const bool is_number = strchr(name, ':') != NULL || strspn(name, "0123456789.") == strlen(name);
    const bool fits = strlen(name) < REDIS_NAME_BYTES;
    SSL_set_app_data(session->ssl, session);
    if (fits && !is_number && SSL_set_tlsext_host_name(session->ssl, name) != 1) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for TLS");
    }
    if (!fits || (!tls->insecure && !tls_verdict_expect(session, name))) {
        return fault_say(fault, SLOTQ_INVALID,
                         "TLS: %.256s is not a host name or number that a certificate could have",
                         name);
    }
    return SLOTQ_OK;
}

slotq_outcome redis_tls_make(const redis_address *address, uint32_t timeout_ms,
                             redis_transport *transport, store_fault *fault)
{
    tls_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for TLS");
    }
    session->fd = -1;
    session->timeout_ms = timeout_ms;
    session->maker = getpid();
    slotq_outcome outcome = tls_context_make(&address->tls, &session->context, fault);
    if (outcome == SLOTQ_OK) {
        session->ssl = SSL_new(session->context);
        outcome = session->ssl != NULL && make_bio(session)
                      ? expect_server(session, address, fault)
                      : fault_say(fault, SLOTQ_NOMEMORY, "no memory for TLS");
    }
    if (outcome != SLOTQ_OK) {
        free_session(session);
        return outcome;
    }
    transport->ops = &tls_ops;
    transport->state = session;
    transport->fd = -1;
    return SLOTQ_OK;
}

static slotq_outcome refuse_socket(const redis_address *address, int system_errno,
                                   store_fault *fault)
{
    static const char hint[] = "does the server speak TLS on this port?";
    if (system_errno == 0) {
        fault_say(fault, SLOTQ_CONNECT,
                  "%.256s port %u closed the connection in the TLS handshake: %s", address->host,
                  address->port, hint);
    } else {
        fault_system(fault, system_errno, "no TLS with %.256s port %u (%s)", address->host,
                     address->port, hint);
    }
    return fault_away(fault);
}

slotq_outcome redis_tls_start(redis_transport *transport, const redis_address *address,
                              int socket_fd, uint32_t within_ms, store_fault *fault)
{
    tls_session *session = session_of(transport);
    const uint64_t end_ms = monotonic_ms() + within_ms;
    transport->fd = session->fd = socket_fd;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_connect(session->ssl);
        if (result == 1) {
            return SLOTQ_OK;
        }
        const unsigned long what = ERR_peek_error();
        const tls_turn turn = turn_after(session, result);
        if (turn == TURN_CLOSED || (turn == TURN_BROKEN && errno != EPROTO)) {
            return refuse_socket(address, turn == TURN_CLOSED ? 0 : errno, fault);
        }
        if (turn == TURN_BROKEN) {
            return tls_verdict_tell(session, address, what, fault);
        }
        const uint64_t now_ms = monotonic_ms();
        const int events = turn == TURN_WRITABLE ? POLLOUT : POLLIN;
        const int ready = now_ms < end_ms ? poll_for(socket_fd, events, end_ms - now_ms, -1) : 0;
        if (ready == 0) {
            return refuse_socket(address, ETIMEDOUT, fault);
        }
        if (ready < 0 && errno != EINTR) {
            return refuse_socket(address, errno, fault);
        }
    }
}
