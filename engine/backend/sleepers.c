/* sleepers.c: see sleepers.h. A bit of may_sleep is cleared when a wake-up found fewer sleepers
 * than it asked for, and the mark in `wake` is clear too: without a mark that is newer than the
 * last ring, no caller is about to sleep on the word as it is.
 */
#include "sleepers.h"

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

uint32_t sleepers_kind_beside(const slotq_call *call, slotq_outcome outcome)
{
    return outcome == SLOTQ_PAUSED && call->verb == SLOTQ_RESERVE && call->reserve.may_wait
               ? UINT32_C(1) << call->reserve.group
               : sleepers_kind(call, outcome);
}

static uint32_t index_of(uint32_t kind)
{
    uint32_t index = 0;
    while ((kind >> index & 1) == 0) {
        index++;
    }
    return index;
}

static uint32_t *word_of(const sleepers *of, uint32_t kind)
{
    return &of->beside->words[index_of(kind)];
}

/* A caller that is about to sleep on the word sees that it is another: the bit need not stay. */
static void wake_beside(const sleepers *of, uint32_t kind, uint32_t most)
{
    uint32_t *word = word_of(of, kind);
    __atomic_fetch_add(word, 1, __ATOMIC_ACQ_REL);
    if (waiting_wake((const uint8_t *)word, WAITING_ANY_KIND, most, of->shared) < most) {
        of->beside->kinds &= ~kind;
    }
}

/* Up to `most` of a kind; mark: its bit of `wake`. */
static void wake_kind(const sleepers *of, uint32_t kind, uint32_t mark, uint32_t most)
{
    const uint8_t *word = of->view->bytes + AT_shared_wake;
    uint32_t woken = 0;
    if ((*of->may_sleep & kind) != 0) {
        woken = waiting_wake(word, kind, most, of->shared);
        if (woken < most && !(waiting_look(word) & mark)) {
            *of->may_sleep &= ~kind;
        }
    }
    if (woken < most && (of->beside->kinds & kind) != 0) {
        wake_beside(of, kind, most == WAITING_ALL ? most : most - woken);
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
    const uint32_t may_sleep = *of->may_sleep | of->beside->kinds;
    uint32_t groups = news->groups & may_sleep & GROUPS_MASK;
    for (; groups != 0; groups &= groups - 1) {
        wake_kind(of, groups & -groups, WAKE_FOR_MESSAGE, messages);
    }
    if ((may_sleep & ~GROUPS_MASK) != 0 &&
        (news->slots > 0 || news->pushes || news->changes_group)) {
        wake_for_room(of, news);
    }
}

waiting_word sleepers_register_beside(const sleepers *of, uint32_t kind)
{
    const uint8_t *word = (const uint8_t *)word_of(of, kind);
    of->beside->kinds |= kind;
    return (waiting_word){word, waiting_look(word), of->shared};
}

bool sleepers_look(const sleepers *of, slotq_call *call, uint32_t kind, slotq_run *none)
{
#if defined(__OPTIMIZE_SIZE__) || defined(SLOTQ_NO_LOOK)
    (void)of;
    (void)call;
    (void)kind;
    (void)none;
    return false; /* this build has no such look */
#else
    if ((kind & GROUPS_MASK) == 0) {
        return false;
    }
    slotq_core_begin(call, SLOTQ_RESERVE, 0 /* the store knows the time */);
    call->progress.looks = true;
    call->reserve = (slotq_call_reserve){.lease_ms = of->view->geometry.tick_ms,
                                         .runs = none,
                                         .run_capacity = 1,
                                         .limit = 1,
                                         .group = (uint8_t)index_of(kind)};
    return true;
#endif
}

void sleepers_pass_on(const sleepers *of, uint32_t kind)
{
    const bool is_for_messages = (kind & GROUPS_MASK) != 0;
    if ((of->beside->kinds & kind) != 0 &&
        (is_for_messages || slotq_core_room(of->view) != SLOTQ_ROOM_NONE)) {
        wake_beside(of, kind, 1);
    }
}

void sleepers_wake_all(const sleepers *of)
{
    (void)waiting_wake(of->view->bytes + AT_shared_wake, WAITING_ANY_KIND, WAITING_ALL, of->shared);
    for (uint32_t i = 0; i < SLEEPERS_KINDS; i++) {
        waiting_stir((uint8_t *)&of->beside->words[i], 1, of->shared);
    }
}
