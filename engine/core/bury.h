/* bury.h: what happens to the bytes of a message that dies (FORMAT.md, "Dying").
 */
#ifndef SLOTQ_CORE_BURY_H
#define SLOTQ_CORE_BURY_H

#include "aside.h"

/* Copy a message of the loaded group to the dead section, or drop it if the queue has none. The
 * caller makes its word DONE. False: the dead section is full, nothing was patched. */
bool bury(verb_frame *frame, const message_place *place, uint32_t attempts, uint8_t reason);

/* What is kept of a death. */
typedef struct bury_death {
    uint32_t attempts;
    uint8_t reason;
    uint8_t note_bytes; /* cut to the geometry's */
    const void *note;   /* NULL if none */
} bury_death;

/* The same with a note. */
bool bury_noted(verb_frame *frame, const message_place *place, const bury_death *death);

#endif
