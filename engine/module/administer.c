/* administer.c: see commands.h. Here: what changes a queue other than by its messages' way through
 * it: removing, redriving, pausing, limits.
 */
#include <inttypes.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "commands.h"

enum {
    JUDGED_BYTES = 8, /* id u48, group u8, whether it is damaged */
    JUDGED_GROUP_AT = 6
};
#define ID_BEYOND ((UINT64_C(1) << 48) - 1)

/* ---- what many have in common ---- */

static bool is_outcome(slotq_outcome outcome)
{
    return outcome != SLOTQ_INVALID && outcome < SLOTQ_FAILURES;
}

/* The outcome as a status, or a refusal. */
static void run_for_status(module_call *call)
{
    const slotq_outcome outcome = call_run(call);
    if (is_outcome(outcome)) {
        reply_status(call, outcome);
    } else {
        call_refuse(call, outcome);
    }
}

/* Run; true if the reply, an array of `count` that begins with the outcome, goes on. */
static bool run_for_array(module_call *call, long count)
{
    const slotq_outcome outcome = call_run(call);
    if (!is_outcome(outcome)) {
        return call_refuse(call, outcome);
    }
    reply_array(call, count);
    reply_status(call, outcome);
    return true;
}

/* A group, or 'all', which is the default. */
static bool read_groups(module_call *call, uint32_t index, uint64_t *group)
{
    *group = SLOTQ_ALL_GROUPS;
    return index >= call->count || call_word_is(call, index, "all") ||
           call_number(call, index, "group", 0, SLOTQ_GROUPS_MAX - 1, group);
}

static bool expect_groups(module_call *call, uint64_t group)
{
    return group == SLOTQ_ALL_GROUPS || group < call->view.geometry.groups ||
           call_invalid(call, "group must be 'all' or a whole number, 0 to %u",
                        call->view.geometry.groups - 1u);
}

static bool read_group(module_call *call, uint32_t index, uint64_t *group)
{
    return call_number(call, index, "group", 0, SLOTQ_GROUPS_MAX - 1, group);
}

/* ---- one message ---- */

void command_remove(module_call *call)
{
    uint64_t id;
    uint64_t group;
    if (!call_number(call, 0, "id", 0, ID_BEYOND, &id) || !read_groups(call, 1, &group) ||
        !call_open(call) || !expect_groups(call, group)) {
        return;
    }
    call_verb(call, SLOTQ_REMOVE);
    call->verb.remove.id = id;
    call->verb.remove.group = (uint8_t)group;
    run_for_status(call);
}

/* A later id has 32 bits: a larger number is none. */
static bool is_later_id(module_call *call, uint64_t id)
{
    if (id > UINT32_MAX) {
        reply_status(call, SLOTQ_NOTFOUND);
        return false;
    }
    return true;
}

void command_cancel(module_call *call)
{
    uint64_t id;
    if (!call_number(call, 0, "id", 1, ID_BEYOND, &id) || !call_open(call) ||
        !is_later_id(call, id)) {
        return;
    }
    call_verb(call, SLOTQ_CANCEL);
    call->verb.cancel.later_id = id;
    run_for_status(call);
}

void command_kick(module_call *call)
{
    const bool is_later = call_word_is(call, 1, "later");
    uint64_t id;
    uint64_t group = 0;
    if (!call_number(call, 0, "id", is_later ? 1 : 0, ID_BEYOND, &id) ||
        (!is_later && !read_group(call, 1, &group)) || !call_open(call) ||
        (is_later ? !is_later_id(call, id) : !call_expect_group(call, group))) {
        return;
    }
    call_verb(call, SLOTQ_KICK);
    call->verb.kick.id = id;
    call->verb.kick.group = (uint8_t)group;
    call->verb.kick.is_later = is_later;
    run_for_status(call);
}

/* ---- dead messages ---- */

void command_dead_remove(module_call *call)
{
    uint64_t id;
    uint64_t group;
    if (!call_number(call, 0, "id", 1, ID_BEYOND, &id) || !read_groups(call, 1, &group) ||
        !call_open(call) || !expect_groups(call, group)) {
        return;
    }
    call_verb(call, SLOTQ_DEAD_REMOVE);
    call->verb.dead.id = id;
    call->verb.dead.group = (uint8_t)group;
    if (run_for_array(call, 2)) {
        reply_number(call, call->verb.dead.count);
    }
}

void command_dead_purge(module_call *call)
{
    if (!call_open(call)) {
        return;
    }
    call_verb(call, SLOTQ_DEAD_PURGE);
    const slotq_outcome outcome = call_run(call);
    if (outcome == SLOTQ_OK) {
        reply_number(call, call->verb.dead.count);
    } else {
        call_refuse(call, outcome);
    }
}

/* A script cannot compute checks and needs the caller's list; the module computes them, and asks
 * for a list only in the form of a script. */
static bool expect_judged(module_call *call, bool *has_list)
{
    const bool checks = call->view.geometry.flags & SLOTQ_FLAG_CHECKS;
    size_t length;
    call_word(call, 1, &length);
    *has_list = call->is_script && call->count > 1 && (length > 0 || call->count == 2 || checks);
    if (length % JUDGED_BYTES != 0 || length > (size_t)JUDGED_BYTES * SLOTQ_CALL_MESSAGES_MAX) {
        return call_invalid(call, "judged must be 0 to 4096 times 8 bytes");
    }
    return !call->is_script || !checks || *has_list ||
           call_invalid(call, "the queue has checks, which a script does not compute: pass judged, "
                              "the list that says which dead messages are damaged");
}

/* How many of the messages stand in the caller's list, in its order, up to one that does not. */
static uint32_t count_listed(module_call *call, uint64_t limit, uint64_t id, uint64_t group)
{
    static slotq_item items[SLOTQ_CALL_MESSAGES_MAX];
    slotq_call_look *look = &call->verb.look;
    size_t length;
    const uint8_t *judged = call_word(call, 1, &length);
    size_t at = 0;
    call_verb(call, SLOTQ_DEAD_LIST);
    look->from = 0;
    look->items = items;
    look->capacity = (uint32_t)limit;
    look->count = 0;
    look->group = (uint8_t)group;
    look->id = id;
    if (call_run(call) != SLOTQ_OK) {
        return (uint32_t)limit; /* the verb itself says why */
    }
    for (uint32_t i = 0; i < look->count; i++, at += JUDGED_BYTES) {
        while (at < length && (load_u48(judged + at) != items[i].id ||
                               judged[at + JUDGED_GROUP_AT] != items[i].group)) {
            at += JUDGED_BYTES;
        }
        if (at >= length) {
            return i;
        }
    }
    return (uint32_t)limit;
}

static bool redrive(module_call *call, uint64_t limit, uint64_t id, uint64_t group)
{
    call_verb(call, SLOTQ_REDRIVE);
    call->verb.dead.id = id;
    call->verb.dead.group = (uint8_t)group;
    call->verb.dead.limit = (uint32_t)limit;
    call->verb.dead.judged = NULL;
    call->verb.dead.judged_count = 0;
    return run_for_array(call, 4);
}

void command_redrive(module_call *call)
{
    uint64_t limit;
    uint64_t id = 0;
    uint64_t group;
    bool has_list;
    if (!call_number(call, 0, "limit", 1, SLOTQ_CALL_MESSAGES_MAX, &limit) ||
        (call->count > 2 && !call_number(call, 2, "id", 1, ID_BEYOND, &id)) ||
        !read_groups(call, 3, &group) || !call_open(call) || !expect_judged(call, &has_list) ||
        !expect_groups(call, group)) {
        return;
    }
    limit = has_list ? count_listed(call, limit, id, group) : limit;
    if (limit == 0) { /* the next one is not in the list */
        reply_array(call, 4);
        reply_status(call,
                     call->bytes[AT_shared_paused] & SLOTQ_PAUSE_IN ? SLOTQ_PAUSED : SLOTQ_OK);
        reply_number(call, 0);
        reply_number(call, 0);
        reply_number(call, 0);
    } else if (redrive(call, limit, id, group)) {
        reply_number(call, call->verb.dead.count);
        reply_number(call, call->verb.dead.first_id);
        reply_number(call, call->verb.dead.damaged);
    }
}

/* ---- a group ---- */

void command_reclaim(module_call *call)
{
    uint64_t group;
    if (!read_group(call, 0, &group) || !call_open(call) || !call_expect_group(call, group)) {
        return;
    }
    call_verb(call, SLOTQ_RECLAIM);
    call->verb.reclaim.group = (uint8_t)group;
    if (run_for_array(call, 3)) {
        reply_number(call, call->verb.reclaim.ready_count);
        reply_number(call, call->verb.reclaim.dead_count);
    }
}

void command_limit(module_call *call)
{
    uint64_t group;
    uint64_t what;
    uint64_t max_leased;
    uint64_t interval_us;
    uint64_t burst;
    if (!read_group(call, 0, &group) || !call_number(call, 1, "what", 1, SLOTQ_LIMIT_ALL, &what) ||
        !call_number(call, 2, "max_leased", 0, UINT16_MAX, &max_leased) ||
        !call_number(call, 3, "rate_interval_us", 0, SLOTQ_RATE_INTERVAL_US_MAX, &interval_us) ||
        !call_number(call, 4, "rate_burst", 0, UINT16_MAX, &burst) || !call_open(call) ||
        !call_expect_group(call, group)) {
        return;
    }
    call_verb(call, SLOTQ_LIMIT);
    call->verb.limit.limits = (slotq_limits){interval_us, (uint16_t)burst, (uint16_t)max_leased, 0};
    call->verb.limit.group = (uint8_t)group;
    call->verb.limit.what = (uint8_t)what;
    const slotq_outcome outcome = call_run(call);
    if (outcome == SLOTQ_OK) {
        reply_status(call, outcome);
    } else if (outcome == SLOTQ_INVALID) {
        call_invalid(call, "a burst needs a rate, and the group has none: set a rate with it");
    } else {
        call_refuse(call, outcome);
    }
}

/* ---- the queue ---- */

static void pause(module_call *call, slotq_verb verb)
{
    uint64_t what;
    if (!call_number(call, 0, "what", SLOTQ_PAUSE_IN, SLOTQ_PAUSE_ALL, &what) || !call_open(call)) {
        return;
    }
    call_verb(call, verb);
    call->verb.pause.what = (uint8_t)what;
    run_for_status(call);
}

void command_pause(module_call *call)
{
    pause(call, SLOTQ_PAUSE);
}

void command_resume(module_call *call)
{
    pause(call, SLOTQ_RESUME);
}

void command_purge(module_call *call)
{
    if (call_open(call)) {
        call_verb(call, SLOTQ_PURGE);
        run_for_status(call);
    }
}
