/* holder.c: the cause and the cure of a held slot (holder.h). A message that has no attempt left
 * dies; where the dead section is full it cannot, and waits in the ring instead.
 */
#include "holder.h"

#include <inttypes.h>
#include <stdio.h>

#include "../say/report.h"
#include "../say/texts.h"
#include "look.h"
#include "open.h"

bool dead_is_full(const slotq *queue, const slotq_stats *stats)
{
    const bool drops = (slotq_geometry_of(queue)->flags & SLOTQ_FLAG_DEAD_OVERWRITE) != 0;
    return stats->dead_capacity != 0 && stats->dead >= stats->dead_capacity && !drops;
}

static bool is_damaged(slotq *queue, const slotq_holder *holder)
{
    slotq_batch *batch = slotq_batch_new();
    slotq_message message = {0};
    const bool found = slotq_peek(queue, holder->group, holder->id, 1, batch) == SLOTQ_OK &&
                       slotq_batch_next(batch, &message) && message.id == holder->id;
    slotq_batch_free(batch);
    return found && message.damaged;
}

/* A full ring has no room for redriven messages either. attempts 0: its bytes are damaged. */
static holder_text cannot_die(const command_line *line, const char *name, const slotq_stats *stats,
                              unsigned attempts)
{
    holder_text remedy;
    value_text cause = {"Its bytes are damaged: it"};
    const bool ring_is_full = stats->used >= stats->capacity;
    if (attempts != 0) {
        snprintf(cause.text, sizeof cause.text, "It has used all its attempts (%u) and", attempts);
    }
    snprintf(remedy.text, sizeof remedy.text,
             "%s cannot die, because the dead section is full (%" PRIu32 " of %" PRIu32 "). %s: %s",
             cause.text, stats->dead, stats->dead_capacity,
             ring_is_full ? "List the dead messages with dead ls, then delete them"
                          : "Push the dead messages again with dead redrive, or delete them",
             shown_command(line, "dead purge", name).text);
    return remedy;
}

static holder_text leased(const command_line *line, const char *name, const slotq_holder *holder,
                          const slotq_status *status, uint64_t now_ms)
{
    holder_text remedy;
    if (status->deadline_ms > now_ms) {
        snprintf(remedy.text, sizeof remedy.text,
                 "Its worker must settle it, or its lease must end (%s left). See: %s %s -g %u",
                 time_text(status->deadline_ms - now_ms).text,
                 shown_command(line, "status", name).text, id_text(holder->id).text, holder->group);
    } else {
        snprintf(remedy.text, sizeof remedy.text,
                 "Its lease ended %s ago. Start a worker for group %u, or make it ready: %s -g %u",
                 time_text(now_ms - status->deadline_ms).text, holder->group,
                 shown_command(line, "reclaim", name).text, holder->group);
    }
    return remedy;
}

/* With its group: in another group the same message may be leased, which remove refuses. */
static holder_text idle(const command_line *line, const char *name, const slotq_holder *holder,
                        bool is_last)
{
    holder_text remedy;
    const char *remove = "remove";
    if (holder->state == SLOTQ_STATE_WAITING) {
        snprintf(remedy.text, sizeof remedy.text, "It %s. To remove it: %s %s -g %u",
                 is_last ? "has used all its attempts, and dies when its delay ends"
                         : "waits for its retry",
                 shown_command(line, remove, name).text, id_text(holder->id).text, holder->group);
    } else {
        snprintf(remedy.text, sizeof remedy.text,
                 "Start a worker for group %u, or remove the message: %s %s -g %u", holder->group,
                 shown_command(line, remove, name).text, id_text(holder->id).text, holder->group);
    }
    return remedy;
}

holder_text holder_remedy(const command_line *line, const char *name, slotq *queue,
                          const slotq_stats *stats)
{
    const slotq_holder *holder = &stats->holder;
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    const uint64_t now_ms = slotq_now_ms(queue);
    slotq_status status;
    if (slotq_get_status(queue, holder->group, holder->id, &status) != SLOTQ_OK ||
        status.state == SLOTQ_STATE_DONE) { /* finished meanwhile */
        return (holder_text){"It was finished a moment ago: try again"};
    }
    const bool is_last = geometry->max_attempts != 0 && status.attempts >= geometry->max_attempts;
    const bool is_leased = status.state == SLOTQ_STATE_LEASED && status.deadline_ms > now_ms;
    if (is_last && !is_leased && status.state != SLOTQ_STATE_READY && dead_is_full(queue, stats)) {
        return cannot_die(line, name, stats, status.attempts);
    }
    if (status.state == SLOTQ_STATE_WAITING && dead_is_full(queue, stats) &&
        is_damaged(queue, holder)) {
        return cannot_die(line, name, stats, 0);
    }
    slotq_holder now = *holder;
    now.state = status.state;
    return status.state == SLOTQ_STATE_LEASED ? leased(line, name, &now, &status, now_ms)
                                              : idle(line, name, &now, is_last);
}

/* The library names no command of this tool: look once more, at why the holder holds. */
bool complain_full(const command_line *line, const char *name, slotq *queue, const char *rest)
{
    slotq_stats stats;
    const slotq_holder *holder = &stats.holder;
    if (slotq_get_stats(queue, 0, &stats) != SLOTQ_OK || holder->id == 0 ||
        stats.used < stats.capacity) {
        return false;
    }
    complain("%s is full (%s of %s slots in use, %s unfinished)%s%s. Message %s, %s in group "
             "%u, holds it. %s",
             name, count_text(stats.used).text, count_text(stats.capacity).text,
             count_text(holder->unfinished).text, rest[0] != '\0' ? ": " : "", rest,
             id_text(holder->id).text, state_word(holder->state), holder->group,
             holder_remedy(line, name, queue, &stats).text);
    return true;
}
