/* later_heap.h: the heap of scheduled messages: its entries, their order, and what changes of it in
 * a step (FORMAT.md, "Later"). Knows entries; must not know when a message is due.
 */
#ifndef SLOTQ_CORE_LATER_HEAP_H
#define SLOTQ_CORE_LATER_HEAP_H

#include "frame.h"

#ifndef SLOTQ_NO_LATER

/* The shared fields of the later section, as they will be. */
typedef struct later_block {
    uint64_t due_ms; /* of the root; DUE_NONE = none */
    uint32_t count;
    uint32_t last_id;
} later_block;

/* An entry of the later index. */
typedef struct later_entry {
    uint64_t due_ms;
    uint32_t later_id;
    uint32_t slot; /* its slot number, not checked */
} later_entry;

/* The shared fields, checked against the root. False: CORRUPT. */
bool heap_load(verb_frame *frame, later_block *later);

/* An entry below count. False: CORRUPT. */
bool heap_read(verb_frame *frame, uint32_t place, later_entry *entry);

/* The slot number of the entry at a place is below later_slots. False: CORRUPT. */
bool heap_slot_fits(verb_frame *frame, uint32_t place, const later_entry *entry);

/* The free slot number that the next entry takes; count is below later_slots. False: CORRUPT. */
bool heap_free_slot(verb_frame *frame, const later_block *later, uint32_t *slot);

/* Each of these changes the heap and the shared fields once in a step. False: CORRUPT. */
bool heap_put(verb_frame *frame, later_block *later, const later_entry *entry);
bool heap_take(verb_frame *frame, later_block *later, uint32_t place, const later_entry *entry);
/* The entry at a place is due earlier now. */
bool heap_hasten(verb_frame *frame, later_block *later, uint32_t place, const later_entry *entry);

#endif
#endif
