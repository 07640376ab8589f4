/* memory.c: see memory.h.
 */
#include "memory.h"
#include "../core/cycle/cycle.h"
#include "../support/sure.h"

#include <stdio.h>

static uint64_t usage(connection *wire, const char *key)
{
    char line[64];
    snprintf(line, sizeof line, "MEMORY USAGE %s SAMPLES 0", key);
    redisReply *reply = wire_ask(wire, line);
    bench_need(reply->type == REDIS_REPLY_INTEGER, "MEMORY USAGE");
    const uint64_t bytes = (uint64_t)reply->integer;
    freeReplyObject(reply);
    return bytes;
}

static void push_all(const subject *which, connection *wire, uint32_t messages)
{
    for (uint32_t done = 0; done < messages; done += MEMORY_BATCH) {
        wire_skip(wire, which->push(wire, MEMORY_BATCH));
    }
}

static void take_all(const subject *which, connection *wire, uint32_t messages)
{
    for (uint32_t done = 0; done < messages; done += MEMORY_BATCH) {
        wire_skip(wire, which->take(wire, MEMORY_BATCH));
    }
}

/* MEMORY USAGE would guess: of what is pending it tells four times what is taken. */
static uint64_t used(connection *wire)
{
    return (uint64_t)wire_info(wire, "memory", "used_memory");
}

void memory_measure(connection *wire, uint32_t messages, memory_figures *figures)
{
    slotq_geometry geometry = cycle_geometry;
    char words[64];
    geometry.ring_slots = (uint16_t)(messages + 1);
    figures->messages = messages;
    figures->formula = slotq_geometry_bytes(&geometry, NULL);
    wire_do(wire, "DEL " SUBJECT_QUEUE_KEY);
    snprintf(words, sizeof words, "%u %u %u %u %u %u %u %u", geometry.ring_slots,
             geometry.payload_bytes, geometry.later_slots, geometry.dead_slots, geometry.groups,
             geometry.flags, geometry.max_attempts, geometry.tick_ms);
    subject_call(wire, "create", words);
    wire_skip(wire, 1);
    figures->fresh = usage(wire, SUBJECT_QUEUE_KEY);
    push_all(&subject_packed, wire, messages);
    figures->ready = usage(wire, SUBJECT_QUEUE_KEY);
    take_all(&subject_packed, wire, messages);
    figures->leased = usage(wire, SUBJECT_QUEUE_KEY);
    subject_streams.reset(wire);
    const uint64_t nothing = used(wire);
    push_all(&subject_streams, wire, messages);
    figures->stream_ready = used(wire) - nothing;
    take_all(&subject_streams, wire, messages);
    figures->stream_pending = used(wire) - nothing;
    subject_streams.reset(wire);
}
