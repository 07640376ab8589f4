/* sleepers.h: the callers that sleep on one image, and those that a call wakes (FORMAT.md, "Waking
 * one by one").
 * The bits of may_sleep are shared by the stores of the image and lie outside of it. Knows what
 * the steps of a call say; must not know where the bytes are. Under the lock of the image.
 */
#ifndef SLOTQ_BACKEND_SLEEPERS_H
#define SLOTQ_BACKEND_SLEEPERS_H

#include "../layout/fields.h"

enum {
    SLEEPERS_WOKEN_MAX = PLACES_RUNG_MAX, /* of a kind, by one call; they wake others */
    SLEEPERS_FOR_SLOT = SLOTQ_GROUPS_MAX, /* the bits below are the groups; this: a push of one */
    SLEEPERS_FOR_SLOTS                    /* a push of more */
};

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

/* Of one image. */
typedef struct sleepers {
    const slotq_view *view;
    uint32_t *may_sleep; /* a bit for each kind: set by registering, cleared by sleepers_wake */
    bool shared;         /* between processes */
} sleepers;

void sleepers_wake(const sleepers *of, const sleepers_news *news);

#endif
