/* queue.c: the doctor's look inside an open queue: the message that holds its ring, its dead
 * section, leases, clock and bytes. Does not know where the bytes are.
 */
#include <inttypes.h>

#include "looks.h"
#include "../verbs/holder.h"
#include "../verbs/look.h"
#include "../verbs/open.h"
#include "../say/texts.h"

static void look_at_room(doctor *self, const char *name, slotq *queue, const slotq_stats *stats)
{
    const slotq_holder *holder = &stats->holder;
    const bool drops = (slotq_geometry_of(queue)->flags & SLOTQ_FLAG_OVERWRITE) != 0;
    if (holder->steps_aside) { /* the next push makes room */
        return;
    }
    if (stats->used * UINT64_C(10) >= stats->capacity * UINT64_C(9) && !drops && holder->id != 0) {
        doctor_find(self, name, "%s of %s slots are in use, held by message %s, %s in group %u. %s",
                    count_text(stats->used).text, count_text(stats->capacity).text,
                    id_text(holder->id).text, state_word(holder->state), holder->group,
                    holder_remedy(self->line, name, queue, stats).text);
    } else if (holder->id != 0 && holder->held * UINT64_C(2) >= stats->capacity &&
               holder->unfinished * UINT64_C(4) < holder->held) {
        doctor_find(self, name,
                    "message %s (%s in group %u) holds %s slots, most of them finished. "
                    "%s",
                    id_text(holder->id).text, state_word(holder->state), holder->group,
                    count_text(holder->held).text,
                    holder_remedy(self->line, name, queue, stats).text);
    }
}

static void look_at_dead(doctor *self, const char *name, const slotq_stats *stats,
                         const slotq_geometry *geometry)
{
    if (stats->dead_capacity != 0 && !(geometry->flags & SLOTQ_FLAG_DEAD_OVERWRITE) &&
        stats->dead * UINT64_C(10) >= stats->dead_capacity * UINT64_C(9)) {
        doctor_find(self, name,
                    "the dead section holds %s of %s messages; when it is full, dying "
                    "messages wait; see %s, then dead redrive or dead purge",
                    count_text(stats->dead).text, count_text(stats->dead_capacity).text,
                    shown_command(self->line, "dead ls", name).text);
    } else if (stats->dead != 0) {
        doctor_note(self, name, "%s of %s dead messages: see %s", count_text(stats->dead).text,
                    count_text(stats->dead_capacity).text,
                    shown_command(self->line, "dead ls", name).text);
    }
    if ((stats->paused & SLOTQ_PAUSE_BOTH) != 0 && !self->pause_told) {
        doctor_find(self, name, "is paused (%s); %s", paused_text(stats->paused & SLOTQ_PAUSE_BOTH),
                    shown_command(self->line, "resume", name).text);
    }
    if ((stats->paused & SLOTQ_PAUSE_CLOSED) != 0) {
        doctor_note(self, name, "is closed: it takes no new messages; %s closed",
                    shown_command(self->line, "resume", name).text);
    }
    const bool is_full = stats->dead_capacity != 0 && stats->dead >= stats->dead_capacity;
    if (stats->dead_dropped != 0 && is_full) {
        doctor_find(self, name,
                    "the dead section is full (%s), and %s dead messages were dropped to make room "
                    "for newer ones; see %s, then dead redrive or dead purge; to keep more, create "
                    "the queue with --dead N or --dead-full refuse",
                    count_text(stats->dead).text, count_text(stats->dead_dropped).text,
                    shown_command(self->line, "dead ls", name).text);
    } else if (stats->dead_dropped != 0) {
        doctor_note(self, name, "%s dead messages were dropped",
                    count_text(stats->dead_dropped).text);
    }
    if (stats->dropped != 0) {
        doctor_note(self, name, "%s unfinished messages were overwritten",
                    count_text(stats->dropped).text);
    }
}

static void look_at_group(doctor *self, const char *name, const slotq_stats *stats, uint64_t now_ms)
{
    enum { PATIENCE_MS = 1000 };
    const uint64_t far_ms = UINT64_C(1) << 32;
    if (stats->leased + stats->waiting != 0 && stats->next_due_ms != 0 &&
        stats->next_due_ms + PATIENCE_MS < now_ms) {
        doctor_find(self, name,
                    "group %" PRIu32 ": a lease or delay ended %s ago and no worker has "
                    "reserved since; start a worker, or %s -g %" PRIu32,
                    stats->group, time_text(now_ms - stats->next_due_ms).text,
                    shown_command(self->line, "reclaim", name).text, stats->group);
    }
    if (stats->oldest_ms > now_ms + PATIENCE_MS ||
        (stats->next_due_ms != 0 && stats->next_due_ms > now_ms + far_ms)) {
        doctor_find(self, name,
                    "group %" PRIu32 ": times in the queue are ahead of the clock (%s), "
                    "which was set back; correct it (NTP); nothing is lost, leases may end "
                    "early or late",
                    stats->group, moment_text(now_ms).text);
    }
}

void doctor_look_inside(doctor *self, const char *name, slotq *queue)
{
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    slotq_stats stats = {0};
    slotq_outcome checked = slotq_check(queue);
    if (checked == SLOTQ_REMADE) { /* since it was opened: the new one is looked at */
        checked = slotq_check(queue);
    }
    if (checked == SLOTQ_CORRUPT || checked == SLOTQ_VERSION) {
        doctor_find(self, name, "%s; run %s to see what to do", slotq_error_of(queue)->text,
                    shown_command(self->line, "check", name).text);
        return;
    }
    if (checked != SLOTQ_OK) {
        doctor_unknown(self, name, "whether its bytes are sound: %s", slotq_error_of(queue)->text);
    }
    for (uint8_t group = 0; group < geometry->groups; group++) {
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            doctor_find(self, name, "%s", slotq_error_of(queue)->text);
            return;
        }
        look_at_group(self, name, &stats, slotq_now_ms(queue));
    }
    look_at_room(self, name, queue, &stats);
    look_at_dead(self, name, &stats, geometry);
    doctor_note(self, name, "%s%s, %s of %s slots in use, generation %" PRIu32,
                checked == SLOTQ_OK ? "the bytes are sound: " : "",
                bytes_text(slotq_image_bytes(queue)).text, count_text(stats.used).text,
                count_text(stats.capacity).text, geometry->generation);
}
