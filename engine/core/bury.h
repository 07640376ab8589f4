/* bury.h: what happens to the bytes of a message that dies (FORMAT.md, "Dying").
 */
#ifndef SLOTQ_CORE_BURY_H
#define SLOTQ_CORE_BURY_H

#include "aside.h"

/* Copy a message of the loaded group to the dead section, or drop it if the queue has none. The
 * caller makes its word DONE. False: the dead section is full, nothing was patched. */
bool bury(verb_frame *frame, const message_place *place, uint32_t attempts, uint8_t reason);

#endif
