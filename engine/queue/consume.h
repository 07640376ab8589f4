/* consume.h: the halves of reserving and settling that consume.c and next.c put together. Knows
 * calls and batches; no store's kind.
 */
#ifndef SLOTQ_QUEUE_CONSUME_H
#define SLOTQ_QUEUE_CONSUME_H

#include "batch.h"
#include "handle.h"

/* What a reserve asks for. */
typedef struct consume_wish {
    uint64_t lease_ms;
    uint32_t limit;
    uint8_t group;
} consume_wish;

/* Group, limit and lease are in range; the refusal is kept. */
bool consume_wish_fits(slotq *queue, const consume_wish *wanted);

slotq_outcome consume_refuse_memory(slotq *queue);

/* OK: the batch has leased messages of this very queue. Else INVALID, or REMADE (of the queue that
 * had the name before: the batch is empty then); the refusal is kept. */
slotq_outcome consume_judge_batch(slotq *queue, slotq_batch *batch);

/* Room in the batch for what is wanted, whose limit may come down. false: no memory. */
bool consume_room(slotq *queue, consume_wish *wanted, slotq_batch *batch);

/* A reserve call, ready for the store; its runs go into the batch. */
void consume_reserve_begin(slotq_call *call, const consume_wish *wanted, bool may_wait,
                           const slotq_batch *batch);

/* It answered OK: the batch has its messages, but for damaged ones, which die here. Asks on while
 * all were damaged, up to a bound, then AGAIN. */
slotq_outcome consume_take(slotq *queue, slotq_call *call, const consume_wish *wanted,
                           bool may_wait, slotq_batch *batch);

/* A first reserve, which had may_wait where wait_ms is not 0, has answered outcome: where it found
 * nothing, wait for something. */
slotq_outcome consume_wait(slotq *queue, slotq_call *call, const consume_wish *wanted,
                           const queue_wait *wait, slotq_outcome outcome, slotq_batch *batch);

/* The way to settle, the group and ms are in range (for the runs the caller answers); the refusal
 * is kept. */
bool consume_how_fits(slotq *queue, slotq_settle_how how);
bool consume_settle_fits(slotq *queue, slotq_settle_how how, uint8_t group, uint64_t ms);
bool consume_note_fits(slotq *queue, const slotq_data *note); /* NULL: there is none */

/* A settle call that lacks only runs, run_count, outcomes and tokens. */
void consume_settle_begin(slotq_call *call, slotq_settle_how how, uint8_t group, uint64_t ms,
                          uint8_t reason);

#endif
