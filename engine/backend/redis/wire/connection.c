/* connection.c: see connection.h. The sizes in a reply come from the server. So an array's length
 * and depth are limited before hiredis allocates it, and so are all unread bytes.
 */
#define _GNU_SOURCE
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../system/monotonic.h"
#include "dial.h"
#include "plain_socket.h"
#include "tls.h"

enum {
    READ_BYTES = 64 * 1024,
    WORTH_SENDING_BYTES = 8 * 1024,
    KEEPS_BYTES = 1024 * 1024,            /* hiredis frees a larger empty buffer */
    ELEMENTS_MAX = 1 << 20,               /* of one reply; those of a script have far fewer */
    NESTED_MAX = 32,                      /* arrays around an array: freeing them recurses */
    UNREAD_BYTES_MAX = 600 * 1024 * 1024, /* the largest reply is a whole image */
    STALE_AFTER_MS = 200                  /* no check this soon after a reply */
};

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

/* ---- open and close ---- */

/* hiredis would allocate as many elements as the server announces. */
static void *bounded_array(const redisReadTask *task, element_count elements)
{
    redis_connection *connection = task->privdata;
    const long long wanted = (long long)elements;
    uint32_t depth = 0;
    if (task->parent == NULL) { /* a reply begins, whether the library or its caller reads it */
        connection->elements_left = ELEMENTS_MAX;
    }
    for (const redisReadTask *at = task->parent; at != NULL && depth <= NESTED_MAX;
         at = at->parent) {
        depth++;
    }
    if (depth > NESTED_MAX || wanted < 0 ||
        (unsigned long long)wanted > connection->elements_left) {
        return NULL;
    }
    connection->elements_left -= (size_t)wanted;
    return connection->original->createArray(task, elements);
}

void redis_connection_bound(redis_connection *connection, redisReader *reader)
{
    connection->original = reader->fn;
    connection->functions = *reader->fn;
    connection->functions.createArray = bounded_array;
    reader->fn = &connection->functions;
    reader->privdata = connection;
    reader->maxbuf = KEEPS_BYTES;
}

static bool have_in(redis_connection *connection, store_fault *fault)
{
    if (connection->in == NULL) {
        connection->in = malloc(READ_BYTES);
    }
    if (connection->in == NULL) {
        fault_say(fault, SLOTQ_NOMEMORY, "no memory for a connection");
    }
    return connection->in != NULL;
}

/* A transport to the address, connected. */
static slotq_outcome reach(redis_connection *connection, store_fault *fault)
{
    const redis_address *address = &connection->address;
    redis_transport *transport = &connection->transport;
    const uint64_t end_ms = monotonic_ms() + connection->connect_timeout_ms;
    int socket_fd = -1;
    slotq_outcome outcome = SLOTQ_OK;
    if (address->tls.use) {
        outcome = redis_tls_make(address, connection->timeout_ms, transport, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = redis_dial(address, connection->connect_timeout_ms, connection->timeout_ms,
                         &socket_fd, fault);
    if (outcome == SLOTQ_OK && !address->tls.use) {
        *transport = redis_plain_socket(socket_fd);
    } else if (outcome == SLOTQ_OK) {
        const uint64_t now_ms = monotonic_ms();
        const uint64_t left_ms = now_ms < end_ms ? end_ms - now_ms : 0;
        outcome = redis_tls_start(transport, address, socket_fd, (uint32_t)left_ms, fault);
    }
    if (outcome != SLOTQ_OK && address->tls.use) {
        transport->ops->close(transport);
    }
    return outcome;
}

slotq_outcome redis_connection_open(redis_connection *connection, store_fault *fault)
{
    redis_outbox_clear(&connection->outbox);
    if (!have_in(connection, fault)) {
        return SLOTQ_NOMEMORY;
    }
    const slotq_outcome outcome = reach(connection, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    redis_transport *transport = &connection->transport;
    connection->context = redisConnectFd(transport->fd);
    if (connection->context == NULL) {
        transport->ops->close(transport);
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a connection");
    }
    if (connection->address.tls.use) { /* hiredis would write to it what must be encrypted */
        connection->context->fd = -1;
    }
    redis_connection_bound(connection, connection->context->reader);
    fork_mark_make(&connection->mark);
    connection->used_ms = monotonic_ms();
    connection->redirect = REDIS_REDIRECT_NONE;
    connection->heard = false;
    return SLOTQ_OK;
}

/* The connection that made this context, if it is one of ours. */
static const redis_connection *lender_of(const redisContext *context)
{
    const redisReader *reader = context->reader;
    return reader->fn->createArray == bounded_array ? reader->privdata : NULL;
}

slotq_outcome redis_connection_borrow(redis_connection *connection, redisContext *context,
                                      store_fault *fault)
{
#if HIREDIS_MAJOR >= 1
    if (context->privctx != NULL) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "slotq cannot use a connection with TLS: pass one without");
    }
#endif
    if (context->err != 0) {
        return fault_say(fault, SLOTQ_CONNECT, "the connection is broken: pass another one");
    }
    connection->borrowed = true;
    connection->context = context;
    const redis_connection *lender = lender_of(context);
    const bool is_encrypted = lender != NULL && lender->address.tls.use;
    connection->transport = is_encrypted ? lender->transport : redis_plain_socket(context->fd);
    connection->used_ms = monotonic_ms();
    return have_in(connection, fault) ? SLOTQ_OK : SLOTQ_NOMEMORY;
}

void redis_connection_drop(redis_connection *connection, const char *why)
{
    redisContext *context = connection->context;
    if (context != NULL && !connection->borrowed && !connection->lent) {
        connection->context = NULL;
        const int fd = redisFreeKeepFd(context);
        connection->transport.fd = fd >= 0 ? fd : connection->transport.fd;
        connection->transport.ops->close(&connection->transport);
        fork_mark_drop(&connection->mark);
    } else if (context != NULL && context->err == 0) {
        context->err = REDIS_ERR_IO; /* hiredis refuses it from now on */
        (void)snprintf(context->errstr, sizeof context->errstr, "%s", why);
    }
}

void redis_connection_free(redis_connection *connection)
{
    connection->lent = false;
    if (!connection->borrowed) {
        redis_connection_drop(connection, "");
    }
    redis_outbox_free(&connection->outbox);
    free(connection->in);
    connection->context = NULL;
    connection->in = NULL;
}

void redis_connection_hand_over(redis_connection *to, redis_connection *from)
{
    redis_connection_free(to);
    *to = *from;
    if (to->context != NULL) { /* the reader asks its connection how large an array may be */
        to->context->reader->fn = &to->functions;
        to->context->reader->privdata = to;
    }
    from->context = NULL;
    from->in = NULL;
    memset(&from->outbox, 0, sizeof from->outbox);
    memset(&from->transport, 0, sizeof from->transport);
    memset(&from->mark, 0, sizeof from->mark);
}

bool redis_connection_is_inherited(redis_connection *connection)
{
    if (connection->context == NULL || !fork_mark_is_inherited(&connection->mark)) {
        return false;
    }
    redis_connection_drop(connection, "it belongs to the parent process");
    return true;
}

bool redis_connection_is_stale(redis_connection *connection)
{
    redis_transport *transport = &connection->transport;
    if (redis_connection_is_inherited(connection) || connection->context == NULL ||
        connection->context->err != 0) {
        return true;
    }
    if (connection->context->fd >= 0) { /* its owner may have reconnected a borrowed one */
        transport->fd = connection->context->fd;
    }
    if (monotonic_ms() - connection->used_ms < STALE_AFTER_MS) {
        return false;
    }
    const redis_sight sight = transport->ops->peek(transport);
    if (sight == REDIS_SIGHT_END) { /* otherwise a reply was left unread; that is repaired */
        redis_connection_drop(connection, "the server closed the connection");
    }
    return sight != REDIS_SIGHT_NOTHING;
}

/* ---- failing ---- */

/* What the transport knows besides the number of the error. */
static const char *reason_of(redis_connection *connection, int system_errno)
{
    redis_transport *transport = &connection->transport;
    const bool may_know = system_errno == EPROTO && transport->ops->why != NULL;
    return may_know ? transport->ops->why(transport) : NULL;
}

static bool fail(redis_connection *connection, int system_errno, const char *what,
                 store_fault *fault)
{
    const char *reason = reason_of(connection, system_errno);
    const redis_address *address = &connection->address;
    if (!connection->heard && !connection->borrowed && !address->is_unix && !address->tls.use) {
        reason = "it ended before the first reply. If the server speaks TLS on this port, use "
                 "rediss:// (or valkeys://)";
    }
    if (reason != NULL) {
        fault_say(fault, SLOTQ_IO, "%s: %s", what, reason);
    } else if (system_errno != 0) {
        fault_system(fault, system_errno, "%s", what);
    } else {
        fault_say(fault, SLOTQ_IO, "%s", what);
    }
    redis_connection_drop(connection, what);
    return false;
}

static bool fail_silent(redis_connection *connection, store_fault *fault)
{
    fault_say(fault, SLOTQ_IO, "the server did not reply within %lu ms (timeout_ms)",
              (unsigned long)connection->timeout_ms);
    redis_connection_drop(connection, "the server did not reply in time");
    return false;
}

/* ---- in and out ---- */

/* 1: the socket can be read or written as wanted; 0: not within the time; -1: see errno. */
static int wait_for(redis_connection *connection, uint32_t wanted, uint64_t timeout_ms)
{
    redis_transport *transport = &connection->transport;
    const uint64_t end_ms = monotonic_ms() + timeout_ms;
    uint64_t left_ms = timeout_ms;
    for (;;) {
        const int ready = transport->ops->wait(transport, wanted, left_ms, -1);
        if (ready >= 0 || errno != EINTR) {
            return ready;
        }
        const uint64_t now_ms = monotonic_ms();
        left_ms = now_ms < end_ms ? end_ms - now_ms : 0;
    }
}

static ssize_t read_bytes(redis_connection *connection, bool may_wait)
{
    redis_transport *transport = &connection->transport;
    return transport->ops->read(transport, connection->in, READ_BYTES, may_wait);
}

/* Replies do not begin so; an alert of TLS does, which is how a server that speaks TLS takes a
 * plain command. */
static bool is_alert(const uint8_t *bytes, size_t count)
{
    return count >= 2 && bytes[0] == 0x15 && bytes[1] == 0x03;
}

/* Gives the bytes that arrived to the reader. Without may_wait there may be none. */
static bool read_some(redis_connection *connection, bool may_wait, store_fault *fault)
{
    redisReader *reader = connection->context->reader;
    ssize_t got = read_bytes(connection, may_wait);
    if (got < 0 && errno == EINTR) { /* a second blocking read would restart the timeout */
        if (may_wait && wait_for(connection, REDIS_READABLE, connection->timeout_ms) == 0) {
            return fail_silent(connection, fault);
        }
        may_wait = false;
        got = read_bytes(connection, false);
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return may_wait ? fail_silent(connection, fault) : true;
    }
    if (got < 0) {
        return fail(connection, errno, "the connection to the server broke", fault);
    }
    if (got == 0) {
        return fail(connection, 0, "the server closed the connection", fault);
    }
    connection->heard = true;
    if (reader->pos == reader->len && is_alert(connection->in, (size_t)got)) {
        return fail(connection, 0,
                    "the server speaks TLS on this port: use rediss:// (or valkeys://)", fault);
    }
    if (redisReaderFeed(reader, (const char *)connection->in, (size_t)got) != REDIS_OK ||
        reader->len - reader->pos > UNREAD_BYTES_MAX) {
        return fail(connection, 0, "the server's reply is too large: is it a Redis server?", fault);
    }
    return true;
}

static ssize_t write_some(redis_connection *connection)
{
    redis_transport *transport = &connection->transport;
    redis_outbox *outbox = &connection->outbox;
    const ssize_t put = transport->ops->write(transport, outbox->bytes + outbox->sent,
                                              outbox->count - outbox->sent);
    outbox->sent += put > 0 ? (size_t)put : 0;
    return put;
}

void redis_connection_start(redis_connection *connection)
{
    if (connection->outbox.count - connection->outbox.sent >= WORTH_SENDING_BYTES) {
        (void)write_some(connection);
    }
}

bool redis_connection_send(redis_connection *connection, store_fault *fault)
{
    while (connection->outbox.sent < connection->outbox.count) {
        if (write_some(connection) >= 0 || errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return fail(connection, errno, "the connection to the server broke", fault);
        }
        /* the server may not read on until we have read its replies */
        const int ready =
            wait_for(connection, REDIS_READABLE | REDIS_WRITABLE, connection->timeout_ms);
        if (ready == 0) {
            return fail_silent(connection, fault);
        }
        if (!read_some(connection, false, fault)) {
            return false;
        }
    }
    return true;
}

/* *reply: the next reply if all of it has arrived, otherwise NULL. */
static bool take_reply(redis_connection *connection, redisReply **reply, store_fault *fault)
{
    void *parsed = NULL;
    *reply = NULL;
    if (redisReaderGetReply(connection->context->reader, &parsed) != REDIS_OK) {
        return fail(connection, 0, "the reply is not in the Redis protocol: is it a Redis server?",
                    fault);
    }
    *reply = parsed;
    return true;
}

static void note_redirect(redis_connection *connection, const redisReply *reply)
{
    redis_node node;
    const redis_redirect found = redis_redirect_read(reply->str, reply->len, &node);
    if (found != REDIS_REDIRECT_NONE) {
        connection->redirect = found;
        connection->redirected_to = node;
    }
}

bool redis_connection_next(redis_connection *connection, uint32_t extra_ms, redisReply **reply,
                           store_fault *fault)
{
    const uint64_t timeout_ms = (uint64_t)connection->timeout_ms + extra_ms;
    for (;;) {
        if (!take_reply(connection, reply, fault)) {
            return false;
        }
        if (*reply != NULL) {
            connection->used_ms = monotonic_ms();
            if ((*reply)->type == REDIS_REPLY_ERROR && (*reply)->str != NULL) {
                note_redirect(connection, *reply);
            }
            return true;
        }
        /* our own socket has a timeout, which saves the poll */
        if (connection->borrowed || extra_ms > 0) {
            const int ready = wait_for(connection, REDIS_READABLE, timeout_ms);
            if (ready == 0) {
                return fail_silent(connection, fault);
            }
        }
        if (!read_some(connection, !connection->borrowed, fault)) {
            return false;
        }
    }
}

bool redis_connection_listen(redis_connection *connection, uint64_t sleep_ms, int bell_fd,
                             redisReply **reply, store_fault *fault)
{
    redis_transport *transport = &connection->transport;
    if (!take_reply(connection, reply, fault)) {
        return false;
    }
    while (*reply == NULL) {
        if (transport->ops->wait(transport, REDIS_READABLE, sleep_ms, bell_fd) <= 0) {
            return true; /* also after a signal */
        }
        if (!read_some(connection, false, fault) || !take_reply(connection, reply, fault)) {
            return false;
        }
        sleep_ms = 0; /* only for the rest of a reply that has begun */
    }
    return true;
}
