/* keys.h: which slot holds a key, and how keys come, go and change their slots (FORMAT.md, "Keys",
 * "Judging keys"). Knows holders and chains; must not know why a slot is used. In a build with
 * SLOTQ_NO_KEYS the verbs that write are UNSUPPORTED in a queue with keys, and so are calls with
 * keys and find in any; the check passes over keys.
 */
#ifndef SLOTQ_CORE_KEYS_H
#define SLOTQ_CORE_KEYS_H

#include "frame.h"

/* The keys that a caller gives to count messages. */
typedef struct key_call {
    const uint64_t *keys; /* or NULL */
    uint32_t count;
    slotq_key_mode mode;
} key_call;

#ifndef SLOTQ_NO_KEYS

static inline bool keys_are_used(const slotq_view *view)
{
    return (view->geometry.flags & SLOTQ_FLAG_KEYS) != 0;
}

/* The numbers of the holders aside and of scheduled messages. */
static inline uint32_t key_holder_aside(const slotq_view *view, uint32_t slot)
{
    return view->geometry.ring_slots + slot;
}

static inline uint32_t key_holder_later(const slotq_view *view, uint32_t slot)
{
    return (uint32_t)view->geometry.ring_slots + view->geometry.aside_slots + slot;
}

/* The rules of "Judging keys", 1, before anything is done. False: INVALID. */
bool keys_fit(verb_frame *frame, const key_call *call);

/* The rules of "Judging keys", 2, once in a call. OK, DUPLICATE, FULL, CORRUPT. */
slotq_outcome keys_judge(verb_frame *frame, const key_call *call, slotq_key_holder *taken);

/* A slot is used next: its old key is taken out, in a step. MORE: apply it and call again; OK: it
 * has none. CORRUPT. Without keys in the queue: OK. */
slotq_outcome keys_clear(verb_frame *frame, uint32_t holder);

/* The slots from tail on are used next by the call's messages, with their keys: the same for both,
 * from the message at *done on. */
slotq_outcome keys_make_way(verb_frame *frame, const key_call *call, uint32_t *done);

/* These are a part of the step. Put the keys of the call in, in the ring from tail on. */
void keys_put_in_ring(verb_frame *frame, const key_call *call);

/* Take a holder's key out, if it has one. False: CORRUPT. */
bool keys_take_out(verb_frame *frame, uint32_t holder);

/* Hand a holder's key over, if it has one, to a holder in the ring or, with the message's id,
 * aside. False: CORRUPT. */
bool keys_hand_over(verb_frame *frame, uint32_t from, uint32_t to, uint64_t id);

#ifndef SLOTQ_NO_LATER

/* As keys_clear, for the slot that has a key, which is put in next. */
slotq_outcome keys_forget(verb_frame *frame, uint64_t key);

/* A part of the step: put in the key of a message that is scheduled now, to a later slot. */
void keys_put_in_later(verb_frame *frame, uint64_t key, uint32_t slot, uint32_t later_id);

#endif

#else

#define key_holder_aside(view, slot) (slot)
#define key_holder_later(view, slot) (slot)
#define keys_are_used(view) false
#define keys_fit(frame, call) ((call)->keys == NULL)
#define keys_judge(frame, call, taken) ((void)(call), SLOTQ_OK)
#define keys_clear(frame, holder) ((void)(holder), SLOTQ_OK)
#define keys_forget(frame, key) SLOTQ_OK
#define keys_make_way(frame, call, done) ((void)(call), (void)(done), SLOTQ_OK)
#define keys_put_in_ring(frame, call) ((void)(call))
#define keys_put_in_later(frame, key, slot, later_id) ((void)(key))
#define keys_take_out(frame, holder) true
#define keys_hand_over(frame, from, to, id) true

#endif
#endif
