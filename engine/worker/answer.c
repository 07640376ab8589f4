/* answer.c: the messages of a hand and what the queue answers of each (answer.h). Does not know
 * what is fetched next.
 */
#include "answer.h"

#include "away.h"
#include "hand.h"
#include "owed.h"
#include "settle.h"

static void tell_item(worker_hand *hand, hand_item *item, slotq_outcome outcome)
{
    worker_queue *queue = hand->queue;
    if (item->state == ITEM_HELD) {
        settle_count(queue, NULL, COUNT_GIVEN_BACK, 1);
    } else if (item->is_plain && outcome == SLOTQ_OK) {
        settle_count(queue, item->entry, COUNT_DONE, 1);
    } else {
        const slotq_task_info info = hand_info_of(hand, item);
        settle_told(queue, hand->handle, item->entry, &info, hand_plan(hand, item), outcome,
                    (item->doubts & DOUBT_SETTLED) != 0, hand->ran_ns);
    }
    item->state = ITEM_SETTLED;
}

static slotq_outcome find_token(worker_hand *hand, hand_item *item)
{
    worker_queue *queue = hand->queue;
    pthread_mutex_lock(&queue->lock);
    const slotq_task_info info = {.id = item->id, .attempts = item->attempts};
    const slotq_outcome outcome =
        owed_find_token(queue, hand->generation, &info, &item->token, &item->doubts);
    pthread_mutex_unlock(&queue->lock);
    return outcome;
}

static void settle_apart(worker_hand *hand, hand_item *item, const settlement *plan)
{
    const bool is_current = slotq_geometry_of(hand->handle)->generation == hand->generation;
    slotq_outcome outcome = is_current ? find_token(hand, item) : SLOTQ_REMADE;
    const slotq_run run = {item->id, item->token, 1};
    if (outcome != SLOTQ_OK) {
        if (settle_is_answer(outcome)) {
            tell_item(hand, item, outcome);
        }
        return;
    }
    outcome = slotq_settle_noted(hand->handle, plan->how, hand->queue->options.group, &run, 1,
                                 plan->ms, plan->reason, plan->note, NULL, NULL);
    away_note(hand->queue, hand->handle, outcome);
    if (settle_is_answer(outcome)) {
        tell_item(hand, item, outcome);
    } else {
        item->doubts |= outcome == SLOTQ_OUTCOME_UNKNOWN ? DOUBT_SETTLED : 0;
    }
}

/* The keeper told that it is lost while its handler was about to return. */
static void drop_lost(worker_hand *hand)
{
    if (hand->lost_run >> 16 != hand->epoch) {
        return;
    }
    hand_item *item = &hand->items[(hand->lost_run & 0xffff) - 1];
    if (item->state != ITEM_FINISHED) {
        return;
    }
    if (item->entry != NULL && item->entry->handler.settled != NULL) {
        const slotq_handler *handler = &item->entry->handler;
        const slotq_task_info info = hand_info_of(hand, item);
        handler->settled(handler->context, &info, hand_plan(hand, item)->result, SLOTQ_STALE);
    }
    item->state = ITEM_SETTLED;
}

/* What the keeper settled, and what left, is no more in the batch; what is not acked is marked; an
 * extended message has a token that the batch does not know, and is settled apart. */
void answer_prepare(worker_hand *hand, bool taken)
{
    if (taken) {
        drop_lost(hand);
    }
    for (uint32_t i = 0; i < hand->count; i++) {
        hand_item *item = &hand->items[i];
        const settlement back = settle_release();
        const settlement *plan = item->state == ITEM_HELD ? &back : hand_plan(hand, item);
        const bool is_gone = item->state == ITEM_SETTLED || item->state == ITEM_LEFT;
        const bool is_apart = item->token != item->batch_token || item->doubts != 0;
        if (is_gone || is_apart ||
            (plan->how != SLOTQ_SETTLE_ACK &&
             slotq_mark(hand->handle, plan->how, hand->batch, item->id, plan->ms, plan->reason,
                        plan->note) != SLOTQ_OK)) {
            slotq_batch_drop(hand->batch, item->id);
        }
        if (is_apart && !is_gone) {
            settle_apart(hand, item, plan);
        }
    }
}

/* The answers, one a message. True: some message is still to be settled. Without a trip the batch
 * has the answers of an earlier one, in which the same messages may have been. */
bool answer_tell(worker_hand *hand, bool was_sent)
{
    slotq_settled_message was;
    uint32_t at = 0;
    bool owes = false;
    for (uint32_t i = 0; was_sent && slotq_batch_settled(hand->batch, i, &was); i++) {
        while (at < hand->count && hand->items[at].id != was.id) {
            at++;
        }
        if (at < hand->count && settle_is_answer(was.outcome)) {
            tell_item(hand, &hand->items[at], was.outcome);
        } else if (at < hand->count && was.outcome == SLOTQ_OUTCOME_UNKNOWN) {
            hand->items[at].doubts |= DOUBT_SETTLED;
        }
    }
    for (uint32_t i = 0; i < hand->count; i++) {
        const item_state state = hand->items[i].state;
        owes = owes || state == ITEM_FINISHED || state == ITEM_HELD;
    }
    return owes;
}

/* The runs; and the acks, if all are plain and were OK. */
void answer_count(worker_thread *self, worker_hand *hand, uint64_t ns)
{
    uint32_t all = 0;
    for (uint32_t row = 0; row < mux_count(self->worker->mux); row++) {
        all += self->runs[row];
    }
    for (uint32_t row = 0; all != 0 && row < mux_count(self->worker->mux); row++) {
        const uint32_t count = self->runs[row];
        if (count != 0) {
            const mux_entry *entry = mux_at(self->worker->mux, row);
            if (!hand->is_mixed) {
                settle_count(hand->queue, entry, COUNT_DONE, count);
            }
            settle_count(hand->queue, entry, COUNT_RUN_NS, ns / all * count);
            self->runs[row] = 0;
        }
    }
}
