/* sleepers.h: the callers that sleep on one image, and those that a call wakes (FORMAT.md, "Waking
 * one by one").
 * The bits of may_sleep are shared by the stores of the image and lie outside of it. Knows what
 * the steps of a call say; must not know where the bytes are. Under the lock of the image.
 */
#ifndef SLOTQ_BACKEND_SLEEPERS_H
#define SLOTQ_BACKEND_SLEEPERS_H

#include "../layout/fields.h"
#include "system/waiting.h"

enum {
    SLEEPERS_WOKEN_MAX = PLACES_RUNG_MAX, /* of a kind, by one call; they wake others */
    SLEEPERS_FOR_SLOT = SLOTQ_GROUPS_MAX, /* the bits below are the groups; this: a push of one */
    SLEEPERS_FOR_SLOTS,                   /* a push of more */
    SLEEPERS_KINDS
};

/* Sleepers of an image that sleep on other images at the same time: they cannot say their kind, so
 * there is a word for each. Shared by the stores of the image, and outside of it. */
typedef struct sleepers_beside {
    uint32_t kinds;                 /* as may_sleep, of these sleepers */
    uint32_t words[SLEEPERS_KINDS]; /* each wake-up of the kind adds 1 */
} sleepers_beside;

/* What a call did that callers wait for. */
typedef struct sleepers_news {
    uint32_t groups;
    uint32_t messages;
    uint32_t slots;
    bool pushes;
    bool changes_group;
} sleepers_news;

void sleepers_note(sleepers_news *news, const slotq_step *step);

/* What the caller of a refused call may wait for now, as a kind of waiting.h; 0: nothing. */
uint32_t sleepers_kind(const slotq_call *call, slotq_outcome outcome);

/* The same for a caller that sleeps on several images: the others may have what a paused one keeps
 * back. */
uint32_t sleepers_kind_beside(const slotq_call *call, slotq_outcome outcome);

/* Of one image. */
typedef struct sleepers {
    const slotq_view *view;
    uint32_t *may_sleep; /* a bit for each kind: set by registering, cleared by sleepers_wake */
    sleepers_beside *beside;
    bool shared; /* between processes */
} sleepers;

void sleepers_wake(const sleepers *of, const sleepers_news *news);

/* A refused call of a kind, not 0, is about to sleep on its word: which one, as it is now. */
waiting_word sleepers_register_beside(const sleepers *of, uint32_t kind);

/* A caller of a kind that slept so found elsewhere what it waited for, and may have been woken for
 * what is here: that is for another. One that waits for messages makes the call, which leases
 * nothing and wakes another, once it has the lock, if a message is there; none has room for one
 * run. false: pass it on. */
bool sleepers_look(const sleepers *of, slotq_call *call, uint32_t kind, slotq_run *none);
void sleepers_pass_on(const sleepers *of, uint32_t kind);

/* All that sleep there look. Without the lock. */
void sleepers_wake_all(const sleepers *of);

#endif
