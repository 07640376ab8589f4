/* server.h: what the module uses of the interface that the server publishes for modules. Written
 * from its documentation; the functions are asked for by name when the module is loaded, so that
 * one file serves Redis 6.2 to 8 and Valkey. Knows no queue.
 */
#ifndef SLOTQ_MODULE_SERVER_H
#define SLOTQ_MODULE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the server; the module sees pointers only. */
typedef struct server_context server_context;
typedef struct server_string server_string;
typedef struct server_key server_key;
typedef struct server_command server_command;
typedef struct server_command_info server_command_info;
typedef struct server_client server_client; /* that is blocked */
typedef struct server_dict server_dict;

/* What functions of the server return, and what a command returns. */
enum { SERVER_OK = 0, SERVER_ERR = 1 };

enum {
    SERVER_INTERFACE = 1, /* the version of the interface that the module asks for */
    SERVER_READ = 1,      /* how a key is opened */
    SERVER_WRITE = 2,
    SERVER_KEY_EMPTY = 0, /* what a key holds */
    SERVER_KEY_STRING = 1,
    SERVER_NOTIFY_GENERIC = 4,
    SERVER_NOTIFY_EXPIRED = 256,
    SERVER_NOTIFY_EVICTED = 512,
    SERVER_MAY_NOT_BLOCK = 1 | 2 | 1 << 21, /* in a script, in a transaction, or told so */
    SERVER_NOTIFY_STRING = 8,               /* the class of keyspace events of strings */
    SERVER_NOTIFY_LIST = 16,
    SERVER_NOTIFY_SET = 32,
    SERVER_NOTIFY_ZSET = 128,
    SERVER_EVENT_FLUSH = 2,
    SERVER_EVENT_SWAP = 11,
    SERVER_FLUSH_END = 1, /* of FLUSHALL and FLUSHDB: the keys are gone */
    SERVER_EVENT_VERSION = 1,
    SERVER_SIGNALS_ITSELF = 2, /* option: opening a key for writing is not yet a change */
    SERVER_LENGTH_LATER = -1   /* of an array whose length follows its items */
};

typedef int (*server_handler)(server_context *context, server_string **words, int count);
typedef void (*server_free)(server_context *context, void *data);
typedef int (*server_observer)(server_context *context, int type, const char *event,
                               server_string *key);

/* What happens in a server, other than to a key. */
typedef struct server_event {
    uint64_t id;
    uint64_t version;
} server_event;

typedef void (*server_listener)(server_context *context, server_event event, uint64_t part,
                                void *data);

/* The functions: all that are NEEDED, and of the others those that this server has. */
typedef struct server_functions {
#define SERVER_FUNCTION(need, type, name, parameters) type(*name) parameters;
#include "server.def"
#undef SERVER_FUNCTION
} server_functions;

extern server_functions server;

/* Fill `server`. False: a function that is NEEDED is missing, and the module cannot run there. */
bool server_connect(server_context *context);

#endif
