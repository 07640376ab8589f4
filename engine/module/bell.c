/* bell.c: see commands.h. Here: places that clients leave, and the bell of a sharded queue
 * (FORMAT.md, "The bell of shards").
 */
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"
#include "places.h"

enum { NEED_MAX = 65535 };

void command_unwait(module_call *call)
{
    const bool room = call_word_is(call, 0, "room");
    uint64_t row = 0;
    uint64_t place;
    bool was_set = false;
    if ((!room && !call_number(call, 0, "row", 0, SLOTQ_GROUPS_MAX - 1, &row)) ||
        !call_open(call)) {
        return;
    }
    const slotq_geometry *geometry = &call->view.geometry;
    if (row >= geometry->groups) {
        call_invalid(call, "row must be 'room' or a whole number, 0 to %u", geometry->groups - 1u);
        return;
    }
    const uint32_t places = geometry->places > 0 ? geometry->places : 1;
    if (!call_number(call, 1, "place", 0, places - 1, &place)) {
        return;
    }
    if (geometry->places > 0) {
        call->mine.has = true;
        call->mine.row = room ? geometry->groups : (uint32_t)row;
        call->mine.place = (uint32_t)place;
        was_set = places_leave(call);
    }
    reply_number(call, was_set ? 1 : 0);
}

/* A shard's number, or 'round'. */
static bool read_target(module_call *call, uint32_t index, module_shout *shout)
{
    uint64_t shard = SLOTQ_SHARDS_MAX;
    const bool is_round = call_word_is(call, index, "round");
    if (!is_round && !call_number(call, index, "target", 0, SLOTQ_SHARDS_MAX - 1, &shard)) {
        return false;
    }
    *shout = (module_shout){is_round ? "round" : "wake", (uint32_t)shard};
    return true;
}

void command_nudge(module_call *call)
{
    const bool all = call_word_is(call, 0, "all");
    uint64_t group = SLOTQ_ALL_GROUPS;
    uint64_t need;
    module_shout shout;
    bool sleep;
    if ((!all && !call_number(call, 0, "group", 0, SLOTQ_GROUPS_MAX - 1, &group)) ||
        !call_number(call, 1, "need", 1, NEED_MAX, &need) || !read_target(call, 2, &shout) ||
        !call_open(call)) {
        return;
    }
    if (!all && group >= call->view.geometry.groups) {
        call_invalid(call, "group must be 'all' or a whole number, 0 to %u",
                     call->view.geometry.groups - 1u);
        return;
    }
    const uint32_t told = places_nudge(call, (uint32_t)group, (uint32_t)need, &shout, &sleep);
    reply_array(call, 2);
    reply_number(call, told);
    reply_number(call, sleep ? 1 : 0);
}

void command_hush(module_call *call)
{
    uint64_t counter;
    if (!call_number(call, 0, "counter", 0, UINT32_MAX / WAKE_COUNT_ONE, &counter) ||
        !call_open(call)) {
        return;
    }
    const uint32_t wake = load_u32(call->bytes + AT_shared_wake);
    const bool is_same = wake / WAKE_COUNT_ONE == counter;
    if (is_same && (wake & WAKE_RING_BELL)) {
        store_u32(call->bytes + AT_shared_wake, wake & ~(uint32_t)WAKE_RING_BELL);
        call_wrote(call, AT_shared_wake, BYTES_shared_wake);
    }
    reply_number(call, is_same ? 1 : 0);
}
