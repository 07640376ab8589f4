/* shape.c: the messages that all subjects push, and whether they came back whole. Knows
 * their size and number; no command.
 */
#include "../../core/cycle/cycle.h"
#include "subject.h"
#include "../../support/sure.h"

#include <stdio.h>
#include <string.h>

static struct {
    uint32_t payload_bytes;
    uint32_t messages_most;
    uint32_t lease_ms;
    uint32_t number;
} shape = {CYCLE_PAYLOAD_BYTES, CYCLE_RING_SLOTS - 1, CYCLE_LEASE_MS, 1};

void subject_shape_set(uint32_t payload_bytes, uint32_t messages_most)
{
    bench_need(payload_bytes >= 16 && payload_bytes <= SUBJECT_PAYLOAD_MOST, "such a payload");
    bench_need(messages_most >= 1 && messages_most <= SUBJECT_MESSAGES_MOST, "so many messages");
    if (shape.payload_bytes != payload_bytes || shape.messages_most != messages_most) {
        shape.payload_bytes = payload_bytes;
        shape.messages_most = messages_most;
        shape.number++;
    }
}

uint32_t subject_payload_bytes(void)
{
    return shape.payload_bytes;
}

uint32_t subject_messages_most(void)
{
    return shape.messages_most;
}

void subject_lease_set(uint32_t lease_ms)
{
    if (shape.lease_ms != lease_ms) {
        shape.lease_ms = lease_ms;
        shape.number++;
    }
}

uint32_t subject_lease_ms(void)
{
    return shape.lease_ms;
}

uint32_t subject_shape_number(void)
{
    return shape.number;
}

const slotq_data *subject_messages(void)
{
    enum { NUMBER_AT = 8 };
    static slotq_data messages[SUBJECT_BATCH_MOST];
    static uint8_t payloads[SUBJECT_BATCH_MOST][SUBJECT_PAYLOAD_MOST];
    if (messages[0].size == shape.payload_bytes) {
        return messages;
    }
    for (uint32_t i = 0; i < SUBJECT_BATCH_MOST; i++) {
        char number[16];
        snprintf(number, sizeof number, "%08u", (unsigned)i);
        memset(payloads[i], SUBJECT_FIRST_BYTE, SUBJECT_PAYLOAD_MOST);
        memcpy(payloads[i] + NUMBER_AT, number, 8);
        messages[i] = (slotq_data){payloads[i], shape.payload_bytes};
    }
    return messages;
}

void subject_sight_end(const subject_sight *seen, uint32_t count, const char *what)
{
    bench_need(seen->messages == count &&
                   seen->bytes == (uint64_t)count * subject_payload_bytes() &&
                   seen->firsts == (uint64_t)count * SUBJECT_FIRST_BYTE,
               what);
}
