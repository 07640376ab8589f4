/* cycle.c: see cycle.h.
 */
#include "cycle.h"
#include "../../support/sure.h"

#include <string.h>

enum { PAYLOAD_BYTE = 'm', NAP_LEAST = 64 };

/* Messages so far. */
typedef struct counts {
    uint32_t pushed;
    uint32_t taken;
    uint32_t finished;
} counts;

typedef struct course {
    const line_peer *peer;
    line_wire *wire;
    const load *how;
    counts sent; /* taken: asked for */
    counts done;
} course;

const uint8_t *line_payload(void)
{
    static uint8_t bytes[LOAD_PAYLOAD_MOST];
    memset(bytes, PAYLOAD_BYTE, sizeof bytes);
    return bytes;
}

static void await_answer(course *self)
{
    switch (self->peer->answer(self->wire, line_payload(), self->how->payload_bytes)) {
    case LINE_PUSHED:
        self->done.pushed++;
        break;
    case LINE_TAKEN:
        self->done.taken++;
        self->done.finished += self->peer->finish_is_answered ? 0 : 1;
        break;
    case LINE_FINISHED:
        self->done.finished++;
        break;
    }
    bench_need(self->done.pushed <= self->sent.pushed && self->done.taken <= self->sent.taken &&
                   self->done.finished <= self->done.taken,
               "an answer to what was asked");
}

static uint32_t window_of(const line_peer *peer, const load *how)
{
    const uint32_t wanted = how->batch * how->in_flight;
    const uint32_t most = peer->window_most;
    return most > 0 && most < wanted ? most : wanted;
}

/* So many more may be on their way: whole batches, or what a smaller window takes. */
static uint32_t room(const course *self, uint32_t sent, uint32_t done)
{
    const load *how = self->how;
    const uint32_t window = window_of(self->peer, how);
    const uint32_t step = how->batch < window ? how->batch : window;
    const uint32_t left = how->messages - sent;
    if (sent - done + step > window) {
        return 0;
    }
    return left < step ? left : step;
}

static void push_some(course *self, uint32_t count)
{
    self->peer->push(self->wire, line_payload(), self->how->payload_bytes, count);
    self->sent.pushed += count;
}

static void ask_some(course *self, uint32_t count)
{
    self->peer->ask(self->wire, count);
    self->sent.taken += count;
}

void line_push_all(const line_peer *peer, line_wire *wire, const load *how)
{
    course self = {.peer = peer, .wire = wire, .how = how};
    while (self.done.pushed < how->messages) {
        uint32_t count;
        while ((count = room(&self, self.sent.pushed, self.done.pushed)) > 0) {
            push_some(&self, count);
        }
        await_answer(&self);
    }
}

void line_take_all(const line_peer *peer, line_wire *wire, const load *how)
{
    course self = {.peer = peer, .wire = wire, .how = how};
    while (self.done.finished < how->messages) {
        uint32_t count;
        while ((count = room(&self, self.sent.taken, self.done.finished)) > 0) {
            ask_some(&self, count);
        }
        await_answer(&self);
    }
    peer->settle(wire);
}

/* One batch after the other: each call waits for its answers. */
static void turn_by_trips(course *self)
{
    while (self->done.finished < self->how->messages) {
        push_some(self, room(self, self->sent.pushed, self->done.finished));
        while (self->done.pushed < self->sent.pushed) {
            await_answer(self);
        }
        ask_some(self, self->sent.pushed - self->sent.taken);
        while (self->done.finished < self->sent.taken) {
            await_answer(self);
        }
    }
}

static void turn_by_window(course *self)
{
    uint32_t done = 0;
    while (done < self->how->messages) {
        uint32_t count;
        while ((count = room(self, self->sent.pushed, done)) > 0) {
            push_some(self, count);
            ask_some(self, count);
        }
        await_answer(self);
        done = self->done.pushed < self->done.finished ? self->done.pushed : self->done.finished;
    }
}

void line_turn(const line_peer *peer, line_wire *wire, const load *how)
{
    course self = {.peer = peer, .wire = wire, .how = how};
    if (how->in_flight == 1) {
        turn_by_trips(&self);
    } else {
        turn_by_window(&self);
    }
    peer->settle(wire);
}

typedef void part(const line_peer *peer, line_wire *wire, const load *how);

static double time_part(part *play, const line_peer *peer, line_wire *wire, const load *how)
{
    const uint64_t start_ns = clock_ns();
    play(peer, wire, how);
    return (double)(clock_ns() - start_ns) / how->messages;
}

void line_cycle(const line_peer *peer, line_wire *wire, const load *how, cycle_times *times)
{
    wire->nap_us = window_of(peer, how) >= NAP_LEAST ? peer->nap_us : 0;
    times->push_ns = time_part(line_push_all, peer, wire, how);
    times->take_ns = time_part(line_take_all, peer, wire, how);
    times->cycle_ns = time_part(line_turn, peer, wire, how);
}
