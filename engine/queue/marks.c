/* marks.c: see marks.h.
 */
#include "marks.h"

#include <stdlib.h>
#include <string.h>

enum { MARKS_AT_FIRST = 16 };

/* Where id is, or would be. */
static uint32_t place_of(const batch_marks *marks, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = marks->count;
    if (high > 0 && marks->list[high - 1].id < id) { /* most are set in the batch's order */
        return high;
    }
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (marks->list[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

batch_mark *marks_find(const batch_marks *marks, uint64_t id)
{
    const uint32_t at = place_of(marks, id);
    const bool is_there = at < marks->count && marks->list[at].id == id;
    return is_there && marks->list[at].is_set ? &marks->list[at] : NULL;
}

static bool grow(batch_marks *marks)
{
    const uint32_t capacity = marks->capacity > 0 ? marks->capacity * 2 : MARKS_AT_FIRST;
    batch_mark *list = realloc(marks->list, capacity * sizeof *list);
    if (list == NULL) {
        return false;
    }
    marks->list = list;
    marks->capacity = capacity;
    return true;
}

/* A place for each mark that there is room for. */
static bool grow_notes(batch_marks *marks)
{
    uint8_t *notes = realloc(marks->notes, (size_t)marks->capacity * SLOTQ_NOTE_BYTES_MAX);
    if (notes == NULL) {
        return false;
    }
    marks->notes = notes;
    marks->note_capacity = marks->capacity;
    return true;
}

bool marks_set(batch_marks *marks, const batch_mark *mark, const void *note)
{
    const uint32_t at = place_of(marks, mark->id);
    const bool is_new = at == marks->count || marks->list[at].id != mark->id;
    if (is_new && marks->count == marks->capacity && !grow(marks)) {
        return false;
    }
    if (mark->note_bytes > 0 && marks->note_capacity < marks->capacity && !grow_notes(marks)) {
        return false;
    }
    batch_mark *to = &marks->list[at];
    const uint32_t place = is_new ? marks->count : to->note_place;
    if (is_new) {
        memmove(to + 1, to, (marks->count - at) * sizeof *to);
        marks->count++;
    }
    *to = *mark;
    to->note_place = place;
    to->is_set = true;
    if (mark->note_bytes > 0) {
        memcpy(marks->notes + (size_t)place * SLOTQ_NOTE_BYTES_MAX, note, mark->note_bytes);
    }
    return true;
}

void marks_free(batch_marks *marks)
{
    free(marks->list);
    free(marks->notes);
}
