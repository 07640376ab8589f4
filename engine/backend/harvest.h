/* harvest.h: taking the slots of an answered call out of an image. Knows slots' places and
 * lengths; no lock, no file, nothing of what a payload means.
 */
#ifndef SLOTQ_BACKEND_HARVEST_H
#define SLOTQ_BACKEND_HARVEST_H

#include "backend.h"

/* After a reserve, peek or dead_list answered OK, and before anybody else may write: fill the
 * harvest from the view's bytes. still: reserved slots stay where they are. */
void harvest_take(const slotq_view *view, const slotq_call *call, bool still,
                  store_harvest *harvest);

#endif
