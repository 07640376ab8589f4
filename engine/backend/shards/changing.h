/* changing.h: one change of a sharded queue while it runs: the descriptor as it was read, and the
 * next one. Knows the order of no change.
 */
#ifndef SLOTQ_BACKEND_SHARDS_CHANGING_H
#define SLOTQ_BACKEND_SHARDS_CHANGING_H

#include "changes.h"
#include "names.h"

/* Consumers read the descriptor at least every 6 s: they know a shard before producers use it. */
enum { SHARDS_KNOWN_MS = 15000 };

typedef struct changing {
    const shards_target *target;
    store_fault *fault;
    bool lost;                    /* another process changed the descriptor first: read it again */
    shards_descriptor descriptor; /* as it was read; then as it is to be */
    uint32_t size;                /* 0: no value was there */
    uint8_t bytes[SHARDS_DESCRIPTOR_BYTES_MAX]; /* as they were read */
    uint8_t next[SHARDS_DESCRIPTOR_BYTES_MAX];
} changing;

/* One try. Its outcome counts unless `lost` is set. */
typedef slotq_outcome (*changing_try)(changing *self, void *context);

/* Try until no other process was faster. LOCKED: others always were. NOMEMORY. */
slotq_outcome changing_run(const shards_target *target, changing_try once, void *context,
                           store_fault *fault);

/* Read the descriptor. OK, NOQUEUE, SHARDED (a queue that is alone), CORRUPT. */
slotq_outcome changing_read(changing *self);
/* The same for a change of a whole queue: NOQUEUE also if it is being made or removed, and
 * UNSUPPORTED if it is alone. */
slotq_outcome changing_read_whole(changing *self);
/* That a change is not for queues with keys: UNSUPPORTED, or OK. */
slotq_outcome changing_refuse_keyed(changing *self, const char *what);

/* Write self->descriptor, with the next revision, over what was read, if that is still there. OK:
 * then it is what was read last. Sets `lost`. */
slotq_outcome changing_write(changing *self);
/* Delete what was read, if it is still there. Sets `lost`. */
slotq_outcome changing_delete(changing *self);

/* ---- shards ---- */

/* A shard is not as the descriptor has it. If that is because another process has changed the
 * queue, or has removed it and made another one, the descriptor is another one too: sets `lost`. */
void changing_note_odd(changing *self);

void changing_key(const changing *self, uint32_t number, shards_key *key);
/* Open a shard, which must have this set and number: OK, NOQUEUE, CORRUPT (another queue). */
slotq_outcome changing_open(changing *self, uint32_t number, store **opened);
/* Run a verb in a shard that was opened. Failures have a text. */
slotq_outcome changing_call(changing *self, store *shard, slotq_call *call);
/* Delete a shard that was made for a queue which another process has removed meanwhile. */
slotq_outcome changing_take_back(changing *self, uint32_t set, uint32_t number);

/* Where a shard could not be created: delete one of a queue of this name that another process
 * removed while a third one, killed since, made the shard. No descriptor has it. It is deleted if
 * it never had a message, which it cannot get once it is closed. EXISTS, with the fault as it was:
 * it is something else, and unchanged. */
slotq_outcome changing_delete_leftover(changing *self, const shards_key *key, uint32_t number);

/* Begin the text of the fault with what was being done. Returns its outcome. */
__attribute__((format(printf, 2, 3))) slotq_outcome changing_tell(changing *self,
                                                                  const char *format, ...);

#endif
