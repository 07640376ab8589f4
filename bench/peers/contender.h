/* contender.h: what the bench compares: slotq, its peers, and bounds such as bare SETRANGE, behind
 * one table of functions. Knows what is asked of them; no family, no figure's meaning.
 *
 * Each function answers for one stretch of work and leaves the queue empty. A contender that cannot
 * do a thing has NULL there and is left out of that family. What goes wrong ends the bench
 * (../support/sure.h): no figure stands for work that was not done.
 */
#ifndef SLOTQ_BENCH_CONTENDER_H
#define SLOTQ_BENCH_CONTENDER_H

#include "../support/samples.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LOAD_PAYLOAD_LEAST = 16,
    LOAD_PAYLOAD_MOST = 1024,
    LOAD_BATCH_MOST = 1024,
    LOAD_IN_FLIGHT_MOST = 8
};

/* Closed load, one client. */
typedef struct load {
    uint32_t payload_bytes; /* LOAD_PAYLOAD_LEAST to LOAD_PAYLOAD_MOST */
    uint32_t batch;         /* messages per call (or per pipeline, where a call has one) */
    uint32_t in_flight;     /* batches on their way at once; 1: each call is a round trip */
    uint32_t messages;      /* in the stretch: a multiple of batch * in_flight */
} load;

/* Nanoseconds per message. */
typedef struct cycle_times {
    double push_ns;  /* pushing all, into an empty queue */
    double take_ns;  /* then taking and finishing all, batch after batch */
    double cycle_ns; /* push, take, finish of each batch, on a queue with nothing else in it */
} cycle_times;

/* Open load by ../support/pace.h: one sender, payloads of 32 bytes with the stamp in front;
 * consumers take, look at the stamp, finish. Each does so the best way it has: pushed or waiting,
 * several per call if they are there. */
typedef struct open_load {
    double rate_per_s;
    uint32_t consumers; /* 1 or 8, each on a separate connection */
    uint64_t messages;
} open_load;

/* Bytes per message: payload, keys, indexes, allocator. */
typedef struct weight {
    double ready_bytes;
    double leased_bytes; /* < 0: there is no such state */
} weight;

/* Bytes per mailbox: a queue that holds the 25 newest messages of 32 bytes. */
typedef struct mailbox_weight {
    double empty_bytes;
    double ready_bytes;  /* full, and some were overwritten */
    double leased_bytes; /* all of them taken */
} mailbox_weight;

/* One message per call, one call per round trip, at a length with a share leased. Server times are
 * the server's own for one command, < 0 where it does not tell. */
typedef struct growth_times {
    double push_ns;
    double take_ns;
    double finish_ns;
    double server_p999_us;
    double server_most_us;
} growth_times;

/* A server at its memory limit, with messages ready and leased. */
typedef struct full_answers {
    bool pushes;   /* accepts a message, given that the queue has room by its own rules */
    bool takes;    /* hands out a message that is there */
    bool finishes; /* one that was leased before can be finished */
} full_answers;

/* A dead worker's messages: from the moment its leases have run out. */
typedef struct recovery_times {
    double first_ms;       /* until the first is handed out again; periodic checks of the peer
                            * count, at the interval in its settings */
    double all_ms;         /* until all are */
    double server_most_us; /* longest command of the server meanwhile; < 0: not told */
} recovery_times;

/* Bytes per message of one full cycle. */
typedef struct wire_bytes {
    double sent;     /* to the server */
    double received; /* from it */
    double disk;     /* append-only file, binlog, store; < 0: none */
} wire_bytes;

typedef struct contender contender;
struct contender {
    const char *settings; /* what is called and how it is set up: versions where they are known */

    /* NULL: ready. Else why it is not here, for people: "node is not on this machine". */
    const char *(*open)(const contender *self);
    void (*close)(const contender *self);
    /* The largest batch that it takes in a call, 0 = any; larger ones are left out. */
    uint32_t batch_most;

    void (*cycle)(const contender *self, const load *how, cycle_times *times);
    /* Adds ns from due to taken, of the messages behind the first tenth. */
    void (*latency)(const contender *self, const open_load *how, samples *ns);
    void (*weigh)(const contender *self, uint32_t messages, uint32_t payload_bytes, weight *bytes);
    void (*mailboxes)(const contender *self, uint32_t count, mailbox_weight *bytes);
    void (*grow)(const contender *self, uint32_t length, uint32_t leased_percent,
                 growth_times *times);
    void (*fill)(const contender *self, full_answers *answers);
    void (*recover)(const contender *self, uint32_t messages, recovery_times *times);
    void (*wire)(const contender *self, const load *how, wire_bytes *bytes);
    const void *own; /* the contender's alone */
};

/* A row of contenders.def, which tells its columns. */
typedef struct contender_row {
    const char *name; /* in tables; no comma in it: "Streams" */
    const char *role;
    bool embedded; /* no server between: cycle is compared in family embedded */
    const char *server;
    const char *beside;
    const char *also;
    const char *colour;
    const char *about;
    const char *lacks;
    const contender *calls;
} contender_row;

/* All there are, in the order of tables. */
extern const contender_row contenders[];
extern const uint32_t contenders_count;

/* The redis-server that all contenders in Redis share in a run; started by the first call. NULL:
 * redis-server is not installed. */
const char *contender_redis_socket(void);

/* The folder of the results, whose disk is measured where files are. */
extern const char *contender_folder;

#endif
