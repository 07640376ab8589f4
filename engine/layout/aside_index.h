/* aside_index.h: reads the index of the messages aside and their words (FORMAT.md, "Aside"). Must
 * not know what a verb does with them.
 */
#ifndef SLOTQ_LAYOUT_ASIDE_INDEX_H
#define SLOTQ_LAYOUT_ASIDE_INDEX_H

#include "bytes.h"
#include "fields.h"
#include "word.h"

static inline uint64_t aside_id(const slotq_view *view, uint32_t entry)
{
    return load_u48(view->bytes + aside_entry_offset(view, entry) + AT_aside_id);
}

/* The slot number of an entry; damaged if it is not below aside_slots. */
static inline uint32_t aside_slot(const slotq_view *view, uint32_t entry)
{
    return view->bytes[aside_entry_offset(view, entry) + AT_aside_slot];
}

/* Of the first `count` entries, the number that have lower ids. */
static inline uint32_t aside_below(const slotq_view *view, uint32_t count, uint64_t id)
{
    uint32_t from = 0;
    uint32_t to = count;
    while (from < to) {
        const uint32_t middle = (from + to) / 2;
        if (aside_id(view, middle) < id) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* A group other than `except` has not finished the message in a slot. No group has the number
 * SLOTQ_ALL_GROUPS. */
static inline bool aside_is_unfinished(const slotq_view *view, uint32_t slot, uint32_t except)
{
    for (uint32_t group = 0; group < view->geometry.groups; group++) {
        const uint32_t offset = aside_word_offset(view, group, slot);
        if (group != except && !word_is_done(load_u32(view->bytes + offset))) {
            return true;
        }
    }
    return false;
}

#endif
