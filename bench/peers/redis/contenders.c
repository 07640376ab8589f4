/* contenders.c: the contenders inside Redis and their settings. Knows their commands; the files
 * beside it measure.
 */
#include "redis.h"
#include "latency/latency.h"
#include "../../redis/library.h"
#include "../../support/sure.h"

#include <stdio.h>

enum { SHAPE_MESSAGES_LEAST = 4096, VERSION_LEAST = 7 };

static connection shared;
static uint32_t users;

const char *redis_open(const contender *self)
{
    const char *socket_path = contender_redis_socket();
    if (socket_path == NULL) {
        return "redis-server is not installed";
    }
    if (shared.context == NULL) {
        wire_open(&shared, socket_path);
    }
    if (wire_info(&shared, "server", "redis_version") < VERSION_LEAST) {
        return "this redis-server is older than 7.0";
    }
    users++;
    if (redis_own_of(self)->subject->load != NULL) {
        redis_own_of(self)->subject->load(&shared);
    }
    return NULL;
}

void redis_close(const contender *self)
{
    (void)self;
    if (--users == 0) {
        cycle_library_close();
        wire_close(&shared);
    }
}

connection *redis_wire_to_shared(void)
{
    bench_need(users > 0, "working in Redis before it is opened");
    return &shared;
}

void redis_connect(connection *wire, const char *socket_path, const subject *which)
{
    wire_open(wire, socket_path);
    if (which->load != NULL) {
        which->load(wire);
    }
}

void redis_clear(connection *wire, const subject *which)
{
    char words[256];
    snprintf(words, sizeof words, "DEL %s", which->keys);
    wire_do(wire, words);
}

void redis_shape(uint32_t payload_bytes, uint32_t messages)
{
    subject_shape_set(payload_bytes,
                      messages > SHAPE_MESSAGES_LEAST ? messages : SHAPE_MESSAGES_LEAST);
}

/* One batch at a time: each call is a round trip. */
static stretch cycle_any(const cycle_task *task, connection *wire)
{
    return task->in_flight == 1 ? cycle_trips(task, wire) : cycle_window(task, wire);
}

/* ---- the contenders ---- */

#define RAW_RUNS(which, latency)                                                                   \
    {                                                                                              \
        &(which), push_window, take_window, cycle_any, latency                                     \
    }
#define IN_REDIS .open = redis_open, .close = redis_close, .cycle = redis_cycle, .wire = redis_wire
/* Each in a separate server. */
#define ALONE .weigh = redis_weigh, .grow = redis_grow, .fill = redis_fill, .recover = redis_recover

static const redis_own slotq_own = RAW_RUNS(subject_packed, NULL);
const contender contender_slotq = {
    .settings =
        "push_packed, reserve_packed and settle_packed by EVALSHA; one batch per call; "
        "pipelined over hiredis; a ring for the messages of the run, created before it; one "
        "group; no push times; 16 dead slots; ticks of 100 ms; recovery: reserves every "
        "millisecond; as mailboxes: overwrite, no dead slots",
    IN_REDIS,
    ALONE,
    .mailboxes = redis_mailboxes_slotq,
    .own = &slotq_own,
};

static stretch library_cycle(const cycle_task *task, connection *wire)
{
    return task->in_flight == 1 ? library_push_next(task, wire) : library_pipeline(task, wire);
}

static const redis_own library_own = {&subject_packed, library_push, library_take, library_cycle,
                                      &latency_slotq};
const contender contender_slotq_library = {
    .settings = "the same through slotq_redis.h: slotq_pipeline; where each call is a round trip, "
                "slotq_push and slotq_next; slotq_next waits",
    IN_REDIS,
    .latency = redis_latency,
    .own = &library_own,
};

static const redis_own streams_own = RAW_RUNS(subject_streams, &latency_streams);
const contender contender_streams = {
    .settings =
        "one XADD per message; XREADGROUP COUNT batch; one XACK per batch; pipelined over "
        "hiredis; not trimmed during a run, deleted between runs; waiting: XREADGROUP BLOCK "
        "after the XACK; as mailboxes: XADD MAXLEN = and stream-node-max-bytes 1536; "
        "recovery: XAUTOCLAIM COUNT 256",
    IN_REDIS,
    .latency = redis_latency,
    ALONE,
    .mailboxes = redis_mailboxes_streams,
    .own = &streams_own,
};

static const redis_own list_own = RAW_RUNS(subject_list, &latency_lists);
const contender contender_list = {
    .settings =
        "LPUSH of the batch; one LMOVE per message to the worker's own list; one LREM (count "
        "1) per message, in the order of the LMOVEs; pipelined over hiredis; waiting: BLMOVE "
        "after the LREMs; as mailboxes: LTRIM after LPUSH; recovery: another worker is told "
        "that the first is dead and empties its list by LMOVE",
    IN_REDIS,
    .latency = redis_latency,
    ALONE,
    .mailboxes = redis_mailboxes_list,
    .own = &list_own,
};

static const redis_own leases_own = RAW_RUNS(subject_leases, &latency_leases);
const contender contender_leases = {
    .settings =
        "our own Lua: ids in a list, leases in a sorted set, payloads in one hash; one script "
        "per batch by EVALSHA; pipelined over hiredis; waiting: BLPOP on a list that each "
        "push fills; recovery: a script returns 256 expired messages to the list, then they "
        "are reserved",
    IN_REDIS,
    .latency = redis_latency,
    ALONE,
    .own = &leases_own,
};

/* ---- bounds ---- */

static const redis_own strings_own = RAW_RUNS(subject_strings, NULL);
const contender contender_strings = {
    .settings =
        "a bound: SETRANGE and GETRANGE of the batch's bytes, and SETRANGE of 8 bytes for the "
        "ack",
    IN_REDIS,
    .own = &strings_own,
};

static const redis_own ping_own = RAW_RUNS(subject_ping, &latency_ping);
const contender contender_ping = {
    .settings = "a bound: one PING for each push, reserve and ack of a batch",
    IN_REDIS,
    .latency = redis_latency,
    .own = &ping_own,
};
