/* dead.c: what a full dead section means for a worker (worker.h): messages that cannot die hold a
 * drain up, and messages that are dropped are told of. Does not settle anything.
 */

#include "../say/report.h"
#include "../say/texts.h"
#include "../verbs/holder.h"
#include "../verbs/open.h"
#include "worker.h"

/* It waits for room in the dead section: no attempt is left, or its bytes are damaged. */
static bool cannot_die(const worker *work, const slotq_message *message)
{
    const unsigned most = slotq_geometry_of(work->queue)->max_attempts;
    return message->damaged || (most != 0 && message->attempts >= most);
}

/* True: all that the group has left are `waiting` messages, and none of them can die. The first of
 * them is *oldest. */
static bool all_are_stuck(worker *work, uint32_t waiting, uint64_t *oldest)
{
    enum { LOOK_MESSAGES = 256 };
    uint64_t from = 0;
    uint32_t seen = 0;
    *oldest = 0;
    while (seen < waiting &&
           slotq_peek(work->queue, work->group, from, LOOK_MESSAGES, work->looked) == SLOTQ_OK) {
        slotq_message message;
        while (slotq_batch_next(work->looked, &message)) {
            from = message.id + 1;
            if (message.state == SLOTQ_STATE_DONE) {
                continue;
            }
            if (message.state != SLOTQ_STATE_WAITING || !cannot_die(work, &message)) {
                return false;
            }
            *oldest = *oldest == 0 ? message.id : *oldest;
            seen++;
        }
    }
    return seen == waiting;
}

void worker_look_whether_stuck(worker *work, const slotq_stats *stats)
{
    uint64_t oldest;
    if (stats->waiting == 0 || stats->waiting != stats->unfinished || work->busy != 0 ||
        !dead_is_full(work->queue, stats) || !all_are_stuck(work, stats->waiting, &oldest)) {
        return;
    }
    const bool drain = given(work->line, OPTION_DRAIN);
    if (drain || !work->told_stuck) {
        complain(
            "%s: no message is left but %s that cannot die (the oldest is %s): the dead section "
            "is full (%s of %s) and refuses more. To make room: %s, or dead "
            "redrive, or dead remove; then they die within a minute",
            work->name, count_text(stats->waiting).text, id_text(oldest).text,
            count_text(stats->dead).text, count_text(stats->dead_capacity).text,
            shown_command(work->line, "dead purge", work->name).text);
    }
    work->told_stuck = true;
    if (drain) {
        worker_drain(work, EXIT_CODE_FULL);
    }
}

void worker_tell_dropped(worker *work)
{
    slotq_stats stats;
    const slotq_geometry *geometry = slotq_geometry_of(work->queue);
    if (work->told_dropped || work->gave_up || geometry->dead_slots == 0 ||
        slotq_get_stats(work->queue, work->group, &stats) != SLOTQ_OK) {
        return;
    }
    const uint32_t dropped = stats.dead_dropped - work->dead_dropped_before; /* it wraps */
    if (dropped == 0 || work->generation != geometry->generation) {
        return;
    }
    complain("%s: the dead section is full (%s): %s of its oldest messages %s dropped to make room "
             "for new ones. See: %s; to keep them: create --dead N, or --dead-full refuse",
             work->name, count_text(stats.dead_capacity).text, count_text(dropped).text,
             dropped == 1 ? "was" : "were", shown_command(work->line, "dead ls", work->name).text);
    work->told_dropped = true;
}
