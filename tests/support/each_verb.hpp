/* each_verb.hpp: any verb of the core's table, run on a handle's store with arguments in range, for
 * tests that must hold for all verbs. Knows what a call needs; not what a verb does.
 */
#ifndef TESTS_SUPPORT_EACH_VERB_HPP
#define TESTS_SUPPORT_EACH_VERB_HPP

extern "C" {
#define export export_ /* a word of C++; the contract of stores has a member of that name */
#include "../../engine/queue/handle.h"
#undef export
}

namespace each_verb
{

/* The verb on message 1 or 2 of group 0, with arguments that are in range. */
inline slotq_outcome run(slotq *queue, slotq_verb verb, store_fault *fault)
{
    static const slotq_data data = {"x", 1};
    slotq_run runs[4] = {{1, 5, 1}};
    slotq_item items[4] = {};
    slotq_call call = {};
    slotq_core_begin(&call, verb, queue_now_ms(queue));
    switch (verb) {
    case SLOTQ_PUSH:
        call.push.messages = &data;
        call.push.count = 1;
        break;
    case SLOTQ_RESERVE:
        call.reserve.lease_ms = 1000;
        call.reserve.limit = 1;
        call.reserve.runs = runs;
        call.reserve.run_capacity = 1;
        break;
    case SLOTQ_REMOVE:
        call.remove.id = 2;
        break;
    case SLOTQ_REDRIVE:
        call.dead.limit = 1;
        break;
    case SLOTQ_DEAD_REMOVE:
        call.dead.id = 1;
        break;
    case SLOTQ_PAUSE:
    case SLOTQ_RESUME:
        call.pause.what = SLOTQ_PAUSE_BOTH;
        break;
    case SLOTQ_STATUS:
        call.status.id = 1;
        break;
    case SLOTQ_SCHEDULE:
        call.schedule.messages = &data;
        call.schedule.count = 1;
        break;
    case SLOTQ_CANCEL:
        call.cancel.later_id = 1;
        break;
    case SLOTQ_KICK:
        call.kick.id = 1;
        break;
    case SLOTQ_FIND:
        call.find.key = 1;
        break;
    case SLOTQ_PEEK:
    case SLOTQ_DEAD_LIST:
    case SLOTQ_LATER_LIST:
        call.look.items = items;
        call.look.capacity = 4;
        break;
    default:
        if (verb >= SLOTQ_ACK && verb <= SLOTQ_KILL) {
            call.settle.runs = runs;
            call.settle.run_count = 1;
            call.settle.ms = 1000;
        }
        break; /* reclaim, dead_purge, purge, stats: all zero will do */
    }
    return queue->store->ops->call(queue->store, &call, nullptr, fault);
}

} // namespace each_verb
#endif
