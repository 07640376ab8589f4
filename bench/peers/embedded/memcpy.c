/* memcpy.c: the bound of what has no server between: the payloads copied in and out again, and no
 * queue around it. Knows memory alone.
 */
#include "embedded.h"
#include "../../support/sure.h"

#include <stddef.h>
#include <string.h>

enum { SLOT_HEAD_BYTES = 2 };

typedef struct ring {
    uint8_t *bytes;
    uint32_t stride_bytes;
    uint32_t slots;
    uint32_t payload_bytes;
    uint32_t in;
    uint32_t out;
} ring;

static void *start(const contender *self, uint32_t messages, uint32_t payload_bytes)
{
    ring *made = malloc(sizeof *made);
    (void)self;
    bench_need(made != NULL, "malloc");
    *made = (ring){.stride_bytes = SLOT_HEAD_BYTES + payload_bytes,
                   .slots = messages + 1,
                   .payload_bytes = payload_bytes};
    made->bytes = malloc((size_t)made->slots * made->stride_bytes);
    bench_need(made->bytes != NULL, "malloc");
    return made;
}

static void stop(void *queue)
{
    ring *self = queue;
    free(self->bytes);
    free(self);
}

static void copy_in(void *queue, uint32_t count)
{
    ring *self = queue;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(self->bytes + (size_t)self->in * self->stride_bytes, embedded_payload(i),
               self->payload_bytes);
        self->in = self->in + 1 == self->slots ? 0 : self->in + 1;
    }
}

/* Aligned: across the end of a page a copy costs four times as much. */
static uint32_t copy_out(void *queue, uint32_t most, uint32_t lease_ms, uint32_t wait_ms)
{
    static _Alignas(64) uint8_t out[LOAD_PAYLOAD_MOST];
    ring *self = queue;
    uint32_t wrong = 0;
    uint32_t count = 0;
    (void)lease_ms;
    (void)wait_ms;
    while (count < most && self->out != self->in) {
        memcpy(out, self->bytes + (size_t)self->out * self->stride_bytes, self->payload_bytes);
        __asm__ volatile("" : : "r"(out) : "memory"); /* the copy is made */
        wrong |= embedded_look(out, self->payload_bytes, self->payload_bytes);
        self->out = self->out + 1 == self->slots ? 0 : self->out + 1;
        count++;
    }
    bench_need(wrong == 0, "looking at a copy");
    return count;
}

static void finish_nothing(void *queue)
{
    (void)queue;
}

static const embedded_verbs verbs = {
    .start = start,
    .stop = stop,
    .push = copy_in,
    .take = copy_out,
    .finish_taken = finish_nothing,
};

static const embedded_own own = {&verbs};
const contender contender_memcpy = {
    .settings = "a bound: memcpy of each payload into a ring and out of it, then a read of it",
    .cycle = embedded_cycle,
    .own = &own,
};
