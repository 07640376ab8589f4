/* harvest.h: taking the slots of an answered call out of an image. Knows slots' places and
 * lengths; no lock, no file, nothing of what a payload means.
 */
#ifndef SLOTQ_BACKEND_HARVEST_H
#define SLOTQ_BACKEND_HARVEST_H

#include "backend.h"

/* Bytes of the note that stand before each slot of a harvest: a dead_list has notes. */
static inline uint32_t harvest_note_bytes(const slotq_view *view, const slotq_call *call)
{
    return call->verb == SLOTQ_DEAD_LIST ? view->geometry.note_bytes : 0;
}

/* After a reserve, peek or list answered OK, and before anybody else may write: fill the
 * harvest from the view's bytes. still: reserved slots stay where they are. */
void harvest_take(const slotq_view *view, const slotq_call *call, bool still,
                  store_harvest *harvest);

#endif
