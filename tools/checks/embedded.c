/* embedded.c: a device's whole use of the core: an image in its own memory, messages pushed, leased
 * and settled, no system but this output. Prints the image in hex, so that builds of the
 * amalgamation for different machines can be compared byte by byte.
 */
#include <stdio.h>

#include "slotq_core.h"

enum { IMAGE_BYTES = 4096, MESSAGES = 6 };

static _Alignas(8) uint8_t image[IMAGE_BYTES];
static slotq_step step;
static slotq_run runs[MESSAGES];

static slotq_call push_call(const slotq_data *messages)
{
    slotq_call call = {.verb = SLOTQ_PUSH, .now_ms = 1700000000000};
    call.push.messages = messages;
    call.push.count = MESSAGES;
    return call;
}

static slotq_call reserve_call(void)
{
    slotq_call call = {.verb = SLOTQ_RESERVE, .now_ms = 1700000000100};
    call.reserve.lease_ms = 30000;
    call.reserve.runs = runs;
    call.reserve.run_capacity = MESSAGES;
    call.reserve.limit = MESSAGES - 1;
    return call;
}

static slotq_call settle_call(slotq_verb verb, slotq_run *run)
{
    slotq_call call = {.verb = verb, .now_ms = 1700000000200};
    call.settle.runs = run;
    call.settle.run_count = 1;
    call.settle.reason = 7;
    return call;
}

/* Push six, lease five, ack three of them, bury the fourth. */
static slotq_outcome work(const slotq_view *view)
{
    const slotq_data messages[MESSAGES] = {{"a", 1}, {"", 0}, {"ccc", 3},
                                           {"dddd", 4}, {"eeeee", 5}, {"ffffff", 6}};
    slotq_call push = push_call(messages);
    slotq_call reserve = reserve_call();
    slotq_outcome outcome = slotq_core_run(image, view, &push, &step);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_run(image, view, &reserve, &step);
    }
    if (outcome != SLOTQ_OK || reserve.reserve.message_count != MESSAGES - 1) {
        return outcome == SLOTQ_OK ? SLOTQ_EMPTY : outcome;
    }
    slotq_run first = {runs[0].id, runs[0].token, 3};
    slotq_run fourth = {runs[0].id + 3, runs[0].token, 1};
    slotq_call ack = settle_call(SLOTQ_ACK, &first);
    slotq_call kill = settle_call(SLOTQ_KILL, &fourth);
    outcome = slotq_core_run(image, view, &ack, &step);
    return outcome == SLOTQ_OK ? slotq_core_run(image, view, &kill, &step) : outcome;
}

int main(void)
{
    const slotq_geometry geometry = {.ring_slots = 9, .payload_bytes = 11, .dead_slots = 3,
                                     .tick_ms = 100, .groups = 2, .max_attempts = 5,
                                     .flags = SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS,
                                     .generation = 1};
    const uint32_t bytes = slotq_core_image_bytes(&geometry, NULL);
    slotq_view view;
    slotq_damage damage;
    if (bytes == 0 || bytes > IMAGE_BYTES ||
        slotq_core_create(image, bytes, &geometry) != SLOTQ_OK ||
        slotq_core_open(&view, image, bytes, &damage) != SLOTQ_OK || work(&view) != SLOTQ_OK ||
        slotq_core_check(&view, &damage) != SLOTQ_OK) {
        return 1;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        printf("%02x%s", image[i], i % 32 == 31 || i + 1 == bytes ? "\n" : "");
    }
    return 0;
}
