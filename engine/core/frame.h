/* frame.h: what one step of a verb works on: the front and one group as they will be, and the
 * rules that all verbs share: words, deadlines, head moves, what the front's patches are.
 */
#ifndef SLOTQ_CORE_FRAME_H
#define SLOTQ_CORE_FRAME_H

#include "../layout/bytes.h"
#include "../layout/front.h"
#include "../layout/word.h"
#include "step.h"

enum {
    HEAD_OTHER_DONE_MAX = 1024, /* DONE words other than acked that head passes a verb */
    LOOK_WORDS_MAX = 1024,      /* words a round of sweep or search looks at */
    BURIALS_MAX = 16,           /* deaths a round of sweep */
    ROUNDS_MAX = 4,             /* rounds of a reserve that finds nothing */
    TOKEN_NEAR_TICKS = 4096,    /* a token's bits do not come back within so many */
    DEAD_FULL_RETRY_MS = 60000  /* how long a message waits for room among the dead */
};
#define HALF_RANGE_TICKS (UINT64_C(1) << 23)

typedef struct verb_frame {
    const slotq_view *view;
    slotq_call *call;
    slotq_step *step;
    uint32_t slots;
    uint32_t old_head; /* the header's, as it is in the image */
    front_block front; /* as it will be */
    uint32_t group_index;
    group_block group;   /* as it will be */
    uint32_t least_head; /* of the groups noted so far, steps ahead of old_head */
    bool group_changed;
    bool dead_changed;  /* dead_head, dead_count, dropped or dead_dropped */
    bool front_changed; /* a group, dead or header patch is there: era is repaired with it */
    bool deliverable;   /* a message became deliverable: who waits is woken */
} verb_frame;

/* Begin a step: an empty list of patches, the front loaded. false: CORRUPT. */
bool frame_begin(verb_frame *frame, const slotq_view *view, slotq_call *call, slotq_step *step);

/* Now's tick. A division: for those who need it. */
static inline uint64_t frame_tick(const verb_frame *frame)
{
    return frame->call->now_ms / frame->view->geometry.tick_ms;
}

/* Position in the ring, counted from the loaded group's head. */
static inline uint32_t frame_position(const verb_frame *frame, uint32_t index)
{
    return ring_distance(frame->group.head, index, frame->slots);
}

/* Load a group. false: CORRUPT. */
bool frame_load(verb_frame *frame, uint32_t group);

/* End a step: the patches of group, dead counts, header, era, wake. */
slotq_outcome frame_commit(verb_frame *frame, slotq_outcome outcome);

/* End a step that pushes count messages: the header as one 8-byte patch. */
slotq_outcome frame_commit_push(verb_frame *frame, uint32_t count, slotq_outcome outcome);

/* Refuse: the damage goes to the call, the step has no patch. */
slotq_outcome frame_corrupt(verb_frame *frame, uint64_t offset, const char *what);

/* Patch the block of the loaded group now, for steps that change several groups. */
void frame_patch_group(verb_frame *frame);

/* Mark the queue as waited for; the only write of a refusal. */
slotq_outcome frame_mark_waiting(verb_frame *frame, slotq_outcome outcome);

/* The loaded group's word of a ring slot of [head, tail). */
static inline uint32_t frame_word(const verb_frame *frame, uint32_t index)
{
    SLOTQ_ASSERT(index < frame->slots);
    if (frame_position(frame, index) >= frame_position(frame, frame->group.written)) {
        return 0; /* READY, never delivered, whatever the bytes say */
    }
    return load_u32(frame->view->bytes + word_offset(frame->view, frame->group_index, index));
}

/* Index of an issued id, or false: NOTFOUND (0 or above last_id) or GONE (before head). */
bool frame_find(const verb_frame *frame, uint64_t id, uint32_t *index, slotq_outcome *outcome);

/* Id of a ring slot of [head, tail). */
static inline uint64_t frame_id(const verb_frame *frame, uint32_t index)
{
    return frame->front.last_id + 1 - ring_distance(index, frame->front.tail, frame->slots);
}

/* Words from index on become the DONE word: gap filled, head moved, the rest patched. */
void frame_finish(verb_frame *frame, uint32_t index, uint32_t count, uint32_t word);

/* Head over DONE words already in the image. true: it moved. */
bool frame_move_head(verb_frame *frame);

/* Steps that change several groups note each one's head, changed or not, and then take the
 * least for the header's. */
void frame_note_head(verb_frame *frame);
void frame_take_least_head(verb_frame *frame);

/* Words READY again from index on. */
void frame_made_ready(verb_frame *frame, uint32_t index, uint32_t count);

/* The tick of now + ms, rounded up. */
static inline uint64_t frame_deadline(const verb_frame *frame, uint64_t ms)
{
    const uint64_t tick_ms = frame->view->geometry.tick_ms;
    return (frame->call->now_ms + ms + tick_ms - 1) / tick_ms;
}

/* Note that a deadline was set. */
static inline void frame_set_due(verb_frame *frame, uint64_t deadline)
{
    group_block *group = &frame->group;
    if (deadline < group->due) {
        group->due = deadline;
    }
    if (group->sweep != SWEEP_NONE && deadline < group->due_next) {
        group->due_next = deadline;
    }
    frame->group_changed = true;
}

/* The deadline that makes no recent token come back: moved up, or false where that would need
 * more than the reach (left to the next tick). */
bool frame_fresh_deadline(uint32_t old_word, uint64_t *deadline);

/* ms is 1 to the longest lease or delay. */
static inline bool frame_duration_fits(const slotq_view *view, uint64_t ms)
{
    return ms >= 1 && ms <= (uint64_t)SLOTQ_LEASE_TICKS_MAX * view->geometry.tick_ms;
}

/* count -= by, or CORRUPT with the field's offset in the group block. */
bool frame_take(verb_frame *frame, uint32_t *count, uint32_t by, uint32_t field);

#endif
