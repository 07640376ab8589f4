/* device.c: a sensor that loses no sample although its power may go at any store. A reader pushes
 * a sample a second; a sender leases some, gives them to a radio, and acknowledges what the radio
 * took. The queue is in 16 KiB, with the core of slotq alone: no system, no heap.
 *
 * This file and holder.h are the lesson. world.c is the test: it cuts the power after 0, 1, 2, …
 * bytes have reached the memory, and holds against the device what it saw from outside. The same
 * source runs as a program of the host and, by run.sh, on a Cortex-M in qemu.
 */
#include "slotq_core.h"
#include "world.h"

#include "board.h"

enum { RING_SLOTS = 400, DEAD_SLOTS = 8, ASIDE_SLOTS = 4, MOST_ATTEMPTS = 2, MOST_TAKEN = 6 };
enum { LEASE_MS = 5000, RETRY_MS = 40000, MEMORY_BYTES_MAX = 16384 };

static const slotq_geometry sizes = {
    .ring_slots = RING_SLOTS,
    .payload_bytes = sizeof(sample),
    .dead_slots = DEAD_SLOTS,
    .aside_slots = ASIDE_SLOTS,
    .flags = SLOTQ_FLAG_CHECKS,
    .max_attempts = MOST_ATTEMPTS,
    .groups = 1,
    .tick_ms = 100,
    .generation = 1, /* a device in the field draws it, or takes its serial number */
};

#define HOLDER_IMAGE_BYTES                                                                         \
    SLOTQ_IMAGE_BYTES(RING_SLOTS, sizeof(sample), 0, DEAD_SLOTS, ASIDE_SLOTS, 0, 0, 1,             \
                      SLOTQ_FLAG_CHECKS)
#define HOLDER_PATCH world_patch /* so that the power can go in there: leave out these two */
#define HOLDER_STORE world_store
#include "holder.h"

static NON_VOLATILE holder_memory memory;

/* All of this is lost with the power. */
static struct {
    holder queue;
    slotq_call call;
    sample measured; /* what the call refers to */
    slotq_data message;
    slotq_run settled;
    slotq_run taken[MOST_TAKEN];
    uint32_t next; /* the number of the next sample */
} ram;

_Static_assert(sizeof memory + sizeof ram <= MEMORY_BYTES_MAX, "the queue and its work fit");

void *const device_memory = &memory;
const uint32_t device_memory_bytes = sizeof memory;
void *const device_ram = &ram;
const uint32_t device_ram_bytes = sizeof ram;

static slotq_call *begin(slotq_verb verb)
{
    memset(&ram.call, 0, sizeof ram.call); /* no input is left from another verb */
    slotq_core_begin(&ram.call, verb, world_now_ms());
    return &ram.call;
}

slotq_outcome device_run(slotq_call *call)
{
    return holder_run(&ram.queue, call);
}

/* ---- the reader ---- */

/* Push the next sample. FULL: the queue holds a few minutes, and the radio had none of them: the
 * same sample is tried again. */
static void read_sample(void)
{
    slotq_call *call = begin(SLOTQ_PUSH);
    ram.measured = world_sensor(ram.next);
    ram.message = (slotq_data){&ram.measured, sizeof ram.measured};
    call->push.messages = &ram.message;
    call->push.count = 1;
    const slotq_outcome outcome = device_run(call);
    if (outcome == SLOTQ_OK) {
        world_pushed(call->push.first_id);
        ram.next++;
    } else if (outcome != SLOTQ_FULL) {
        world_fail("a push returned", outcome);
    }
}

/* ---- the sender ---- */

static slotq_outcome settle(slotq_verb verb, uint64_t id, uint32_t token)
{
    slotq_call *call = begin(verb);
    ram.settled = (slotq_run){.id = id, .token = token, .count = 1};
    call->settle.runs = &ram.settled;
    call->settle.run_count = 1;
    call->settle.ms = verb == SLOTQ_NACK ? RETRY_MS : 0;
    call->settle.reason = verb == SLOTQ_KILL ? SLOTQ_REASON_DAMAGED : 1;
    const slotq_outcome outcome = device_run(call);
    if (outcome == SLOTQ_OK && call->settle.dead_count > 0) {
        world_died(id);
    }
    return outcome;
}

/* The radio first, then the ack: without power between the two, the sample is sent again after its
 * lease. */
static void send_one(uint64_t id, uint32_t token)
{
    const slotq_view *view = &ram.queue.view;
    slotq_slot slot;
    sample taken;
    slotq_outcome outcome;
    world_reserved(id);
    if (!slotq_core_slot(view, slotq_core_slot_offset(view, id), &slot)) {
        outcome = settle(SLOTQ_KILL, id, token); /* its bytes are damaged */
    } else {
        memcpy(&taken, slot.payload, sizeof taken);
        if (!world_radio(&taken)) {
            outcome = settle(SLOTQ_NACK, id, token);
        } else {
            outcome = settle(SLOTQ_ACK, id, token);
            if (outcome == SLOTQ_OK) {
                world_acked(id);
            }
        }
    }
    if (outcome != SLOTQ_OK) {
        world_fail("a settle returned", outcome);
    }
}

static void send_samples(void)
{
    slotq_call *call = begin(SLOTQ_RESERVE);
    call->reserve.lease_ms = LEASE_MS;
    call->reserve.runs = ram.taken;
    call->reserve.run_capacity = MOST_TAKEN;
    call->reserve.limit = MOST_TAKEN;
    const slotq_outcome outcome = device_run(call);
    const uint32_t runs = call->reserve.run_count; /* the settles use the same call */
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY && outcome != SLOTQ_AGAIN) {
        world_fail("a reserve returned", outcome);
    }
    for (uint32_t run = 0; outcome == SLOTQ_OK && run < runs; run++) {
        for (uint32_t i = 0; i < ram.taken[run].count; i++) {
            send_one(ram.taken[run].id + i, ram.taken[run].token);
        }
    }
}

/* ---- from power-on ---- */

/* The queue knows what came to be: ids are dense, so the newest one is the newest sample, whether
 * or not the device came to see that its push was done. */
static void start(void)
{
    slotq_damage damage;
    if (holder_open(&ram.queue, &memory, &sizes, &damage) != SLOTQ_OK) {
        world_fail(damage.what, damage.offset);
    }
    slotq_call *call = begin(SLOTQ_STATS);
    if (device_run(call) != SLOTQ_OK) {
        world_fail("stats fails", device_memory_bytes);
    }
    ram.next = (uint32_t)call->stats.stats.last_id + 1;
    world_started(call->stats.stats.last_id);
}

void device_live(void)
{
    start();
    while (world_goes_on()) {
        read_sample();
        if (world_radio_is_up()) {
            send_samples();
        }
    }
}
