/* connection.h: one connection to a Redis server: own or borrowed, commands out, replies in, by
 * hiredis's formatting and reader on a transport. Knows no command and no kind of transport.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_CONNECTION_H
#define SLOTQ_BACKEND_REDIS_WIRE_CONNECTION_H

#include <hiredis/hiredis.h>

#include "../../system/forked.h"
#include "address.h"
#include "cluster.h"
#include "outbox.h"
#include "transport.h"

typedef struct redis_connection {
    redis_address address; /* of an own one */
    redisContext *context; /* NULL = not connected; its reader is used, and its err */
    redis_transport transport;
    fork_mark mark; /* of an own one: a child of a fork must not use it too */
    bool borrowed;  /* the context is the caller's: never closed, never made again */
    bool lent;      /* the caller has the own context: closed only when this is freed */
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms;                 /* longest silence of the server */
    redis_outbox outbox;                 /* commands on their way */
    uint8_t *in;                         /* what one read takes */
    bool heard;                          /* a byte of the server, since it was opened */
    uint64_t used_ms;                    /* monotonic: when the server last said something */
    redisReplyObjectFunctions functions; /* hiredis's own, with a bound on arrays */
    redisReplyObjectFunctions *original;
    size_t elements_left; /* of the reply that is being read */
    redis_redirect redirect; /* the newest that a reply was since it was opened, and where to */
    redis_node redirected_to;
    bool reads_replica; /* READONLY follows the login: a replica then serves what only reads */
    bool asking; /* set by its route: ASKING goes before each command of a key */
} redis_connection;

/* Connect an own one: a socket only, nothing is said yet. OK, CONNECT, NOMEMORY. */
slotq_outcome redis_connection_open(redis_connection *connection, store_fault *fault);

/* Use the caller's. OK, UNSUPPORTED (TLS), CONNECT (it is broken), NOMEMORY. */
slotq_outcome redis_connection_borrow(redis_connection *connection, redisContext *context,
                                      store_fault *fault);

/* Have a reader make no more room than a reply is worth, whatever the server says will come. */
void redis_connection_bound(redis_connection *connection, redisReader *reader);

/* Let go of the socket; a context that the caller has too is told that it is of no use any more.
 */
void redis_connection_drop(redis_connection *connection, const char *why);

/* An own connection, with its address and times, gets another place: from is not connected then,
 * but keeps its address. What `to` had is freed. No reply is awaited. */
void redis_connection_hand_over(redis_connection *to, redis_connection *from);

/* Drop it and free what it has. */
void redis_connection_free(redis_connection *connection);

/* There is none, the server closed it, it said something unasked, or this process is a child of
 * the one that made it (which then keeps it for itself). Dropped where it is of no use for good. */
bool redis_connection_is_stale(redis_connection *connection);

/* Drop it where it is a parent's. */
bool redis_connection_is_inherited(redis_connection *connection);

/* Send what the system takes now of the outbox, where it is worth a call: the server begins while
 * more is put. Whatever goes wrong is told by the next send. */
void redis_connection_start(redis_connection *connection);

/* Send all of the outbox. false: it broke, was dropped, and fault says why; the server cannot have
 * got a command of which not all bytes are among those sent. */
bool redis_connection_send(redis_connection *connection, store_fault *fault);

/* The next reply, to be freed; waits for it at most timeout_ms and extra_ms. false: it broke and
 * was dropped, and fault says why. */
bool redis_connection_next(redis_connection *connection, uint32_t extra_ms, redisReply **reply,
                           store_fault *fault);

/* Wait up to sleep_ms, or until a signal or until bell_fd (-1 = none) is readable, for a reply
 * without a request; *reply is NULL where none
 * came: then nothing is held inside the transport, and the descriptor may be polled. */
bool redis_connection_listen(redis_connection *connection, uint64_t sleep_ms, int bell_fd,
                             redisReply **reply, store_fault *fault);

#endif
