/* reply_items.c: see reply_items.h.
 */
#include "reply_items.h"

#include <string.h>

#include "../../../layout/bytes.h"
#include "../../../layout/fields.h"
#include "../../../layout/word.h"
#include "../../harvest.h"
#include "packed.h"

static bool is_id(uint64_t id)
{
    return id >= 1 && id <= SLOTQ_ID_MAX;
}

static bool take_peeked(const redis_terms *terms, const slotq_call_look *look, const uint8_t *at,
                        slotq_item *item)
{
    (void)terms;
    item->id = load_u48(at);
    item->word = load_u32(at + PACKED_PEEK_WORD);
    item->due_ms = 0;
    item->died_at_ms = 0;
    item->group = look->group;
    item->reason = 0;
    item->attempts = (uint8_t)word_attempts(item->word);
    item->note_bytes = 0;
    item->state = word_state(item->word);
    return is_id(item->id);
}

static bool take_dead(const redis_terms *terms, const slotq_call_look *look, const uint8_t *at,
                      slotq_item *item)
{
    const uint8_t room = terms->view->geometry.note_bytes;
    (void)look;
    item->id = load_u48(at + AT_dead_id);
    item->word = 0;
    item->due_ms = 0;
    item->died_at_ms = load_u48(at + AT_dead_died_at_ms);
    item->group = at[AT_dead_group];
    item->reason = at[AT_dead_reason];
    item->attempts = at[AT_dead_attempts];
    item->note_bytes = at[AT_dead_note_length] < room ? at[AT_dead_note_length] : room;
    item->state = SLOTQ_STATE_DONE;
    return is_id(item->id) && item->died_at_ms <= SLOTQ_NOW_MS_MAX && item->attempts >= 1 &&
           item->attempts <= WORD_ATTEMPTS_MAX && item->group < terms->view->geometry.groups;
}

static bool take_later(const redis_terms *terms, const slotq_call_look *look, const uint8_t *at,
                       slotq_item *item)
{
    (void)terms;
    (void)look;
    *item = (slotq_item){
        .id = load_u32(at + AT_later_later_id),
        .due_ms = load_u48(at + AT_later_due_ms),
    };
    return item->id != 0 && item->due_ms <= SLOTQ_NOW_MS_MAX;
}

/* The bytes of an item before its note and slot, and what takes them. */
typedef struct item_form {
    size_t head_bytes;
    bool (*take)(const redis_terms *terms, const slotq_call_look *look, const uint8_t *at,
                 slotq_item *item);
} item_form;

static item_form form_of(slotq_verb verb)
{
    switch (verb) {
    case SLOTQ_PEEK:
        return (item_form){PACKED_PEEK_HEAD_BYTES, take_peeked};
    case SLOTQ_DEAD_LIST:
        return (item_form){DEAD_ENTRY_BYTES, take_dead};
    default:
        return (item_form){LATER_ENTRY_BYTES, take_later};
    }
}

bool redis_take_items(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                      store_harvest *harvest)
{
    slotq_call_look *look = &call->look;
    const item_form form = form_of(call->verb);
    const uint32_t note = harvest_note_bytes(terms->view, call);
    const uint32_t kept = note + terms->view->stride;
    const size_t each = form.head_bytes + kept;
    look->count = 0;
    if (reply->type != REDIS_REPLY_STRING || reply->len % each != 0 ||
        reply->len / each > look->capacity) {
        return false;
    }
    const uint32_t count = (uint32_t)(reply->len / each);
    const uint8_t *at = (const uint8_t *)reply->str;
    for (uint32_t i = 0; i < count; i++, at += each) {
        slotq_item *item = &look->items[i];
        item->slot_offset = 0;
        if (!form.take(terms, look, at, item)) {
            return false;
        }
        if (harvest != NULL) {
            harvest->offsets[i] = i * kept + note;
            memcpy(harvest->copies + (size_t)i * kept, at + form.head_bytes, kept);
        }
    }
    if (harvest != NULL) {
        harvest->still = false;
        harvest->base = harvest->copies;
    }
    look->count = count;
    return true;
}
