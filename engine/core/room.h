/* room.h: makes room in the ring: heads move, and a message that holds the ring steps aside
 * (FORMAT.md, "Making room"). Shared by push, redrive and promotion.
 */
#ifndef SLOTQ_CORE_ROOM_H
#define SLOTQ_CORE_ROOM_H

#include "frame.h"

/* One step that may free slots. MORE: apply it and look again; OK: no step can. CORRUPT. */
slotq_outcome room_make(verb_frame *frame);

/* The same; with overwrite, drop the oldest messages if no other step makes room for count. */
slotq_outcome room_make_or_drop(verb_frame *frame, uint32_t count);

#endif
