/* request.h: a call of a verb as the arguments of its script. Knows what each script takes
 * (lua/README.md) and how slots and runs are packed; no connection, no reply.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_REQUEST_H
#define SLOTQ_BACKEND_REDIS_CALL_REQUEST_H

#include "../../../slotq_core.h"
#include "../../backend.h"

/* What holds for every call on one queue. */
typedef struct redis_terms {
    const slotq_view *view; /* bytes NULL */
    const char *key;
    size_t key_bytes;
    const uint8_t *geometry; /* REDIS_GEOMETRY_BYTES, as the handle read them: a queue with others
                                refuses the call. NULL = the call does not say */
    bool own_clock;          /* calls bring the time that counts; else the server's does */
    int64_t server_ahead_ms; /* the server's clock less ours */
    bool hears;              /* the handle is subscribed to its place: a waiting call registers */
    int32_t place;           /* the handle's, where it has one */
    uint32_t rows;           /* in which that may be set, a bit each */
} redis_terms;

enum { REDIS_BEFORE_KEY = 3 }; /* EVALSHA, the sum, the number of keys */
enum { REDIS_NUMBERS_MAX = 16, REDIS_NUMBER_BYTES = 24, REDIS_GEOMETRY_BYTES = 36 };

/* A command, borrowing from the call, the terms and itself until it is built anew. */
typedef struct redis_request {
    uint32_t script;        /* redis_script_index */
    const char *key_count;  /* "1"; "2" of a move */
    const char **arguments; /* EVALSHA, the sum, the number of keys, key, now, … */
    size_t *lengths;
    uint32_t from; /* the first that is sent: a command of the module is one word */
    uint32_t count;
    uint32_t room;
    uint8_t *packed; /* slots of a push, runs of a settle */
    size_t packed_room;
    uint32_t number_count;
    char numbers[REDIS_NUMBERS_MAX][REDIS_NUMBER_BYTES];
    char now[REDIS_GEOMETRY_BYTES + REDIS_NUMBER_BYTES]; /* geometry and time, one argument */
} redis_request;

/* Build it; the caller puts in what stands before the key. OK, or what is known without asking:
 * INVALID, TOOBIG, NOMEMORY. */
slotq_outcome redis_request_build(redis_request *request, const redis_terms *terms,
                                  const slotq_call *call);

/* The bit of a row of places: a group's, or that of room for pushes. */
uint32_t redis_row_bit(const slotq_view *view, const slotq_call *call);

/* A call that registers at the handle's place if it finds nothing; one that gives the place up. */
bool redis_call_registers(const redis_terms *terms, const slotq_call *call);
bool redis_call_leaves(const redis_terms *terms, const slotq_call *call);

/* The script unwait, for the lowest of some rows. OK or NOMEMORY. */
slotq_outcome redis_request_unwait(redis_request *request, const redis_terms *terms, uint32_t rows,
                                   int32_t place);

/* The scripts nudge, hush and unwait (SHARDS.md, rules 41, 45, 46), which have no call. */
typedef struct redis_bell_call {
    uint32_t script;    /* redis_script_index */
    slotq_nudge nudge;  /* nudge; hush: its counter */
    int32_t shard;      /* nudge: or below 0, a round */
    uint32_t rows;      /* unwait: the lowest of these */
    int32_t place;      /* unwait */
    uint32_t told;      /* out, nudge */
    bool yes;           /* out: nudge: others may sleep; hush: the counter is the same; unwait: the
                           place was set */
} redis_bell_call;

/* OK or NOMEMORY. */
slotq_outcome redis_request_bell(redis_request *request, const redis_terms *terms,
                                 const redis_bell_call *call);

/* The script move, which has no call: from the queue of the terms into another one on the server.
 * OK, NOMEMORY, or TOOBIG with target_refused. */
slotq_outcome redis_request_move(redis_request *request, const redis_terms *terms,
                                 const redis_terms *target, store_move *move);

/* The script create, which has no call. */
slotq_outcome redis_request_create(redis_request *request, const redis_terms *terms,
                                   const slotq_geometry *geometry);

/* The script change: a descriptor of a sharded queue from its first bytes, or none, to the next
 * one, or none. The script delete: a shard. OK or NOMEMORY. */
slotq_outcome redis_request_change(redis_request *request, const redis_terms *terms,
                                   slotq_data old_head, slotq_data next);
slotq_outcome redis_request_delete(redis_request *request, const redis_terms *terms, uint32_t set,
                                   uint16_t shard, bool if_finished);

void redis_request_free(redis_request *request);

#endif
