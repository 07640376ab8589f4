/* room.h: makes room in the ring: heads move, and a message that holds the ring steps aside
 * (FORMAT.md, "Making room"). Shared by push and redrive.
 */
#ifndef SLOTQ_CORE_ROOM_H
#define SLOTQ_CORE_ROOM_H

#include "frame.h"

/* One step that may free slots. MORE: apply it and look again; OK: no step can. CORRUPT. */
slotq_outcome room_make(verb_frame *frame);

#endif
