/* address.h: where a Redis server is, which user logs in and how it is encrypted, out of a URL and
 * the caller's options. Knows how URLs are written; no socket, no file, no command.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_ADDRESS_H
#define SLOTQ_BACKEND_REDIS_WIRE_ADDRESS_H

#include "../../../slotq_redis.h"
#include "../../../slotq_redis_tls.h"
#include "../../fault.h"

enum {
    REDIS_HOST_BYTES = 512,
    REDIS_USER_BYTES = 256,
    REDIS_PASSWORD_BYTES = 1024,
    REDIS_FILE_BYTES = 512,
    REDIS_NAME_BYTES = 256,
    REDIS_PORT_DEFAULT = 6379,
    REDIS_DATABASE_MAX = 1000000,
    REDIS_TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000
};

/* How connections are encrypted: true of all servers of one deployment, so it is copied to another
 * host as it is. "" = not given. */
typedef struct redis_tls {
    char ca_file[REDIS_FILE_BYTES];
    char ca_dir[REDIS_FILE_BYTES];
    char cert[REDIS_FILE_BYTES];
    char key[REDIS_FILE_BYTES];
    char server_name[REDIS_NAME_BYTES]; /* asked for and verified; "" = the host */
    bool use;                           /* false: not encrypted, and nothing else is given */
    bool insecure;                      /* nothing is verified */
} redis_tls;

typedef struct redis_address {
    char host[REDIS_HOST_BYTES];         /* a name or number, or the path of a unix socket */
    char user[REDIS_USER_BYTES];         /* "" = the default user */
    char password[REDIS_PASSWORD_BYTES]; /* "" = none: not logged in */
    uint32_t database;
    uint32_t connect_timeout_ms; /* 0 = the URL names none; the next too */
    uint32_t timeout_ms;
    uint32_t functions; /* a slotq_functions */
    uint16_t port;
    bool is_unix;
    bool no_module;
    bool replica; /* what only reads may read from a replica */
    redis_tls tls;
} redis_address;

/* redis://[user:password@]host[:port][/db][?…] or unix:///path[?db=n&user=…&password=…], both with
 * connect_timeout_ms, timeout_ms, replica, functions and module; parts percent-encoded, IPv6 in [].
 * rediss:// takes ca_file, ca_dir, cert, key, sni and insecure too. Without a password that of the
 * environment's REDISCLI_AUTH is taken. OK, INVALID; the text never has a password. */
slotq_outcome redis_address_parse(const char *url, redis_address *address, store_fault *fault);

/* The same, with the TLS settings of options (may be NULL) where the URL has none. */
slotq_outcome redis_address_of(const char *url, const slotq_options *options,
                               redis_address *address, store_fault *fault);

/* Percent-decode length bytes into out. false: too long, an invalid %XX, or a NUL. */
bool redis_address_decode(const char *from, size_t length, char *out, size_t out_bytes);

/* They have one host and port, or one socket, whatever user and database. */
bool redis_address_is_same_server(const redis_address *one, const redis_address *other);

#endif
