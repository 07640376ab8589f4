/* server.h: what a server says of itself and of a key when it is met, and whether a queue is safe
 * there. Knows commands that any Redis has; no script.
 */
#ifndef SLOTQ_BACKEND_REDIS_SERVER_H
#define SLOTQ_BACKEND_REDIS_SERVER_H

#include "../../layout/fields.h"
#include "../../slotq_core.h"
#include "wire/connection.h"

enum { REDIS_WORD_BYTES = 32 };

/* What was found out; what the server would not tell is "" or false. */
typedef struct redis_facts {
    char version[REDIS_WORD_BYTES];
    char role[REDIS_WORD_BYTES];
    char policy[REDIS_WORD_BYTES];
    char mode[REDIS_WORD_BYTES];     /* "standalone", "cluster", "sentinel" */
    char key_type[REDIS_WORD_BYTES]; /* "none", "string" … */
    bool redis7;                     /* it takes scripts with a shebang, or may */
    bool no_scripts;
    char module_version[REDIS_WORD_BYTES];
    uint64_t module_scripts; /* a bit for each script that the module has with our words */
    int64_t ttl_ms;          /* -1 = none, -2 = no key, or not told */
    int64_t server_ahead_ms; /* its clock less ours */
    uint64_t key_bytes;
    uint32_t front_bytes;
    _Alignas(8) uint8_t front[FRONT_BYTES_MAX]; /* of the key, zeros behind */
} redis_facts;

/* Log in, choose the database, and ask all of it in one round trip. The connection is open; a
 * borrowed one is not logged in again. OK, CONNECT, IO … */
slotq_outcome redis_server_greet(redis_connection *connection, const char *key, size_t key_bytes,
                                 redis_facts *facts, store_fault *fault);

typedef struct redis_demands {
    bool force;      /* an eviction policy is put up with */
    bool only_reads; /* a replica will do, and so will what may be evicted */
    bool no_functions; /* without scripts it cannot be used */
    bool no_module;    /* nor does the module stand in for them */
    bool was_open;   /* and lost its connection: a time to live since then is put up with */
} redis_demands;

/* OK, or UNSUPPORTED with the remedy. */
slotq_outcome redis_server_judge(const redis_facts *facts, const redis_demands *demands,
                                 store_fault *fault);

/* The key as a queue: OK and the view (bytes NULL), NOQUEUE, CORRUPT, VERSION. name is for texts.
 */
slotq_outcome redis_server_open_key(const redis_facts *facts, const char *name, slotq_view *view,
                                    store_fault *fault);

/* The key's bytes begin as those of a queue do, sound or not. */
bool redis_server_saw_slotq(const redis_facts *facts);

/* The nodes of the cluster that this server is one of, and which serve this slot, in *map. OK,
 * UNSUPPORTED (the server does not tell: the user may not ask), CONNECT, IO. */
slotq_outcome redis_server_ask_nodes(redis_connection *connection, uint32_t slot, redis_nodes *map,
                                     store_fault *fault);

/* Read a reply and drop it. false: the connection broke. */
bool redis_server_skip(redis_connection *connection, store_fault *fault);

/* One command and its reply, to be freed, after ASKING where the connection is so; an error reply
 * is a reply. Where the connection breaks:
 * CONNECT when the server cannot have got the command, else OUTCOME_UNKNOWN when it writes, IO when
 * not. */
slotq_outcome redis_server_ask(redis_connection *connection, bool writes, int count,
                               const char **arguments, const size_t *lengths, redisReply **reply,
                               store_fault *fault);

#endif
