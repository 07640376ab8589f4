/* growth.c: plays each verb on one message at a time, GROUP calls between two looks at the clock,
 * among a given number of other messages that only wait. Knows slotq_core.h alone.
 */
#include "growth.h"
#include "cycle/cycle.h"
#include "../support/sure.h"
#include "../support/samples.h"
#include "slotq_core.h"

#include <stdlib.h>
#include <string.h>

/* GROUP is what a ring of 16 slots can hold besides a filling. */
enum { GROUP = 8, LAPS = 300, WARM_LAPS = 20 };

const char *const growth_verb_names[GROWTH_VERBS] = {
    "push",   "reserve", "extend", "nack",   "reserve again", "release",
    "status", "peek",    "stats",  "remove", "kill",          "ack",
};

const char *const growth_fill_names[GROWTH_FILLS] = {"empty", "half full", "full"};

typedef struct field {
    uint8_t *bytes;
    slotq_view view;
    slotq_step step;
    uint64_t now_ms;
    slotq_run leased[GROUP];
    samples ns[GROWTH_VERBS];
    double clock_ns;
} field;

static slotq_outcome run(field *own, slotq_call *call)
{
    return slotq_core_run(own->bytes, &own->view, call, &own->step);
}

static void push_one(field *own, uint32_t at)
{
    slotq_call call;
    (void)at;
    slotq_core_begin(&call, SLOTQ_PUSH, own->now_ms);
    call.push = (slotq_call_push){.messages = cycle_payloads(), .count = 1};
    bench_ok(run(own, &call), "push");
}

static void reserve_one(field *own, uint32_t at)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_RESERVE, own->now_ms);
    call.reserve = (slotq_call_reserve){
        .lease_ms = CYCLE_LEASE_MS, .limit = 1, .runs = &own->leased[at], .run_capacity = 1};
    bench_ok(run(own, &call), "reserve");
}

static void settle_one(field *own, uint32_t at, slotq_verb verb, uint64_t ms)
{
    slotq_call call;
    uint32_t token = own->leased[at].token;
    slotq_core_begin(&call, verb, own->now_ms);
    call.settle = (slotq_call_settle){.runs = &own->leased[at],
                                      .run_count = 1,
                                      .ms = ms,
                                      .tokens = verb == SLOTQ_EXTEND ? &token : NULL};
    bench_ok(run(own, &call), "settle");
    own->leased[at].token = token;
}

static void extend_one(field *own, uint32_t at)
{
    settle_one(own, at, SLOTQ_EXTEND, CYCLE_LEASE_MS);
}

static void nack_one(field *own, uint32_t at)
{
    settle_one(own, at, SLOTQ_NACK, 0);
}

static void release_one(field *own, uint32_t at)
{
    settle_one(own, at, SLOTQ_RELEASE, 0);
}

static void kill_one(field *own, uint32_t at)
{
    settle_one(own, at, SLOTQ_KILL, 0);
}

static void ack_one(field *own, uint32_t at)
{
    settle_one(own, at, SLOTQ_ACK, 0);
}

static void status_one(field *own, uint32_t at)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_STATUS, own->now_ms);
    call.status.id = own->leased[at].id;
    call.status.group = 0;
    bench_ok(run(own, &call), "status");
}

static void peek_one(field *own, uint32_t at)
{
    slotq_item item;
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_PEEK, own->now_ms);
    call.look = (slotq_call_look){.from = own->leased[at].id, .items = &item, .capacity = 1};
    bench_ok(run(own, &call), "peek");
}

static void stats_one(field *own, uint32_t at)
{
    slotq_call call;
    (void)at;
    slotq_core_begin(&call, SLOTQ_STATS, own->now_ms);
    call.stats.group = 0;
    bench_ok(run(own, &call), "stats");
}

static void remove_one(field *own, uint32_t at)
{
    slotq_call call;
    slotq_core_begin(&call, SLOTQ_REMOVE, own->now_ms);
    call.remove = (slotq_call_remove){.id = own->leased[at].id};
    bench_ok(run(own, &call), "remove");
}

static void (*const play_one[GROWTH_VERBS])(field *own, uint32_t at) = {
    push_one,   reserve_one, extend_one, nack_one,   reserve_one, release_one,
    status_one, peek_one,    stats_one,  remove_one, kill_one,    ack_one,
};

static void play(field *own, growth_verb verb)
{
    const uint64_t start = clock_ns();
    for (uint32_t at = 0; at < GROUP; at++) {
        play_one[verb](own, at);
    }
    const double spent_ns = (double)(clock_ns() - start) - own->clock_ns;
    samples_add(&own->ns[verb], spent_ns / GROUP);
}

/* The oldest messages go, so that the ring turns and every verb meets every place of it. */
static void play_lap(field *own)
{
    static const growth_verb order[] = {
        GROWTH_PUSH,    GROWTH_RESERVE, GROWTH_STATUS,  GROWTH_PEEK,
        GROWTH_STATS,   GROWTH_EXTEND,  GROWTH_NACK,    GROWTH_RESERVE_AGAIN,
        GROWTH_RELEASE, GROWTH_REMOVE,  GROWTH_PUSH,    GROWTH_RESERVE,
        GROWTH_KILL,    GROWTH_PUSH,    GROWTH_RESERVE, GROWTH_ACK,
    };
    for (uint32_t i = 0; i < sizeof order / sizeof *order; i++) {
        play(own, order[i]);
    }
    own->now_ms += 10;
}

static uint32_t filling(uint16_t ring_slots, growth_fill fill)
{
    const uint32_t most = ring_slots - 1u - GROUP;
    return fill == GROWTH_EMPTY ? 0 : fill == GROWTH_HALF ? most / 2 : most;
}

static void prepare(field *own, uint16_t ring_slots, growth_fill fill)
{
    slotq_geometry geometry = cycle_geometry;
    slotq_damage damage;
    geometry.ring_slots = ring_slots;
    geometry.flags = SLOTQ_FLAG_DEAD_OVERWRITE;
    const uint32_t size = slotq_core_image_bytes(&geometry, NULL);
    own->bytes = calloc(1, size);
    bench_need(own->bytes != NULL, "calloc");
    bench_ok(slotq_core_create(own->bytes, size, &geometry), "slotq_core_create");
    bench_ok(slotq_core_open(&own->view, own->bytes, size, &damage), "slotq_core_open");
    own->now_ms = UINT64_C(1700000000000);
    own->clock_ns = clock_cost_ns();
    for (uint32_t i = filling(ring_slots, fill); i > 0; i--) {
        push_one(own, 0);
    }
}

void growth_measure(uint16_t ring_slots, growth_fill fill, double ns[GROWTH_VERBS])
{
    field *own = calloc(1, sizeof *own);
    bench_need(own != NULL, "calloc");
    prepare(own, ring_slots, fill);
    for (uint32_t lap = 0; lap < WARM_LAPS + LAPS; lap++) {
        play_lap(own);
        if (lap + 1 == WARM_LAPS) {
            for (uint32_t verb = 0; verb < GROWTH_VERBS; verb++) {
                own->ns[verb].count = 0;
            }
        }
    }
    for (uint32_t verb = 0; verb < GROWTH_VERBS; verb++) {
        const double median = samples_median(&own->ns[verb]);
        ns[verb] = median > 0 ? median : 0;
        samples_free(&own->ns[verb]);
    }
    free(own->bytes);
    free(own);
}
