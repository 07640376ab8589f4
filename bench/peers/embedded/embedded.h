/* embedded.h: the walks of contenders that have no server between, over the few verbs in which
 * slotq and SQLite differ. Knows how a queue is put to work and timed; no queue.
 */
#ifndef SLOTQ_BENCH_PEERS_EMBEDDED_EMBEDDED_H
#define SLOTQ_BENCH_PEERS_EMBEDDED_EMBEDDED_H

#include "../contender.h"

enum {
    EMBEDDED_TICK_MS = 100, /* how soon an ended lease is seen, at the latest */
    EMBEDDED_MARK = 0x51    /* the first byte of every payload */
};

typedef struct embedded_lease {
    uint64_t id;
    uint64_t token;
} embedded_lease;

/* A queue as its contender opened it. All end the bench where they are refused. */
typedef struct embedded_verbs {
    /* Empty, with room for that many. */
    void *(*start)(const contender *self, uint32_t messages, uint32_t payload_bytes);
    /* Closed, its files removed. */
    void (*stop)(void *queue);
    /* So many payloads of embedded_payload, in one call: all or none. */
    void (*push)(void *queue, uint32_t count);
    /* The oldest that are there, up to most (at most LOAD_BATCH_MOST), in one call: each is looked
     * at by embedded_look. How many they are; wait_ms: for the first. */
    uint32_t (*take)(void *queue, uint32_t most, uint32_t lease_ms, uint32_t wait_ms);
    /* What the last take got, in its order. */
    void (*tell)(const void *queue, embedded_lease *leases);
    /* All that the last take got, in one call. */
    void (*finish_taken)(void *queue);
    /* One message, taken at any time. */
    void (*finish)(void *queue, embedded_lease lease);
    /* The process that reserved has died; another process opened the queue. */
    void (*die)(void *queue);
    /* All that the queue takes: of the heap, or of the disk. */
    double (*weigh_bytes)(void *queue);
} embedded_verbs;

/* A contender's own begins with its verbs. */
typedef struct embedded_own {
    const embedded_verbs *verbs;
} embedded_own;

/* The payload of message number i of a push. */
const uint8_t *embedded_payload(uint32_t i);
/* 0: this is one, and of that size. */
static inline uint32_t embedded_look(const void *bytes, uint32_t size, uint32_t wanted_bytes)
{
    return (size ^ wanted_bytes) | (*(const uint8_t *)bytes ^ (uint32_t)EMBEDDED_MARK);
}

/* Where files lie while they are measured: on the disk of the results; removed with the bench. */
const char *embedded_folder(void);
/* Bytes in use on the heap. */
double embedded_heap_bytes(void);

void embedded_cycle(const contender *self, const load *how, cycle_times *times);
void embedded_weigh(const contender *self, uint32_t messages, uint32_t payload_bytes,
                    weight *bytes);
void embedded_grow(const contender *self, uint32_t length, uint32_t leased_percent,
                   growth_times *times);
void embedded_recover(const contender *self, uint32_t messages, recovery_times *times);

#endif
