/* places.c: see places.h; the same as lua/_places.lua and lua/_ring.lua. Rows are advisory: no byte
 * of them refuses a verb.
 */
#include "places.h"

#include <stdio.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"

enum {
    NO_PLACE = SLOTQ_PLACES_MAX + 1,
    CHANNEL_BYTES = 16,
    MESSAGE_BYTES = 16,
    ROOM_FOR_ANY = 65535 * SLOTQ_PLACES_MAX /* more than all places of a row can want */
};

/* ---- rows ---- */

static uint32_t row_at(const module_call *call, uint32_t row)
{
    const uint32_t places = call->view.geometry.places;
    const uint32_t row_bytes = ROW_HEAD_BYTES + WANTS_BYTES * places;
    const uint32_t rows = call->view.geometry.groups + 1u;
    return call->view.image_bytes - (rows - row) * row_bytes;
}

static uint32_t wants_at(const module_call *call, uint32_t row, uint32_t place)
{
    return row_at(call, row) + ROW_HEAD_BYTES + WANTS_BYTES * place;
}

static uint32_t wants_of(const module_call *call, uint32_t row, uint32_t place)
{
    return load_u16(call->bytes + wants_at(call, row, place));
}

static void put_wants(module_call *call, uint32_t row, uint32_t place, uint32_t wants)
{
    const uint32_t at = wants_at(call, row, place);
    store_u16(call->bytes + at, (uint16_t)wants);
    call_wrote(call, at, WANTS_BYTES);
}

static uint32_t cursor_of(const module_call *call, uint32_t row)
{
    const uint32_t cursor = call->bytes[row_at(call, row)];
    return cursor < call->view.geometry.places ? cursor : 0;
}

static void put_cursor(module_call *call, uint32_t row, uint32_t place)
{
    const uint32_t at = row_at(call, row);
    const uint32_t next = place + 1;
    call->bytes[at] = (uint8_t)(next < call->view.geometry.places ? next : 0);
    call->bytes[at + 1] = 0;
    call_wrote(call, at, ROW_HEAD_BYTES);
}

/* The first place that is set, from the cursor on and around the row, or NO_PLACE. */
static uint32_t next_set(const module_call *call, uint32_t row)
{
    const uint32_t places = call->view.geometry.places;
    const uint32_t cursor = cursor_of(call, row);
    for (uint32_t i = 0; i < places; i++) {
        const uint32_t place = (cursor + i) % places;
        if (wants_of(call, row, place) != 0) {
            return place;
        }
    }
    return NO_PLACE;
}

static const module_shout look_here = {"wake", SLOTQ_SHARDS_MAX};
static const module_shout make_a_round = {"round", SLOTQ_SHARDS_MAX};

/* True if a client heard it. */
static bool tell(module_call *call, uint32_t row, uint32_t place, const module_shout *shout)
{
    char channel[CHANNEL_BYTES];
    char message[MESSAGE_BYTES];
    snprintf(channel, sizeof channel, "slotq#%u:", (unsigned)place);
    if (shout->shard < SLOTQ_SHARDS_MAX) {
        snprintf(message, sizeof message, "%s %u %u", shout->word, (unsigned)row,
                 (unsigned)shout->shard);
    } else {
        snprintf(message, sizeof message, "%s %u", shout->word, (unsigned)row);
    }
    return call_publish(call, channel, message, call->view.geometry.set > 0) > 0;
}

/* Take a place out of its row and tell it: what it wanted, or 0 if no client heard it. */
static uint32_t ring_place(module_call *call, uint32_t row, uint32_t place,
                           const module_shout *shout)
{
    const uint32_t wanted = wants_of(call, row, place);
    put_wants(call, row, place, 0);
    put_cursor(call, row, place);
    return tell(call, row, place, shout) ? wanted : 0;
}

/* Ring places until `need` messages are wanted. How many with clients it told. */
static uint32_t ring_row(module_call *call, uint32_t row, uint32_t need, const module_shout *shout)
{
    uint32_t rung = 0;
    uint32_t place = next_set(call, row);
    while (place != NO_PLACE && need > 0 && rung < PLACES_RUNG_MAX) {
        const uint32_t wanted = ring_place(call, row, place, shout);
        rung += wanted > 0 ? 1 : 0;
        need -= wanted < need ? wanted : need;
        place = next_set(call, row);
    }
    return rung;
}

/* Ring each place of the row of room that wants no more than the room. */
static bool ring_room(module_call *call, uint32_t room)
{
    const uint32_t places = call->view.geometry.places;
    const uint32_t row = call->view.geometry.groups;
    const uint32_t from = cursor_of(call, row);
    bool empty = true;
    for (uint32_t i = 0; i < places; i++) {
        const uint32_t place = (from + i) % places;
        const uint32_t wanted = wants_of(call, row, place);
        if (wanted > room) {
            empty = false;
        } else if (wanted > 0) {
            room -= ring_place(call, row, place, &look_here);
        }
    }
    return empty;
}

/* Tell the first place of a row, which stays set, that it should look. */
static void nudge(module_call *call, uint32_t row)
{
    uint32_t place = next_set(call, row);
    while (place != NO_PLACE && !tell(call, row, place, &look_here)) {
        put_wants(call, row, place, 0);
        place = next_set(call, row);
    }
}

/* ---- the caller's own ---- */

/* Others of its row that are set, and those of them that come before it from the cursor on. */
static void count_others(module_call *call)
{
    module_place *mine = &call->mine;
    const uint32_t places = call->view.geometry.places;
    const uint32_t cursor = cursor_of(call, mine->row);
    const uint32_t rank = (mine->place + places - cursor) % places;
    for (uint32_t i = 0; i < places; i++) {
        const uint32_t place = (cursor + i) % places;
        const bool is_set = i != rank && wants_of(call, mine->row, place) != 0;
        mine->others += is_set ? 1 : 0;
        mine->before += is_set && i < rank ? 1 : 0;
    }
}

static bool register_mine(module_call *call)
{
    const module_place *mine = &call->mine;
    const uint32_t before = wants_of(call, mine->row, mine->place);
    count_others(call);
    if (before == 0 || mine->wants < before) {
        put_wants(call, mine->row, mine->place, mine->wants);
    }
    return before > 0;
}

/* Others that share the place look again. Returns whether it was set. */
static bool give_up_mine(module_call *call)
{
    const module_place *mine = &call->mine;
    const bool was_set = wants_of(call, mine->row, mine->place) != 0;
    if (was_set) {
        put_wants(call, mine->row, mine->place, 0);
        tell(call, mine->row, mine->place, mine->leaves ? &make_a_round : &look_here);
    }
    return was_set;
}

bool places_read(module_call *call, uint32_t index, uint32_t row, uint64_t wants)
{
    size_t length;
    uint64_t place;
    call_word(call, index, &length);
    if (length == 0) {
        return true;
    }
    if (call->view.geometry.places == 0) {
        return call_invalid(call, "the queue has no places: leave the place out");
    }
    if (!call_number(call, index, "place", 0, call->view.geometry.places - 1u, &place)) {
        return false;
    }
    call->mine.has = true;
    call->mine.row = row;
    call->mine.place = (uint32_t)place;
    call->mine.wants = (uint32_t)wants;
    return true;
}

/* ---- after a verb ---- */

/* Messages of a group that a reserve would find. */
static uint32_t deliverable_in(const module_call *call, uint32_t group)
{
    const uint32_t slots = call->view.geometry.ring_slots;
    const uint8_t *block = call->bytes + group_offset(group);
    const uint32_t tail = load_u16(call->bytes + AT_header_tail);
    const uint32_t cursor = load_u16(block + AT_group_cursor);
    return load_u16(block + AT_group_ready_behind) + (tail + slots - cursor) % slots;
}

static uint64_t due_of_group(const module_call *call)
{
    const uint32_t group = call->verb.settle.group;
    const bool settles = call->verb.verb == SLOTQ_NACK || call->verb.verb == SLOTQ_RELEASE;
    return settles && group < call->view.geometry.groups
               ? load_u48(call->bytes + group_offset(group) + AT_group_due)
               : 0;
}

void places_note(module_call *call)
{
    call->before.later_due_ms = load_u48(call->bytes + AT_shared_later_due_ms);
    call->before.paused_in = call->bytes[AT_shared_paused] & SLOTQ_PAUSE_IN;
    call->before.due = due_of_group(call);
}

/* What a push would find: a message that may step aside makes room for any. */
static uint32_t room_now(const module_call *call)
{
    const slotq_geometry *geometry = &call->view.geometry;
    const uint32_t head = load_u16(call->bytes + AT_header_head);
    const uint32_t tail = load_u16(call->bytes + AT_header_tail);
    const uint32_t used = (tail + geometry->ring_slots - head) % geometry->ring_slots;
    const bool aside = call->bytes[AT_shared_aside_count] < geometry->aside_slots;
    const uint32_t room = slotq_core_room(&call->view);
    if (room == SLOTQ_ROOM_ASIDE || (room == SLOTQ_ROOM_FREE && aside)) {
        return ROOM_FOR_ANY;
    }
    return room == SLOTQ_ROOM_FREE ? geometry->ring_slots - 1u - used : 0;
}

/* How many messages of a group the verb made deliverable, at most. A verb that lets all of them go
 * again counts those that are there; one that schedules only brings a time nearer. */
static uint32_t made_in(const module_call *call, uint32_t group)
{
    const slotq_verb verb = call->verb.verb;
    const bool later = verb == SLOTQ_SCHEDULE || (verb == SLOTQ_KICK && call->verb.kick.is_later);
    if (later || !(call->news.groups >> group & 1)) {
        return 0;
    }
    return verb == SLOTQ_RESUME || verb == SLOTQ_LIMIT ? deliverable_in(call, group)
                                                       : call->news.messages;
}

uint32_t places_need(const module_call *call)
{
    const slotq_nudge *nudge = &call->verb.nudge;
    const slotq_verb verb = call->verb.verb;
    uint32_t need = 1;
    if (nudge->need == 0 || (verb != SLOTQ_RESUME && verb != SLOTQ_LIMIT)) {
        return nudge->need;
    }
    for (uint32_t group = 0; group < call->view.geometry.groups; group++) {
        if (nudge->group == group || nudge->group == SLOTQ_ALL_GROUPS) {
            const uint32_t there = deliverable_in(call, group);
            need = there > need ? there : need;
        }
    }
    return need;
}

/* True if no place of a group's row is set. */
static bool ring_groups(module_call *call)
{
    bool empty = true;
    for (uint32_t group = 0; group < call->view.geometry.groups; group++) {
        const uint32_t made = made_in(call, group);
        if (made > 0) {
            ring_row(call, group, made, &look_here);
        }
        empty = empty && next_set(call, group) == NO_PLACE;
    }
    return empty;
}

/* A time has come nearer: the first of those that wait for it should learn it. */
static void nudge_rows(module_call *call)
{
    const uint64_t later_due_ms = load_u48(call->bytes + AT_shared_later_due_ms);
    const bool paused_in = call->bytes[AT_shared_paused] & SLOTQ_PAUSE_IN;
    const bool resumed = call->before.paused_in && !paused_in && later_due_ms != DUE_NONE;
    if (due_of_group(call) < call->before.due) {
        nudge(call, call->verb.settle.group);
    }
    for (uint32_t group = 0; group < call->view.geometry.groups; group++) {
        if (later_due_ms < call->before.later_due_ms || resumed) {
            nudge(call, group);
        }
    }
}

static bool settle_mine(module_call *call)
{
    if (call->mine.has && call->mine.waits) {
        return register_mine(call);
    }
    return call->mine.has && give_up_mine(call);
}

static void put_bits(module_call *call, uint32_t wake)
{
    store_u32(call->bytes + AT_shared_wake, wake);
    call_wrote(call, AT_shared_wake, BYTES_shared_wake);
}

bool places_settle(module_call *call)
{
    if (call->settled || !call->has_run || call->view.geometry.places == 0) {
        return false;
    }
    call->settled = true;
    const module_news *news = &call->news;
    const bool for_room = call->mine.row == call->view.geometry.groups;
    const uint32_t own = !call->mine.has || !call->mine.waits ? 0u
                         : for_room                           ? (uint32_t)WAKE_FOR_ROOM
                                                              : (uint32_t)WAKE_FOR_MESSAGE;
    const uint32_t before = load_u32(call->bytes + AT_shared_wake);
    uint32_t wake = before | own;
    if (!(wake & (WAKE_FOR_MESSAGE | WAKE_FOR_ROOM))) {
        return false;
    }
    const bool was_set = settle_mine(call);
    if (wake & WAKE_FOR_MESSAGE) {
        const bool rings = news->groups != 0 && news->messages > 0;
        wake &= rings && ring_groups(call) ? ~(uint32_t)WAKE_FOR_MESSAGE : ~0u;
        nudge_rows(call);
    }
    if ((wake & WAKE_FOR_ROOM) && (news->slots > 0 || news->pushes || news->changes_group)) {
        wake &= ring_room(call, room_now(call)) ? ~(uint32_t)WAKE_FOR_ROOM : ~0u;
    }
    if (wake != before) {
        put_bits(call, wake);
    }
    return was_set;
}

uint32_t places_nudge(module_call *call, uint32_t group, uint32_t need, const module_shout *shout,
                      bool *sleep)
{
    const uint32_t wake = load_u32(call->bytes + AT_shared_wake);
    uint32_t told = 0;
    *sleep = false;
    if (call->view.geometry.places == 0 || !(wake & WAKE_FOR_MESSAGE)) {
        return 0;
    }
    for (uint32_t row = 0; row < call->view.geometry.groups; row++) {
        if (group == row || group == SLOTQ_ALL_GROUPS) {
            told += ring_row(call, row, need, shout);
        }
        *sleep = *sleep || next_set(call, row) != NO_PLACE;
    }
    if (!*sleep) {
        put_bits(call, wake & ~(uint32_t)WAKE_FOR_MESSAGE);
    }
    return told;
}

/* What is left here is also owed to those that sleep at the bell. */
static void owe_left(module_call *call)
{
    if (load_u32(call->bytes + AT_shared_wake) & WAKE_RING_BELL) {
        call->owed.need = 1;
        call->owed.group = (uint8_t)call->mine.row;
    }
}

/* As a verb that left messages, or room. */
bool places_leave(module_call *call)
{
    const bool for_room = call->mine.row == call->view.geometry.groups;
    places_note(call);
    call->verb.verb = SLOTQ_VERB_COUNT;
    call->has_run = true;
    call->news.slots = for_room ? 1 : 0;
    if (!for_room && !(call->bytes[AT_shared_paused] & SLOTQ_PAUSE_OUT)) {
        const bool left = deliverable_in(call, call->mine.row) > 0;
        call->news.groups = left ? UINT32_C(1) << call->mine.row : 0;
        call->news.messages = left ? 1 : 0;
        if (left) {
            owe_left(call);
        }
    }
    call->mine.leaves = true;
    return places_settle(call);
}
