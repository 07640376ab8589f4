/* check_groups.c: group blocks against the state words that they count (FORMAT.md, "Group
 * block", "State word", "Deadlines").
 */
#include "aside_index.h"
#include "bytes.h"
#include "check.h"
#include "fields.h"
#include "ring.h"
#include "word.h"

enum { TOKEN_PUSH_TICKS = 4095 }; /* the most that the token rule adds to a deadline */

/* The latest deadline that any verb can set. */
static uint64_t deadline_max(const slotq_geometry *geometry)
{
    const uint64_t tick_ms = geometry->tick_ms;
    return (SLOTQ_NOW_MS_MAX + SLOTQ_LEASE_TICKS_MAX * tick_ms + tick_ms - 1) / tick_ms +
           TOKEN_PUSH_TICKS;
}

static bool check_due(const slotq_view *view, uint32_t offset, const group_block *block,
                      slotq_damage *damage)
{
    if (block->due == DUE_NONE && block->leased + block->waiting > 0) {
        return damage_found(damage, offset + AT_group_due,
                            "group.due is none, but a word has a deadline");
    }
    if (block->due != DUE_NONE && block->due > deadline_max(&view->geometry)) {
        return damage_found(damage, offset + AT_group_due, "group.due is beyond all deadlines");
    }
    if (block->sweep == SWEEP_NONE && block->due_next != DUE_NONE) {
        return damage_found(damage, offset + AT_group_due_next,
                            "group.due_next is set, but no sweep runs");
    }
    if (block->due_next < block->due) {
        return damage_found(damage, offset + AT_group_due_next,
                            "group.due_next is before group.due");
    }
    if (block->due_next != DUE_NONE && block->due_next > deadline_max(&view->geometry)) {
        return damage_found(damage, offset + AT_group_due_next,
                            "group.due_next is beyond all deadlines");
    }
    return true;
}

/* The rule that a word of a message that was delivered breaks, or NULL. */
static const char *fault_delivered(uint32_t word, uint32_t max_attempts)
{
    const uint32_t attempts = word_attempts(word);
    if (word_is_done(word)) {
        return word == WORD_ACKED || word == WORD_DEAD || word == WORD_REMOVED ||
                       word == WORD_OTHER_GROUP
                   ? NULL
                   : "a DONE word is none of 0x003, 0x103, 0x203, 0x403";
    }
    if (word_is_ready(word)) {
        return max_attempts != 0 && attempts >= max_attempts
                   ? "a READY word has max_attempts or more"
                   : NULL;
    }
    if (attempts == 0 && word_state(word) == SLOTQ_STATE_LEASED) {
        return "a LEASED word has 0 attempts";
    }
    return max_attempts != 0 && attempts > max_attempts ? "a word has more than max_attempts"
                                                        : NULL;
}

/* The rule that a word of [cursor, written) breaks, or NULL. */
static const char *fault_ahead(uint32_t word)
{
    return word == 0 || word == WORD_REMOVED || word == WORD_OTHER_GROUP
               ? NULL
               : "a word in [cursor, written) is none of 0, 0x203, 0x403";
}

/* Words of [head, written), one by one; those behind cursor are counted by state. */
static bool check_words(const slotq_view *view, uint32_t group, const group_block *block,
                        uint32_t counts[4], slotq_damage *damage)
{
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t cursor = ring_distance(block->head, block->cursor, slots);
    const uint32_t written = ring_distance(block->head, block->written, slots);
    const uint32_t retry_from = ring_distance(block->head, block->retry_from, slots);
    const uint32_t ungathered = block->sweep == SWEEP_NONE || block->due_next != DUE_NONE
                                    ? 0
                                    : ring_distance(block->head, block->sweep, slots);
    for (uint32_t i = 0; i < written; i++) {
        const uint32_t offset = word_offset(view, group, ring_add(block->head, i, slots));
        const uint32_t word = load_u32(view->bytes + offset);
        const char *fault =
            i < cursor ? fault_delivered(word, view->geometry.max_attempts) : fault_ahead(word);
        if (fault != NULL) {
            return damage_found(damage, offset, fault);
        }
        if (i < retry_from && word_is_ready(word)) {
            return damage_found(damage, group_offset(group) + AT_group_retry_from,
                                "group.retry_from is behind a READY message");
        }
        if (i < ungathered && word_has_deadline(word)) {
            return damage_found(damage, group_offset(group) + AT_group_due_next,
                                "group.due_next is none, but a deadline was passed");
        }
        counts[word_state(word)] += i < cursor;
    }
    return true;
}

/* The words aside; check_aside looks at the entries and slots. */
static bool check_words_aside(const slotq_view *view, uint32_t group, uint32_t aside_count,
                              uint32_t counts[4], slotq_damage *damage)
{
    for (uint32_t i = 0; i < aside_count; i++) {
        const uint32_t slot = aside_slot(view, i);
        if (slot >= view->geometry.aside_slots) {
            return damage_found(damage, aside_entry_offset(view, i) + AT_aside_slot,
                                "aside.slot is not below aside_slots");
        }
        const uint32_t offset = aside_word_offset(view, group, slot);
        const uint32_t word = load_u32(view->bytes + offset);
        const char *fault = fault_delivered(word, view->geometry.max_attempts);
        if (fault != NULL) {
            return damage_found(damage, offset, fault);
        }
        counts[word_state(word)]++;
    }
    return true;
}

static bool check_group(const slotq_view *view, const front_block *front, uint32_t group,
                        const group_block *block, slotq_damage *damage)
{
    const uint32_t offset = group_offset(group);
    uint32_t counts[4] = {0, 0, 0, 0};
    if (!check_due(view, offset, block, damage) ||
        !check_words(view, group, block, counts, damage) ||
        !check_words_aside(view, group, front->aside_count, counts, damage)) {
        return false;
    }
    if (block->ready_behind != counts[SLOTQ_STATE_READY]) {
        return damage_found(damage, offset + AT_group_ready_behind,
                            "group.ready_behind is not the number of READY words");
    }
    if (block->leased != counts[SLOTQ_STATE_LEASED]) {
        return damage_found(damage, offset + AT_group_leased,
                            "group.leased is not the number of LEASED words");
    }
    if (block->waiting != counts[SLOTQ_STATE_WAITING]) {
        return damage_found(damage, offset + AT_group_waiting,
                            "group.waiting is not the number of WAITING words");
    }
    limit_block limit;
    return front_load_limit(view, group, &limit, damage);
}

bool check_groups(const slotq_view *view, const front_block *front, slotq_damage *damage)
{
    bool at_head = false;
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        group_block block;
        if (!front_load_group(view, front, group, &block, damage) ||
            !check_group(view, front, group, &block, damage)) {
            return false;
        }
        at_head = at_head || block.head == front->head;
    }
    if (!at_head) {
        return damage_found(damage, AT_header_head, "header.head is not the oldest group.head");
    }
    return true;
}
