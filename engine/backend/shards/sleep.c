/* sleep.c: how a handle of a sharded queue sleeps: on the words of all shards where they are in
 * this machine's memory (SHARDS.md, "In files and in memory"), else at one after another. Knows no
 * verb.
 */
#include "inside.h"

#include <poll.h>

/* A part of a sleep at one shard: news of the others is seen after it. */
enum { SLEEP_PART_MS = WAITING_PART_MS, DEAF_PART_MS = 1000, ROOM_MS = 1000 /* rule 31 */ };

void shards_sleep_later(shards_store *self)
{
    self->stirs_seen = waiting_look((const uint8_t *)&self->stirs);
}

/* The words of all shards where the last call is registered, and that of interrupts. */
static uint32_t words_of(const shards_store *self, waiting_word *words)
{
    uint32_t count = 0;
    words[count++] = (waiting_word){(const uint8_t *)&self->stirs, self->stirs_seen, false};
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        store *at = self->shards[i];
        if (at != NULL && at->sleeps_beside && at->ops->word(at, &words[count])) {
            count++;
        }
    }
    return count;
}

static slotq_outcome sleep_at(shards_store *self, uint32_t shard, uint64_t sleep_ms,
                              store_fault *fault)
{
    store *at = self->shards[shard];
    at->owner = self->base.owner;
    at->handle = self->base.handle;
    return at->ops->wait(at, sleep_ms, fault);
}

static slotq_outcome sleep_at_one(shards_store *self, uint64_t sleep_ms, store_fault *fault)
{
    const uint32_t shard = shards_from(self, self->sleeps_at);
    self->sleeps_at = shard + 1;
    return sleep_at(self, shard, sleep_ms < SLEEP_PART_MS ? sleep_ms : SLEEP_PART_MS, fault);
}

/* ---- for room ---- */

static uint32_t room_of(const shards_store *self, uint32_t shard)
{
    uint32_t i = 0;
    while (i < self->room_count && self->rooms[i] != shard) {
        i++;
    }
    return i;
}

bool shards_waits_in(const shards_store *self, uint32_t shard)
{
    return room_of(self, shard) < self->room_count;
}

void shards_note_room(shards_store *self, uint32_t shard)
{
    const uint32_t i = room_of(self, shard);
    const store *at = self->shards[shard];
    if (i < SHARDS_ROOMS && at != NULL && !at->sleeps_beside) {
        self->rooms[i] = shard;
        self->room_count += i == self->room_count;
    }
}

/* Where the push is registered. false: it listens nowhere. */
static bool sleep_for_room(shards_store *self, uint64_t sleep_ms)
{
    struct pollfd polled[SHARDS_ROOMS + 1];
    nfds_t count = 1;
    store *first = NULL;
    for (uint32_t i = 0; i < self->room_count; i++) {
        store *at = self->shards[self->rooms[i]];
        bool again = false;
        int interrupted;
        const int fd = at != NULL && at->ops->bell != NULL
                           ? at->ops->bell->listen(at, &again, &interrupted)
                           : -1;
        if (again) {
            return true;
        }
        if (fd >= 0) {
            first = first == NULL ? at : first;
            polled[0].fd = first == at ? interrupted : polled[0].fd;
            polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    if (first == NULL) {
        return false;
    }
    polled[0].events = POLLIN;
    (void)poll(polled, count, (int)(sleep_ms < ROOM_MS ? sleep_ms : ROOM_MS));
    first->ops->bell->resume(first);
    return true;
}

slotq_outcome shards_sleep(shards_store *self, uint64_t sleep_ms, store_fault *fault)
{
    const bool has_bell = self->shards[self->bell.shard] != NULL; /* another view may not */
    if (has_bell && self->bell.phase == SHARDS_BELL_SLEEPS) {
        shards_doze(self, sleep_ms);
        return SLOTQ_OK; /* a server that is gone is told by the next call */
    }
    if (has_bell && self->bell.phase != SHARDS_BELL_IDLE) { /* it cannot be heard, or is away */
        return sleep_at(self, self->bell.shard, sleep_ms < DEAF_PART_MS ? sleep_ms : DEAF_PART_MS,
                        fault);
    }
    if (self->room_count > 0 && sleep_for_room(self, sleep_ms)) {
        return SLOTQ_OK;
    }
    const store *first = self->shards[shards_from(self, 0)];
    if (first != NULL && !first->sleeps_beside) { /* NULL: all are missing */
        return sleep_at_one(self, sleep_ms, fault);
    }
    waiting_word words[SLOTQ_SHARDS_MAX + 1];
    waiting_sleep_any(words, words_of(self, words), self->sleeps_at++, sleep_ms);
    return SLOTQ_OK; /* a file that is gone is told by the next call */
}

void shards_interrupt(shards_store *self)
{
    waiting_stir((uint8_t *)&self->stirs, 1, false);
    for (uint32_t i = 0; i < SLOTQ_SHARDS_MAX; i++) { /* the view may change meanwhile */
        store *at = __atomic_load_n(&self->shards[i], __ATOMIC_ACQUIRE);
        if (at != NULL && !at->sleeps_beside) { /* which one is slept at is not known here */
            at->ops->interrupt(at);
        }
    }
}

void shards_leave_all(shards_store *self)
{
    (void)shards_leave_bell(self);
    self->room_count = 0;
    for (uint32_t i = 0; i < self->descriptor.count; i++) {
        store *at = self->shards[i];
        if (at != NULL && at->ops->leave != NULL) {
            at->ops->leave(at);
        }
    }
}
