/* slotq_core.h: the queue's verbs as pure functions on bytes. Freestanding: no malloc, no stdio,
 * no errno, no clock, no globals. For devices without an operating system; libslotq uses it too.
 *
 * A verb is a sequence of steps. A step reads the image, checks everything, and names patches; it
 * writes only to the call and the step. The caller applies all patches of a step before it computes
 * the next step:
 *
 *     slotq_call call;
 *     slotq_core_begin(&call, SLOTQ_PUSH, now_ms);
 *     call.push.messages = messages;
 *     call.push.keys = NULL;
 *     call.push.count = 1;
 *     call.push.may_wait = false;
 *     slotq_outcome outcome;
 *     do {
 *         outcome = slotq_core_step(&view, &call, &step);
 *         slotq_core_apply(bytes, &view, &step);
 *     } while (outcome == SLOTQ_MORE);
 *
 * `slotq_core_run` is that loop. The step that refuses has no patch; earlier steps of the call
 * (sweeps, head moves) stay done. FORMAT.md is the norm for bytes and rules. Memory that must
 * survive the loss of power in the middle of a step: see tools/examples/device/holder.h.
 *
 * Threads: there is no shared state. Two threads must not step one image at the same time.
 * Time: now_ms is in milliseconds since 1970 UTC, 0 to SLOTQ_NOW_MS_MAX; above it is INVALID.
 */
#ifndef SLOTQ_CORE_H
#define SLOTQ_CORE_H

#include "slotq_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An opened image. bytes are borrowed and must outlive the view. The geometry is a copy: a change
 * of the bytes underneath cannot move a bound. Callers read the view and never write it. */
typedef struct slotq_view {
    const uint8_t *bytes;
    uint32_t image_bytes;
    uint32_t stride; /* bytes of a slot: length, [stamp], [check], payload */
    uint32_t states_offset;
    uint32_t keys_offset;
    uint32_t buckets_offset;
    uint32_t ring_offset;
    uint32_t ring_end; /* of the last ring slot's bytes */
    uint32_t later_index_offset;
    uint32_t later_keys_offset;
    uint32_t later_ring_offset;
    uint32_t aside_index_offset;
    uint32_t aside_words_offset;
    uint32_t aside_keys_offset;
    uint32_t aside_slots_offset;
    uint32_t dead_offset;
    slotq_geometry geometry;
} slotq_view;

/* The verbs. ACK to KILL are "settle" verbs and use slotq_call.settle. */
typedef enum slotq_verb {
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step) SLOTQ_##NAME = (number),
#include "verbs.def"
#undef SLOTQ_VERB
    SLOTQ_VERB_COUNT
} slotq_verb;

/* "push" for SLOTQ_PUSH; "?" for a number that is not a verb. Static. */
const char *slotq_core_verb_name(slotq_verb verb);

/* True if the verb never has a patch, so that a caller that may not write can run it. False for a
 * number that is not a verb. */
bool slotq_core_verb_only_reads(slotq_verb verb);

/* True if a client may send the verb again after it lost the reply, because a second run does no
 * more than the first. False for a number that is not a verb. */
bool slotq_core_verb_may_repeat(slotq_verb verb);

/* push: all messages or none. count 1 to SLOTQ_CALL_MESSAGES_MAX, payloads together at most
 * SLOTQ_CALL_BYTES_MAX bytes. OK, FULL (holder names the message that keeps the ring full), TOOBIG,
 * CLOSED, PAUSED, INVALID. */
typedef struct slotq_call_push {
    const slotq_data *messages; /* borrowed until the last step is applied */
    const uint64_t *keys;       /* one a message, 0 = none; or NULL: no message has one */
    uint32_t count;
    slotq_key_mode key_mode; /* with keys */
    bool may_wait;           /* on FULL, mark in the image that a caller waits for room */
    uint64_t first_id;       /* out, OK: id of the first message; the rest follow */
    uint32_t used;           /* out, OK: messages in the ring then; 0: a server did not tell */
    bool sleepers;           /* out, OK, used > 0: of a server: clients slept at this shard, and no
                                group has a limit */
    slotq_holder holder;     /* out, FULL; id 0: too many keys in one chain */
    slotq_key_holder taken;  /* out, DUPLICATE */
    uint64_t *ids;           /* the core leaves these two alone: see slotq_push_options */
    uint8_t *outcomes;
} slotq_call_push;

/* reserve: lease up to limit messages. OK, EMPTY, LIMITED (messages are ready, but the limits of
 * the group let none go), AGAIN, PAUSED, INVALID. */
typedef struct slotq_call_reserve {
    uint64_t lease_ms; /* 1 to SLOTQ_LEASE_TICKS_MAX * tick_ms */
    slotq_run *runs;   /* out: room for run_capacity runs; limit runs are always enough */
    uint32_t run_capacity;
    uint32_t run_count;     /* out */
    uint32_t message_count; /* out: messages in all runs */
    uint32_t limit;         /* 1 to SLOTQ_CALL_MESSAGES_MAX */
    uint8_t group;
    bool may_wait;        /* on EMPTY, AGAIN or LIMITED, mark that a caller waits for a message */
    uint64_t next_due_ms; /* out, EMPTY, AGAIN, LIMITED: the time when a message may go without a
                             call; UINT64_MAX = never */
    bool kept;            /* out, where a place of a server was registered: it was set before ... */
    uint16_t others;      /* ... so many other places of its row are set, ... */
    uint16_t before;      /* ... and so many of these are told before it */
} slotq_call_reserve;

/* ack, nack, release, extend, kill. The outcome is OK if all messages are OK, otherwise the outcome
 * of the first message that was refused. INVALID comes before anything is done. */
typedef struct slotq_call_settle {
    const slotq_run *runs; /* ids and tokens as reserve gave them; borrowed */
    uint32_t run_count;    /* all runs together: 1 to SLOTQ_CALL_MESSAGES_MAX messages */
    uint8_t group;
    uint8_t reason;      /* nack, kill: kept with the dead, 0 to 255 */
    uint8_t note_bytes;  /* nack, kill: of note; the queue's note_bytes are kept at most */
    const void *note;    /* nack, kill: kept with the dead, for people; borrowed; NULL if none */
    uint64_t ms;         /* nack, release: delay, 0 = none; extend: lease; LEASE_TICKS_MAX ticks */
    uint8_t *outcomes;   /* out, or NULL: one byte per message, slotq_outcome 0 to 4 */
    uint32_t *tokens;    /* out, or NULL: extend only, the new token or 4 * outcome */
    uint32_t ok_count;   /* out: messages settled */
    uint32_t dead_count; /* out: messages of ok_count that died */
} slotq_call_settle;

/* remove: finish a READY or WAITING message. OK, LEASED, GONE, NOTFOUND, INVALID. */
typedef struct slotq_call_remove {
    uint64_t id;
    uint8_t group; /* or SLOTQ_ALL_GROUPS */
} slotq_call_remove;

/* reclaim: one bounded sweep. OK (the sweep is complete), AGAIN (more is left), INVALID. */
typedef struct slotq_call_reclaim {
    uint8_t group;
    uint32_t ready_count; /* out: messages made READY */
    uint32_t dead_count;  /* out: messages that died */
} slotq_call_reclaim;

/* A dead message that the caller of redrive has judged. */
typedef struct slotq_judged {
    uint64_t id;
    uint8_t group; /* it died in this group */
    bool is_damaged;
} slotq_judged;

/* redrive: push dead messages again, oldest first; damaged ones stay dead, as the newest. OK, FULL
 * and PAUSED (count were pushed before that), INVALID. With an id: only that message, and a damaged
 * one stays where it is; also NOTFOUND. dead_remove: delete a message. OK, NOTFOUND, INVALID.
 * dead_purge: delete all dead messages; count is their number. */
typedef struct slotq_call_dead {
    uint64_t id;      /* redrive: of this message alone, 0 = the oldest ones; dead_remove */
    uint8_t group;    /* with an id: that died in this group, or SLOTQ_ALL_GROUPS */
    uint32_t limit;   /* redrive: max messages to look at, 1 to SLOTQ_CALL_MESSAGES_MAX */
    uint32_t count;   /* out: redrive: messages pushed; dead_remove, dead_purge: deleted */
    uint32_t damaged; /* out: redrive: messages that stay dead because they are damaged */
    uint32_t judged_count;
    uint64_t first_id;          /* out: redrive, the first new id; 0 = none */
    uint64_t *ids;              /* the core leaves it alone: see slotq_dead_redrive */
    const slotq_judged *judged; /* redrive of a queue with checks where a script runs it, which
                                   cannot compute them; the core judges for itself */
} slotq_call_dead;

/* pause, resume: SLOTQ_PAUSE_…; INVALID if 0 or above SLOTQ_PAUSE_ALL. */
typedef struct slotq_call_pause {
    uint8_t what;
} slotq_call_pause;

/* status: OK, FINISHED, NOTFOUND, INVALID. */
typedef struct slotq_call_status {
    uint64_t id;
    uint8_t group;
    slotq_status status; /* out */
} slotq_call_status;

/* limit: what a group may take; retries count like new messages. OK, INVALID (also a burst without
 * a rate). */
typedef struct slotq_call_limit {
    slotq_limits limits;
    uint8_t group;
    uint8_t what; /* which of them to set: SLOTQ_LIMIT_…, 1 to SLOTQ_LIMIT_ALL */
} slotq_call_limit;

/* schedule: messages that no worker gets before due_ms; all or none. count as in push, and at most
 * later_slots. OK, FULL (no room in the later section), EMPTY (not_past, and due_ms has passed),
 * TOOBIG, CLOSED, PAUSED, INVALID. */
typedef struct slotq_call_schedule {
    const slotq_data *messages; /* borrowed until the last step is applied */
    const uint64_t *keys;       /* one a message, 0 = none; or NULL: no message has one */
    uint64_t due_ms;            /* 0 to SLOTQ_NOW_MS_MAX */
    uint32_t count;
    slotq_key_mode key_mode; /* with keys */
    uint64_t first_later_id; /* out, OK: later id of the first message; the rest follow */
    bool not_past;           /* do nothing if due_ms is now or before */
    slotq_key_holder taken;  /* out, DUPLICATE */
    uint64_t *ids;           /* as in push */
    uint8_t *outcomes;
} slotq_call_schedule;

/* find: where a key is. OK, NOTFOUND, INVALID (0, a first byte of 0, a queue without keys). */
typedef struct slotq_call_find {
    uint64_t key;
    slotq_key_holder holder; /* out */
} slotq_call_find;

/* cancel: take a scheduled message out. OK, NOTFOUND (promoted, cancelled, or never scheduled),
 * INVALID (0). */
typedef struct slotq_call_cancel {
    uint64_t later_id;
} slotq_call_cancel;

/* kick: end a delay before its time. A WAITING message becomes READY: OK (also if it waits for
 * nothing), LEASED, GONE, DEADFULL (it waits for room among the dead), NOTFOUND, INVALID. is_later:
 * a scheduled message becomes due: OK, NOTFOUND, INVALID (0). */
typedef struct slotq_call_kick {
    uint64_t id; /* is_later: its later id */
    uint8_t group;
    bool is_later;
} slotq_call_kick;

/* A message of the window, of the dead section or of the later section, with its place in the
 * image. */
typedef struct slotq_item {
    uint64_t id;          /* later: its later id */
    uint64_t due_ms;      /* later only */
    uint64_t died_at_ms;  /* dead only */
    uint32_t word;        /* window: the state word; a LEASED one is the token */
    uint32_t slot_offset; /* of the slot in the image: see slotq_core_slot */
    uint8_t group;        /* dead: it died in this group; window: the group asked for */
    uint8_t reason;       /* dead only */
    uint8_t attempts;
    uint8_t note_bytes; /* dead only: bytes of the note, at slot_offset - geometry.note_bytes */
    slotq_state state;  /* window only */
} slotq_item;

/* peek: messages of the group's window from an id on, finished ones included. dead_list: dead
 * messages, oldest first, without the first `from`. later_list: scheduled messages, in the order of
 * the heap, which is not that of time, without the first `from`. OK, EMPTY (no messages there),
 * INVALID. */
typedef struct slotq_call_look {
    uint64_t from;     /* peek: first id wanted, 0 = oldest; the lists: how many to skip */
    slotq_item *items; /* out: room for capacity items */
    uint32_t capacity; /* 1 to SLOTQ_CALL_MESSAGES_MAX */
    uint32_t count;    /* out */
    uint8_t group;     /* peek; dead_list with an id: or SLOTQ_ALL_GROUPS */
    uint64_t id;       /* dead_list: only this message, 0 = all */
} slotq_call_look;

/* stats: OK, INVALID. */
typedef struct slotq_call_stats {
    uint8_t group;
    slotq_stats stats; /* out */
} slotq_call_stats;

/* finish: whether a closed queue has come to its end. OK, UNFINISHED (it is not closed, or has
 * messages in the ring, aside, scheduled or dead). */
typedef struct slotq_call_finish {
    uint64_t last_id; /* out, OK: no message of this queue has or will have an id above it */
} slotq_call_finish;

/* The state of a verb between two of its steps. Private to the core, but for the first two. */
typedef struct slotq_progress {
    bool asks_ring; /* set after slotq_core_begin: the reserve is one of a round (SHARDS.md, rule
                       38), and sets the bit "ring the bell" */
    bool looks; /* set after slotq_core_begin: a reserve leases nothing. OK: one that does may find
                   a message, or change something; else its outcome and next_due_ms. A build with
                   -Os or SLOTQ_NO_LOOK takes no notice of it, and leases */
    uint32_t phase;
    uint32_t round;
    uint32_t run_index;
    uint32_t run_done;
    uint32_t message_index;
    uint32_t looked;     /* words, in this round's sweep or search */
    uint32_t burials;    /* in this round's sweep, or in a whole one */
    uint32_t other_done; /* DONE words other than acked that head has passed */
    uint32_t scan_index;
    uint32_t aside_index; /* the entry of the aside index that is read next */
    uint32_t promoted;    /* scheduled messages, by this call */
    uint32_t aside_left;  /* READY messages aside that were left until the next tick */
    uint32_t made;        /* messages that a reserve made deliverable in its group */
    bool begun;           /* a sweep of this round has started, or a settle's whole one was made */
    bool left;            /* a READY message was left until the next tick */
    bool buried;          /* the sweep made words DONE: head may move */
    slotq_outcome outcome;
} slotq_progress;

/* What the caller of a verb then owes to consumers that sleep at another shard: the bell
 * (SHARDS.md, rule 45): to tell as many as `need` messages need. Only in a shard of a sharded
 * queue. */
typedef struct slotq_nudge {
    uint32_t need;    /* 0: nothing is owed */
    uint32_t counter; /* of `wake`: a hush of this shard compares it */
    uint8_t group;    /* or SLOTQ_ALL_GROUPS */
} slotq_nudge;

/* One running verb: call slotq_core_begin, then set all inputs of the verb. Outputs are complete
 * when the outcome is not SLOTQ_MORE. */
typedef struct slotq_call {
    slotq_verb verb;
    uint64_t now_ms;
    union {
        slotq_call_push push;
        slotq_call_reserve reserve;
        slotq_call_settle settle;
        slotq_call_remove remove;
        slotq_call_reclaim reclaim;
        slotq_call_dead dead;
        slotq_call_pause pause;
        slotq_call_status status;
        slotq_call_look look;
        slotq_call_stats stats;
        slotq_call_limit limit;
        slotq_call_schedule schedule;
        slotq_call_cancel cancel;
        slotq_call_kick kick;
        slotq_call_find find;
        slotq_call_finish finish;
    };
    slotq_progress progress;
    slotq_nudge nudge;   /* out */
    slotq_damage damage; /* out: CORRUPT */
} slotq_call;

/* Begin a call of a verb at time now_ms. Clears only the progress: clearing a whole slotq_call
 * would cost as much as a push. */
static inline void slotq_core_begin(slotq_call *call, slotq_verb verb, uint64_t now_ms)
{
    call->verb = verb;
    call->now_ms = now_ms;
    call->nudge.need = 0;
    __builtin_memset(&call->progress, 0, sizeof call->progress);
}

typedef enum slotq_patch_kind {
    SLOTQ_PATCH_BYTES, /* length bytes of scratch from source on */
    SLOTQ_PATCH_WORDS, /* the 32-bit word `source`, little-endian, length / 4 times */
    SLOTQ_PATCH_COPY,  /* length bytes of the image from source on; never overlaps */
    SLOTQ_PATCH_SLOTS, /* length / stride messages of the call from the source-th on, packed */
    SLOTQ_PATCH_KEYS   /* some of the ring's keys and buckets, as scratch says from source on */
} slotq_patch_kind;

typedef struct slotq_patch {
    uint32_t offset; /* where in the image */
    uint32_t length; /* bytes written there, and KEYS: between there and its end */
    uint32_t source;
    slotq_patch_kind kind;
} slotq_patch;

enum {
    SLOTQ_STEP_PATCHES = 72,
    SLOTQ_STEP_SCRATCH_BYTES = 3136,    /* for 256 keys, in a step of few patches */
    SLOTQ_STEP_SCRATCH_OF_OTHERS = 2560 /* what all other steps use at most */
};

/* The patches of one step, in the order in which they must reach the image: invisible bytes
 * first, the header last. It takes 4,328 bytes of RAM (4,320 with pointers of 32 bits), which the
 * caller keeps from one step of a call to the next: one for each thread that works. */
typedef struct slotq_step {
    uint32_t patch_count;
    uint32_t scratch_used;
    uint32_t visible_count; /* the last visible_count patches change visible bytes */
    bool needs_journal;     /* visible bytes change in more than one place: all or none of them.
                               false: each visible patch is one store, of at most 8 bytes; a machine
                               that cannot store 8 bytes at once journals these steps too */
    bool pushes;            /* the patches change the header's last_id and tail */
    bool wakes;             /* after applying, wake all callers that wait on the wake word; a store
                               that wakes them one by one goes by the next four instead */
    bool changes_group;     /* a group's block: a push may find room now, see slotq_core_room */
    uint16_t wake_groups;   /* a bit for each group in which messages may go, ... */
    uint16_t wake_messages; /* ... and how many it are in each of them, at most */
    uint16_t wake_slots;    /* slots that became free */
    uint32_t stamp;         /* low 32 bits of the push tick, for SLOTS */
    const slotq_data *messages; /* for SLOTS */
    slotq_patch patches[SLOTQ_STEP_PATCHES];
    uint8_t scratch[SLOTQ_STEP_SCRATCH_BYTES];
} slotq_step;
#ifndef __cplusplus
_Static_assert(sizeof(slotq_step) <= 4328, "a step takes the RAM that is told above");
#endif

/* Bytes of an image of this geometry, or 0 if the geometry is out of range (what, if not NULL, then
 * names the field and its limit; static). */
uint32_t slotq_core_image_bytes(const slotq_geometry *geometry, const char **what);

/* Write a fresh image into bytes, which must be slotq_core_image_bytes() long and all zero, at any
 * address. The caller draws the generation at random; it must not be 0. OK or INVALID. */
slotq_outcome slotq_core_create(uint8_t *bytes, uint32_t size, const slotq_geometry *geometry);

/* Open an image: checks magic, version, geometry, size, and the ranges of the front. OK, CORRUPT or
 * VERSION, SHARDED; damage then names the place. O(groups). bytes may lie at any address. */
slotq_outcome slotq_core_open(slotq_view *view, const uint8_t *bytes, uint64_t size,
                              slotq_damage *damage);

/* Open what never changes: magic, version, geometry, size. For a holder that was interrupted while
 * it applied a step: it replays the patches of its journal with this view, then opens the image.
 * Outcomes as slotq_core_open. */
slotq_outcome slotq_core_open_geometry(slotq_view *view, const uint8_t *bytes, uint64_t size,
                                       slotq_damage *damage);

/* Check the whole image against every rule of FORMAT.md. OK (damage->what is NULL) or CORRUPT.
 * O(image). */
slotq_outcome slotq_core_check(const slotq_view *view, slotq_damage *damage);

/* The next step of a call. Returns SLOTQ_MORE or the outcome of the verb; in both cases the caller
 * must apply the step's patches. CORRUPT (see call->damage) if the front breaks its ranges. */
slotq_outcome slotq_core_step(const slotq_view *view, slotq_call *call, slotq_step *step);

/* Write a step's patches into bytes (the view's own, writable). */
void slotq_core_apply(uint8_t *bytes, const slotq_view *view, const slotq_step *step);

/* Write one patch; for callers that order or journal them. */
void slotq_core_apply_patch(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                            const slotq_patch *patch);

/* What a push of one message would find now. For a store that wakes callers one by one, after a
 * step that pushes or changes a group. */
enum {
    SLOTQ_ROOM_NONE,
    SLOTQ_ROOM_FREE, /* a free slot */
    SLOTQ_ROOM_ASIDE /* none, but the oldest message may step aside */
};
uint32_t slotq_core_room(const slotq_view *view);

/* Step and apply until the verb has its outcome, and return it. */
slotq_outcome slotq_core_run(uint8_t *bytes, const slotq_view *view, slotq_call *call,
                             slotq_step *step);

/* The contents of a slot. */
typedef struct slotq_slot {
    const uint8_t *payload;
    uint32_t payload_bytes;
    uint32_t stamp; /* low 32 bits of the push tick; 0 without stamps */
    uint32_t check; /* XXH32 stored; 0 without checks */
} slotq_slot;

/* Image offset of the ring slot of a message of the window (an id from reserve or peek). */
uint32_t slotq_core_slot_offset(const slotq_view *view, uint64_t id);

/* Offset of the next slot in the ring: the messages of a run are in adjacent slots. */
static inline uint32_t slotq_core_slot_after(const slotq_view *view, uint32_t slot_offset)
{
    const uint32_t next = slot_offset + view->stride;
    return next < view->ring_end ? next : view->ring_offset;
}

/* Read the slot at an offset from slotq_core_slot_offset, peek or dead_list. False: the slot is
 * damaged (length over payload_bytes, or the check is not the payload's XXH32). Do not use it; kill
 * the message with SLOTQ_REASON_DAMAGED. payload points into the image. */
bool slotq_core_slot(const slotq_view *view, uint32_t slot_offset, slotq_slot *slot);

/* The same for a slot that was copied out of the image; payload points into bytes. */
bool slotq_core_slot_read(const slotq_geometry *geometry, const uint8_t *bytes, slotq_slot *slot);

/* The push time of a stamp in milliseconds since 1970: of the ticks with these low 32 bits, the one
 * between 2^32 - 2^28 behind and 2^28 - 1 ahead of now_ms. 0 if that would be before 1970. */
uint64_t slotq_core_stamp_ms(const slotq_geometry *geometry, uint32_t stamp, uint64_t now_ms);

#ifdef __cplusplus
}
#endif
#endif
