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

void memory_measure(connection *wire, uint32_t messages, memory_figures *figures)
{
    slotq_geometry geometry = cycle_geometry;
    char words[96];
    geometry.ring_slots = (uint16_t)(messages + 1);
    figures->messages = messages;
    figures->formula = slotq_geometry_bytes(&geometry, NULL);
    wire_do(wire, "DEL " SUBJECT_QUEUE_KEY);
    snprintf(words, sizeof words, "%u %u %u %u %u %u %u %u 0 0 0 1", geometry.ring_slots,
             geometry.payload_bytes, geometry.later_slots, geometry.dead_slots, geometry.groups,
             geometry.flags, geometry.max_attempts, geometry.tick_ms);
    subject_call(wire, "create", words);
    wire_skip(wire, 1);
    figures->fresh = usage(wire, SUBJECT_QUEUE_KEY);
    for (uint32_t done = 0; done < messages; done += MEMORY_BATCH) {
        wire_skip(wire, subject_packed.push(wire, MEMORY_BATCH));
    }
    figures->ready = usage(wire, SUBJECT_QUEUE_KEY);
    for (uint32_t done = 0; done < messages; done += MEMORY_BATCH) {
        wire_skip(wire, subject_packed.take(wire, MEMORY_BATCH));
    }
    figures->leased = usage(wire, SUBJECT_QUEUE_KEY);
}
