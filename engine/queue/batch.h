/* batch.h: the messages of an answer: runs or items, and where their slots are. Knows slots and
 * words; no store, no verb.
 */
#ifndef SLOTQ_QUEUE_BATCH_H
#define SLOTQ_QUEUE_BATCH_H

#include "../backend/backend.h"
#include "../slotq.h"
#include "marks.h"

/* In place of an outcome: a mixed settle has not settled the message yet. */
enum { BATCH_NOT_SETTLED = SLOTQ_MORE };

typedef enum batch_kind {
    BATCH_EMPTY,
    BATCH_RESERVED,
    BATCH_UNSETTLED, /* reserved before; ids and tokens alone, no payloads to walk over */
    BATCH_PEEKED,
    BATCH_DEAD,
    BATCH_LATER
} batch_kind;

struct slotq_batch {
    batch_kind kind;
    uint32_t count; /* messages */
    uint8_t group;
    uint64_t queue;  /* identity of the store that filled it */
    uint64_t now_ms; /* of the call: stamps count from it */
    slotq_geometry geometry;
    uint32_t stride;
    uint32_t ring_offset; /* where a run in a still image goes on after the ring's end */
    uint32_t ring_end;
    store_harvest harvest;
    uint32_t run_count; /* RESERVED, UNSETTLED */
    slotq_run *runs;
    uint32_t run_capacity; /* of runs and harvest.offsets */
    slotq_item *items;     /* PEEKED, DEAD and LATER */
    uint32_t item_capacity;
    uint64_t copies_bytes;
    struct { /* the walk */
        uint32_t entry;
        uint32_t in_run;
        uint32_t offset;
    } at;
    batch_marks marks;
    struct { /* runs that are being settled while the batch is filled anew, and their outcomes */
        slotq_run *runs;
        batch_marks marks;
        uint32_t *tokens;  /* one a message, is_mixed: the newest */
        uint8_t *outcomes; /* one a message */
        uint8_t *hows;     /* one a message, is_mixed */
        uint32_t run_count;
        uint32_t count;
        uint32_t capacity;   /* messages */
        uint32_t told_count; /* messages whose outcomes may be read: all or none */
        uint32_t at_run;     /* of the outcome that was read last, */
        uint32_t at_first;   /* and the first message of that run */
        uint8_t group;
        uint8_t how; /* of all, not is_mixed */
        bool is_mixed;
    } aside;
};

/* Of the items of a verb that looks. */
static inline batch_kind batch_kind_of(slotq_verb verb)
{
    return verb == SLOTQ_PEEK ? BATCH_PEEKED : verb == SLOTQ_DEAD_LIST ? BATCH_DEAD : BATCH_LATER;
}

/* Empty it and make room for limit messages of a queue, with copies of their slots if those
 * will not keep still. Lowers *limit where the copies would be over 64 MiB. false: no memory. */
bool batch_room(slotq_batch *batch, batch_kind kind, const store *place, bool still,
                uint32_t *limit);

/* It holds what an answered call gave. */
void batch_fill_runs(slotq_batch *batch, const slotq_call *call);
void batch_fill_items(slotq_batch *batch, const slotq_call *call);

void batch_clear(slotq_batch *batch);

/* It has messages that were reserved. */
static inline bool batch_is_leased(const slotq_batch *batch)
{
    return batch->kind == BATCH_RESERVED || batch->kind == BATCH_UNSETTLED;
}

/* Copy the runs of a leased batch aside, with their marks, to be settled in one way. false: no
 * memory, nothing changed. */
bool batch_set_aside(slotq_batch *batch, slotq_settle_how how);
/* Make the batch again, without payloads, of those messages set aside that may not be settled. */
void batch_bring_back_failed(slotq_batch *batch);
/* The batch has kept its runs: it has its marks again. */
void batch_bring_marks_back(slotq_batch *batch);
/* The outcome of a message that is still the batch's: its verb did not happen, or that is not
 * known. */
static inline bool batch_may_settle_again(slotq_outcome outcome)
{
    return outcome == SLOTQ_INVALID || outcome >= SLOTQ_FAILURES;
}

/* The outcomes of what was set aside can be read from now on. failed, if not OK, is that of all
 * messages; of a mixed settle, of those that are not settled yet. */
void batch_tell(slotq_batch *batch, slotq_outcome failed);
/* The same after an extend: tokens has the new ones. */
void batch_tell_extended(slotq_batch *batch, const uint32_t *tokens);
/* Count them. Its outcome is failed, or else the first failure of a message, or else the first
 * refusal. */
slotq_settled batch_sum_up(const slotq_batch *batch, slotq_outcome failed);

/* The token of a message of a leased batch; 0 = it has none of this id. */
uint32_t batch_token(const slotq_batch *batch, uint64_t id);

/* Give a message another token; with 0 it leaves the batch. The walk stays where it was. false:
 * the batch has none of this id. */
bool batch_set_token(slotq_batch *batch, uint64_t id, uint32_t token);

/* The first count messages leave a leased batch. The walk stays where it was. */
void batch_drop_first(slotq_batch *batch, uint32_t count);

/* Room for what batch_retoken needs, so that it cannot fail. */
typedef struct batch_spare {
    uint32_t *tokens; /* count of them, to be filled in */
    slotq_run *runs;
    uint32_t *offsets;
    uint8_t *outcomes; /* count of them, of the caller's */
} batch_spare;

bool batch_spare_make(const slotq_batch *batch, batch_spare *spare);
void batch_spare_free(batch_spare *spare);

/* Give each message of a reserved batch a new token; those with one that is none (low bits 0)
 * leave it. Takes the spare. */
void batch_retoken(slotq_batch *batch, batch_spare *spare);

/* Mark damaged slots of a reserved batch: tokens[i] = 0, else the message's own. tokens may be
 * NULL. The number of damaged ones. */
uint32_t batch_find_damaged(const slotq_batch *batch, uint32_t *tokens);

#endif
