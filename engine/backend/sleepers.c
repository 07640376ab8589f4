/* sleepers.c: see sleepers.h. A bit of may_sleep is cleared when a wake-up found fewer sleepers
 * than it asked for, and the mark in `wake` is clear too: without a mark that is newer than the
 * last ring, no caller is about to sleep on the word as it is.
 */
#include "sleepers.h"

#include "system/waiting.h"

#define GROUPS_MASK ((UINT32_C(1) << SLEEPERS_FOR_SLOT) - 1)
#define SLOT_MASK (UINT32_C(1) << SLEEPERS_FOR_SLOT)
#define SLOTS_MASK (UINT32_C(1) << SLEEPERS_FOR_SLOTS)

void sleepers_note(sleepers_news *news, const slotq_step *step)
{
    news->groups |= step->wake_groups;
    news->messages += step->wake_messages;
    news->slots += step->wake_slots;
    news->pushes |= step->pushes;
    news->changes_group |= step->changes_group;
}

uint32_t sleepers_kind(const slotq_call *call, slotq_outcome outcome)
{
    if (call->verb == SLOTQ_PUSH && outcome == SLOTQ_FULL && call->push.may_wait) {
        return call->push.count == 1 ? SLOT_MASK : SLOTS_MASK;
    }
    const bool finds_none =
        outcome == SLOTQ_EMPTY || outcome == SLOTQ_AGAIN || outcome == SLOTQ_LIMITED;
    return call->verb == SLOTQ_RESERVE && finds_none && call->reserve.may_wait
               ? UINT32_C(1) << call->reserve.group
               : 0;
}

/* Up to `most` of a kind; mark: its bit of `wake`. */
static void wake_kind(const sleepers *of, uint32_t kind, uint32_t mark, uint32_t most)
{
    const uint8_t *word = of->view->bytes + AT_shared_wake;
    if ((*of->may_sleep & kind) != 0 && waiting_wake(word, kind, most, of->shared) < most &&
        !(waiting_look(word) & mark)) {
        *of->may_sleep &= ~kind;
    }
}

static uint32_t at_most(uint32_t count, uint32_t most)
{
    return count < most ? count : most;
}

/* Each that waits for one slot can use any: as many are woken as became free, and each that pushes
 * wakes another if it leaves room. How many slots the others need is not known: all look. */
static void wake_for_room(const sleepers *of, const sleepers_news *news)
{
    const uint32_t room = slotq_core_room(of->view);
    const bool made = news->slots > 0 || (news->changes_group && room == SLOTQ_ROOM_ASIDE);
    if (room == SLOTQ_ROOM_NONE || (!made && !news->pushes)) {
        return;
    }
    const uint32_t slots = at_most(news->slots, SLEEPERS_WOKEN_MAX);
    wake_kind(of, SLOT_MASK, WAKE_FOR_ROOM, slots > 0 ? slots : 1);
    if (made) {
        wake_kind(of, SLOTS_MASK, WAKE_FOR_ROOM, WAITING_ALL);
    }
}

void sleepers_wake(const sleepers *of, const sleepers_news *news)
{
    const uint32_t messages = at_most(news->messages, SLEEPERS_WOKEN_MAX);
    uint32_t groups = news->groups & *of->may_sleep & GROUPS_MASK;
    for (; groups != 0; groups &= groups - 1) {
        wake_kind(of, groups & -groups, WAKE_FOR_MESSAGE, messages);
    }
    if ((*of->may_sleep & ~GROUPS_MASK) != 0 &&
        (news->slots > 0 || news->pushes || news->changes_group)) {
        wake_for_room(of, news);
    }
}
