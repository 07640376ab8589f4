/* marks.h: how messages of a batch shall be settled, by their ids. Knows ids and ways; no message,
 * no queue.
 */
#ifndef SLOTQ_QUEUE_MARKS_H
#define SLOTQ_QUEUE_MARKS_H

#include "../slotq.h"

typedef struct batch_mark {
    uint64_t id;
    uint64_t ms;
    uint32_t note_place; /* of its note, in notes of one length */
    bool is_set;
    uint8_t how;
    uint8_t reason;
    uint8_t note_bytes;
} batch_mark;

typedef struct batch_marks {
    batch_mark *list; /* by ascending ids; one that is taken away stays, not set */
    uint8_t *notes;   /* NULL until one has a note */
    uint32_t count;
    uint32_t capacity;
    uint32_t note_capacity;
} batch_marks;

/* Give id a mark; its note is copied. false: no memory, nothing changed. */
bool marks_set(batch_marks *marks, const batch_mark *mark, const void *note);

/* NULL: id has none. */
batch_mark *marks_find(const batch_marks *marks, uint64_t id);

static inline const uint8_t *marks_note(const batch_marks *marks, const batch_mark *mark)
{
    return mark->note_bytes > 0 ? marks->notes + (size_t)mark->note_place * SLOTQ_NOTE_BYTES_MAX
                                : NULL;
}

void marks_free(batch_marks *marks);

#endif
