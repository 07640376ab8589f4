/* aside.c: the runs of a batch that are set aside to be settled, and what became of each message
 * (batch.h, slotq_mark.h). Knows runs and outcomes; no verb, no store.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

static bool grow_aside(slotq_batch *batch, uint32_t capacity)
{
    if (capacity <= batch->aside.capacity) {
        return true;
    }
    free(batch->aside.runs);
    free(batch->aside.tokens);
    free(batch->aside.outcomes);
    free(batch->aside.hows);
    batch->aside.runs = malloc(capacity * sizeof *batch->aside.runs);
    batch->aside.tokens = malloc(capacity * sizeof *batch->aside.tokens);
    batch->aside.outcomes = malloc(capacity);
    batch->aside.hows = malloc(capacity);
    batch->aside.capacity = capacity;
    if (batch->aside.runs == NULL || batch->aside.tokens == NULL || batch->aside.outcomes == NULL ||
        batch->aside.hows == NULL) {
        batch->aside.capacity = 0;
        return false;
    }
    return true;
}

static void swap_marks(slotq_batch *batch)
{
    if (batch->marks.capacity == 0 && batch->aside.marks.capacity == 0) {
        return; /* this batch never had any */
    }
    const batch_marks marks = batch->marks;
    batch->marks = batch->aside.marks;
    batch->aside.marks = marks;
}

bool batch_set_aside(slotq_batch *batch, slotq_settle_how how)
{
    batch->aside.told_count = 0;
    if (!grow_aside(batch, batch->count)) {
        return false;
    }
    memcpy(batch->aside.runs, batch->runs, batch->run_count * sizeof *batch->runs);
    batch->aside.run_count = batch->run_count;
    batch->aside.count = batch->count;
    batch->aside.group = batch->group;
    batch->aside.how = (uint8_t)how;
    batch->aside.is_mixed = false;
    batch->aside.at_run = 0;
    batch->aside.at_first = 0;
    swap_marks(batch);
    batch->marks.count = 0;
    return true;
}

/* ---- brought back ---- */

void batch_bring_marks_back(slotq_batch *batch)
{
    swap_marks(batch);
}

void batch_bring_back_failed(slotq_batch *batch)
{
    uint32_t runs = 0;
    uint32_t count = 0;
    uint32_t message = 0;
    for (uint32_t i = 0; i < batch->aside.run_count; i++) {
        const slotq_run *run = &batch->aside.runs[i];
        bool joins = false;
        for (uint32_t k = 0; k < run->count; k++, message++) {
            const bool stays = batch_may_settle_again(batch->aside.outcomes[message]);
            if (stays && joins) {
                batch->runs[runs - 1].count++;
            } else if (stays) { /* never more runs than messages: there is room */
                batch->runs[runs++] = (slotq_run){run->id + k, run->token, 1};
            }
            joins = stays;
            count += stays;
        }
    }
    memset(batch->harvest.offsets, 0, runs * sizeof *batch->harvest.offsets);
    batch->kind = BATCH_UNSETTLED;
    batch->run_count = runs;
    batch->count = count;
    batch->group = batch->aside.group;
    swap_marks(batch);
    slotq_batch_rewind(batch);
}

/* ---- told ---- */

void batch_tell(slotq_batch *batch, slotq_outcome failed)
{
    for (uint32_t i = 0; failed != SLOTQ_OK && i < batch->aside.count; i++) {
        if (!batch->aside.is_mixed || batch->aside.outcomes[i] == BATCH_NOT_SETTLED) {
            batch->aside.outcomes[i] = (uint8_t)failed;
        }
    }
    batch->aside.told_count = batch->aside.count;
}

void batch_tell_extended(slotq_batch *batch, const uint32_t *tokens)
{
    uint32_t message = 0;
    for (uint32_t i = 0; i < batch->aside.run_count; i++) {
        for (uint32_t k = 0; k < batch->aside.runs[i].count; k++, message++) {
            const bool is_new = batch->aside.outcomes[message] == SLOTQ_OK;
            batch->aside.tokens[message] = is_new ? tokens[message] : batch->aside.runs[i].token;
        }
    }
    memset(batch->aside.hows, SLOTQ_SETTLE_EXTEND, batch->aside.count);
    batch->aside.is_mixed = true;
    batch->aside.told_count = batch->aside.count;
}

slotq_settled batch_sum_up(const slotq_batch *batch, slotq_outcome failed)
{
    slotq_settled sum = {0};
    slotq_outcome first = failed;
    slotq_outcome refused = SLOTQ_OK;
    uint32_t message = 0;
    for (uint32_t i = 0; i < batch->aside.run_count; i++) {
        const slotq_run *run = &batch->aside.runs[i];
        for (uint32_t k = 0; k < run->count; k++, message++) {
            const slotq_outcome outcome = (slotq_outcome)batch->aside.outcomes[message];
            if (outcome == SLOTQ_OK) {
                sum.ok_count++;
            } else if (!parts_is_of_messages(outcome)) {
                sum.failed_count++;
                first = first == SLOTQ_OK ? outcome : first;
            } else if (sum.refused_count++ == 0) {
                sum.refused_id = run->id + k;
                refused = outcome;
            }
        }
    }
    sum.outcome = first != SLOTQ_OK ? first : refused;
    return sum;
}

bool slotq_batch_settled(slotq_batch *batch, uint32_t index, slotq_settled_message *message)
{
    if (batch == NULL || message == NULL || index >= batch->aside.told_count) {
        return false;
    }
    uint32_t entry = batch->aside.at_run;
    uint32_t first = batch->aside.at_first;
    if (index < first) {
        entry = 0;
        first = 0;
    }
    while (index - first >= batch->aside.runs[entry].count) {
        first += batch->aside.runs[entry++].count;
    }
    batch->aside.at_run = entry;
    batch->aside.at_first = first;
    const slotq_run *run = &batch->aside.runs[entry];
    const bool is_mixed = batch->aside.is_mixed;
    const uint8_t how = is_mixed ? batch->aside.hows[index] : batch->aside.how;
    *message = (slotq_settled_message){
        .id = run->id + (index - first),
        .token = is_mixed ? batch->aside.tokens[index] : run->token,
        .how = (slotq_settle_how)how,
        .outcome = (slotq_outcome)batch->aside.outcomes[index],
    };
    return true;
}
