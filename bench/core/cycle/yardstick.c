/* yardstick.c: what moving the payloads alone costs: memcpy in, memcpy out. Knows no
 * queue.
 */
#include "cycle.h"
#include "../../support/samples.h"

#include <string.h>

const slotq_geometry cycle_geometry = {
    .ring_slots = CYCLE_RING_SLOTS,
    .payload_bytes = CYCLE_PAYLOAD_BYTES,
    .dead_slots = 16,
    .tick_ms = 100,
    .groups = 1,
    .max_attempts = 25,
    .generation = 1,
};

static volatile uint32_t hidden_payload_bytes = CYCLE_PAYLOAD_BYTES;

uint32_t cycle_payload_bytes(void)
{
    return hidden_payload_bytes;
}

const slotq_data *cycle_payloads(void)
{
    static slotq_data messages[CYCLE_BATCH_MOST];
    static uint8_t payloads[CYCLE_BATCH_MOST][CYCLE_PAYLOAD_BYTES];
    if (messages[0].bytes == NULL) {
        for (uint32_t i = 0; i < CYCLE_BATCH_MOST; i++) {
            memset(payloads[i], (int)i, CYCLE_PAYLOAD_BYTES);
            messages[i] = (slotq_data){payloads[i], cycle_payload_bytes()};
        }
    }
    return messages;
}

void cycle_yardstick(uint32_t batch, cycle_round *round)
{
    enum { STRIDE = CYCLE_PAYLOAD_BYTES + 2 };
    static uint8_t ring[CYCLE_RING_SLOTS * STRIDE];
    /* Aligned: across the end of a page a copy costs four times as much, and where the stack
     * lies is chance. */
    _Alignas(64) uint8_t out[CYCLE_PAYLOAD_BYTES];
    const slotq_data *messages = cycle_payloads();
    const uint32_t length = cycle_payload_bytes();
    uint32_t in_slot = 0;
    uint32_t out_slot = 0;
    const uint64_t start = clock_ns();
    for (uint32_t done = 0; done < CYCLE_MESSAGES; done += batch) {
        for (uint32_t i = 0; i < batch; i++) {
            memcpy(ring + in_slot * STRIDE, messages[i].bytes, length);
            in_slot = in_slot + 1 == CYCLE_RING_SLOTS ? 0 : in_slot + 1;
        }
        for (uint32_t i = 0; i < batch; i++) {
            memcpy(out, ring + out_slot * STRIDE, length);
            __asm__ volatile("" : : "r"(out) : "memory"); /* the copy is looked at */
            out_slot = out_slot + 1 == CYCLE_RING_SLOTS ? 0 : out_slot + 1;
        }
    }
    round->cycle_ns = (double)(clock_ns() - start) / CYCLE_MESSAGES;
}
