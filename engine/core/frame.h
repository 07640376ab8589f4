/* frame.h: the working state of one step: the front and one group as they will be after the step,
 * and the rules that all verbs share: words, deadlines, head moves, the patches of the front.
 */
#ifndef SLOTQ_CORE_FRAME_H
#define SLOTQ_CORE_FRAME_H

#include "../layout/bytes.h"
#include "../layout/front.h"
#include "../layout/word.h"
#include "step.h"

enum {
    HEAD_OTHER_DONE_MAX = 1024, /* DONE words other than acked that head passes per verb */
    LOOK_WORDS_MAX = 1024,      /* words that a round of a sweep or search reads */
    BURIALS_MAX = 16,           /* deaths per round of a sweep */
    ROUNDS_MAX = 4,             /* rounds of a reserve that finds nothing */
    TOKEN_NEAR_TICKS = 4096     /* a token's bits do not come back within this many ticks */
};
#define HALF_RANGE_TICKS (UINT64_C(1) << 23)

/* What keeps the message at the ring's head from stepping aside: the most of all groups that have
 * it as their oldest. */
typedef struct frame_holders {
    uint32_t ahead; /* twice the messages that the group has never been given */
    uint32_t work;  /* the same, and those that it has been given and has not finished */
    bool is_new;    /* the group has never been given the message */
} frame_holders;

typedef struct verb_frame {
    const slotq_view *view;
    slotq_call *call;
    slotq_step *step;
    uint32_t slots;
    uint32_t old_head; /* the header's head in the image */
    front_block front; /* as it will be */
    uint32_t group_index;
    group_block group;      /* as it will be */
    uint32_t old_leased;    /* the group's leased when it was loaded */
    limit_block limit;      /* as it will be; limit_load loads it, for the verbs that need it */
    uint32_t least_head;    /* min of the groups noted so far, in steps ahead of old_head */
    frame_holders holders;  /* of the groups noted so far */
    uint32_t dead_unfilled; /* holes before this position of the dead span may be filled */
    bool group_changed;
    bool limit_changed; /* patched with the group */
    bool group_patched; /* some group's block is patched in this step */
    bool aside_changed; /* aside_count */
    bool dead_changed;  /* dead_head, dead_count, dead_holes, dropped or dead_dropped */
    bool front_changed; /* there is a group, dead or header patch: it also repairs era */
    bool deliverable;   /* a message became deliverable: wake the callers that wait */
} verb_frame;

/* Begin a step: empty the list of patches, load the front. False: CORRUPT. */
bool frame_begin(verb_frame *frame, const slotq_view *view, slotq_call *call, slotq_step *step);

/* The tick of now. This is a division: call it only if needed. */
static inline uint64_t frame_tick(const verb_frame *frame)
{
    return frame->call->now_ms / frame->view->geometry.tick_ms;
}

/* Slots of the ring in use. */
static inline uint32_t frame_used(const verb_frame *frame)
{
    return ring_distance(frame->front.head, frame->front.tail, frame->slots);
}

/* Position in the ring, counted from the loaded group's head. */
static inline uint32_t frame_position(const verb_frame *frame, uint32_t index)
{
    return ring_distance(frame->group.head, index, frame->slots);
}

/* OK: the queue takes new messages. CLOSED, PAUSED. */
static inline slotq_outcome frame_takes_new(const verb_frame *frame)
{
    return frame->front.paused & SLOTQ_PAUSE_CLOSED ? SLOTQ_CLOSED
           : frame->front.paused & SLOTQ_PAUSE_IN   ? SLOTQ_PAUSED
                                                    : SLOTQ_OK;
}

/* Load a group. False: CORRUPT. */
bool frame_load(verb_frame *frame, uint32_t group);

/* End a step: the patches of group, dead counts, header, era, wake. */
slotq_outcome frame_commit(verb_frame *frame, slotq_outcome outcome);

/* End a step that pushes count messages, which these groups (a bit each) deliver: the header as one
 * 8-byte patch. */
slotq_outcome frame_commit_push(verb_frame *frame, uint32_t count, uint32_t groups,
                                slotq_outcome outcome);

/* Refuse as CORRUPT: copy the damage to the call, empty the step. */
slotq_outcome frame_corrupt(verb_frame *frame, uint64_t offset, const char *what);

/* Patch the block of the loaded group now, for steps that change several groups. */
void frame_patch_group(verb_frame *frame);

/* With stamps: the tick of now becomes the stamp of the slot at an offset. */
void frame_patch_stamp(verb_frame *frame, uint32_t slot);

/* The loaded group's word of a ring slot of [head, tail). */
static inline uint32_t frame_word(const verb_frame *frame, uint32_t index)
{
    SLOTQ_ASSERT(index < frame->slots);
    if (frame_position(frame, index) >= frame_position(frame, frame->group.written)) {
        return 0; /* READY, never delivered, whatever the bytes are */
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

/* The words from index on become the DONE word: fill the gap, move the head, patch the rest. */
void frame_finish(verb_frame *frame, uint32_t index, uint32_t count, uint32_t word);

/* Move the head over DONE words that are already in the image. True: it moved. */
bool frame_move_head(verb_frame *frame);

/* Move the head over the message there, whatever its word is, and then over DONE words. */
void frame_leave_head(verb_frame *frame);

/* A step that changes several groups notes each group, changed or not, and then sets the header's
 * head to the min. */
void frame_note_group(verb_frame *frame);
void frame_take_least_head(verb_frame *frame);

/* The message at the ring's head may step aside, by the holders of all groups, which are noted. */
bool frame_holders_let_go(const verb_frame *frame);

/* The message at the ring's head may step aside (FORMAT.md, "Making room"), after this step's
 * change of the loaded group. Loads no group. False: another group is CORRUPT. */
bool frame_may_step_aside(verb_frame *frame, bool *may);

/* The word at index is READY: the search for retries begins there or before. */
void frame_retry_from(verb_frame *frame, uint32_t index);

/* The tick of now + ms, rounded up. */
static inline uint64_t frame_deadline(const verb_frame *frame, uint64_t ms)
{
    const uint64_t tick_ms = frame->view->geometry.tick_ms;
    return (frame->call->now_ms + ms + tick_ms - 1) / tick_ms;
}

/* Set a deadline: lower due, and due_next while a sweep runs. */
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

/* Move a deadline up so that no recent token comes back. False if that would need more than the
 * reach: the message is left until the next tick. */
bool frame_fresh_deadline(uint32_t old_word, uint64_t *deadline);

/* True if ms is a valid lease or delay. */
static inline bool frame_duration_fits(const slotq_view *view, uint64_t ms)
{
    return ms >= 1 && ms <= (uint64_t)SLOTQ_LEASE_TICKS_MAX * view->geometry.tick_ms;
}

/* count -= by. False: CORRUPT, with the offset of the field in the group block. */
bool frame_take(verb_frame *frame, uint32_t *count, uint32_t by, uint32_t field);

#endif
