/* address.h: where a Redis server is and which user logs in, out of a URL. Knows how URLs are
 * written; no socket, no command.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_ADDRESS_H
#define SLOTQ_BACKEND_REDIS_WIRE_ADDRESS_H

#include "../../fault.h"

enum {
    REDIS_HOST_BYTES = 512,
    REDIS_USER_BYTES = 256,
    REDIS_PASSWORD_BYTES = 1024,
    REDIS_PORT_DEFAULT = 6379,
    REDIS_DATABASE_MAX = 1000000,
    REDIS_TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000
};

typedef struct redis_address {
    char host[REDIS_HOST_BYTES];         /* a name or number, or the path of a unix socket */
    char user[REDIS_USER_BYTES];         /* "" = the default user */
    char password[REDIS_PASSWORD_BYTES]; /* "" = none: not logged in */
    uint32_t database;
    uint32_t connect_timeout_ms; /* 0 = the URL names none; the next too */
    uint32_t timeout_ms;
    uint16_t port;
    bool is_unix;
} redis_address;

/* redis://[user:password@]host[:port][/db][?…] or unix:///path[?db=n&user=…&password=…], both with
 * connect_timeout_ms and timeout_ms; parts percent-encoded, IPv6 in []. Without a password that
 * of the environment's REDISCLI_AUTH is taken. OK, INVALID; the text never has a password. */
slotq_outcome redis_address_parse(const char *url, redis_address *address, store_fault *fault);

/* They have one host and port, or one socket, whatever user and database. */
bool redis_address_is_same_server(const redis_address *one, const redis_address *other);

#endif
