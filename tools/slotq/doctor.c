/* doctor.c: the command doctor: what is wrong with a folder of queues and how to mend it. What it
 * looks for in the files beside a queue: doctor_files.c.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backend/filesystem.h"
#include "look.h"
#include "open.h"
#include "output.h"
#include "report.h"
#include "values.h"

static void print_finding(doctor *self, const char *about, const char *kind, const char *color,
                          const char *text)
{
    if (given(self->line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:s, s:s}", "about", about, "kind", kind, "text", text));
    } else {
        printf("%s%-4s%s  %s: %s\n", color, kind, output_plain(), about, text);
    }
}

void doctor_find(doctor *self, const char *about, const char *format, ...)
{
    char text[640];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    self->findings++;
    print_finding(self, about, "BAD", output_red(), text);
}

void doctor_note(doctor *self, const char *about, const char *format, ...)
{
    char text[640];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    print_finding(self, about, "ok", output_green(), text);
}

/* ---- the folder ---- */

static bool look_at_folder(doctor *self)
{
    const char *folder = self->line->url;
    struct statfs system;
    struct statvfs room;
    if (strstr(folder, "://") != NULL) {
        doctor_find(self, folder, "this build works on folders only; give one by -u");
        return false;
    }
    if (statfs(folder, &system) != 0 || statvfs(folder, &room) != 0) {
        doctor_find(self, folder, "%s; make it: mkdir -p %s", strerror(errno), folder);
        return false;
    }
    if (filesystem_is_network((long)system.f_type)) {
        doctor_find(self, folder,
                    "is on a network file system (type 0x%lx), where processes "
                    "cannot share a queue safely; move it to a local disk",
                    (unsigned long)system.f_type & 0xFFFFFFFFul);
    }
    if (access(folder, W_OK | X_OK) != 0) {
        doctor_find(self, folder,
                    "no right to make files here (%s): queues can at most be "
                    "looked at; chown or chmod it",
                    strerror(errno));
    }
    const uint64_t free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
    if (free_bytes < 1024 * 1024) {
        doctor_find(self, folder,
                    "%s free on the disk: queues that are there go on (their room "
                    "is taken), new ones cannot be made",
                    bytes_text(free_bytes).text);
    } else {
        doctor_note(self, folder, "file system type 0x%lx, %s free",
                    (unsigned long)system.f_type & 0xFFFFFFFFul, bytes_text(free_bytes).text);
    }
    return true;
}

/* ---- one queue ---- */

static void look_at_room(doctor *self, const char *name, const slotq_stats *stats, uint8_t flags)
{
    const slotq_holder *holder = &stats->holder;
    const bool drops = (flags & SLOTQ_FLAG_OVERWRITE) != 0;
    if (stats->used * UINT64_C(10) >= stats->capacity * UINT64_C(9) && !drops && holder->id != 0) {
        doctor_find(self, name,
                    "%s of %s slots are in use, held by message "
                    "%" PRIu64 ", %s in group %u; %s",
                    count_text(stats->used).text, count_text(stats->capacity).text, holder->id,
                    state_word(holder->state), holder->group,
                    holder->state == SLOTQ_STATE_READY
                        ? "start workers for that group"
                        : "its worker must settle it, or its time end, before slots are free");
    } else if (holder->id != 0 && holder->held * UINT64_C(2) >= stats->capacity &&
               holder->unfinished * UINT64_C(4) < holder->held) {
        doctor_find(self, name,
                    "message %" PRIu64 " (%s in group %u) holds %s slots, most of "
                    "them finished: settle or remove it, or shorten its lease or delay",
                    holder->id, state_word(holder->state), holder->group,
                    count_text(holder->held).text);
    }
}

static void look_at_dead(doctor *self, const char *name, const slotq_stats *stats,
                         const slotq_geometry *geometry)
{
    if (stats->dead_capacity != 0 && !(geometry->flags & SLOTQ_FLAG_DEAD_OVERWRITE) &&
        stats->dead * UINT64_C(10) >= stats->dead_capacity * UINT64_C(9)) {
        doctor_find(self, name,
                    "the dead section has %s of %s: when it is full, dying messages "
                    "wait; look: slotq dead ls %s, then dead redrive or dead purge",
                    count_text(stats->dead).text, count_text(stats->dead_capacity).text, name);
    } else if (stats->dead != 0) {
        doctor_note(self, name, "%s dead of %s: slotq dead ls %s", count_text(stats->dead).text,
                    count_text(stats->dead_capacity).text, name);
    }
    if (stats->paused != 0) {
        doctor_find(self, name, "is paused (%s); slotq resume %s",
                    stats->paused == SLOTQ_PAUSE_IN    ? "in"
                    : stats->paused == SLOTQ_PAUSE_OUT ? "out"
                                                       : "in and out",
                    name);
    }
    if (stats->dropped != 0 || stats->dead_dropped != 0) {
        doctor_note(self, name, "%s messages were overwritten unfinished, %s dead ones dropped",
                    count_text(stats->dropped).text, count_text(stats->dead_dropped).text);
    }
}

static void look_at_group(doctor *self, const char *name, const slotq_stats *stats, uint64_t now_ms)
{
    enum { PATIENCE_MS = 1000 };
    const uint64_t far_ms = UINT64_C(1) << 32;
    if (stats->leased + stats->waiting != 0 && stats->next_due_ms != 0 &&
        stats->next_due_ms + PATIENCE_MS < now_ms) {
        doctor_find(self, name,
                    "group %" PRIu32 ": a lease or delay ended %s ago and nobody "
                    "reserved since: start a worker, or slotq reclaim %s -g %" PRIu32,
                    stats->group, time_text(now_ms - stats->next_due_ms).text, name, stats->group);
    }
    if (stats->oldest_ms > now_ms + PATIENCE_MS ||
        (stats->next_due_ms != 0 && stats->next_due_ms > now_ms + far_ms)) {
        doctor_find(self, name,
                    "group %" PRIu32 ": times in the queue are ahead of the clock "
                    "(%s): it went back; set it right (NTP); nothing is lost, leases may end "
                    "early or late",
                    stats->group, moment_text(now_ms).text);
    }
}

static void look_inside(doctor *self, const char *name, slotq *queue)
{
    const slotq_geometry *geometry = slotq_geometry_of(queue);
    slotq_stats stats = {0};
    if (slotq_check(queue) != SLOTQ_OK) {
        doctor_find(self, name, "%s; slotq check %s says what to do", slotq_error_of(queue)->text,
                    name);
        return;
    }
    for (uint8_t group = 0; group < geometry->groups; group++) {
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            doctor_find(self, name, "%s", slotq_error_of(queue)->text);
            return;
        }
        look_at_group(self, name, &stats, slotq_now_ms(queue));
    }
    look_at_room(self, name, &stats, geometry->flags);
    look_at_dead(self, name, &stats, geometry);
    doctor_note(self, name, "the bytes are sound: %s, %s of %s slots in use",
                bytes_text(slotq_image_bytes(queue)).text, count_text(stats.used).text,
                count_text(stats.capacity).text);
}

static void look_at_queue(doctor *self, const char *name)
{
    slotq *queue;
    slotq_error error;
    doctor_look_at_files(self, name);
    const slotq_outcome outcome = open_quietly(self->line, name, true, &queue, &error);
    if (outcome == SLOTQ_OK) {
        look_inside(self, name, queue);
        slotq_close(queue);
    } else if (outcome == SLOTQ_CORRUPT || outcome == SLOTQ_VERSION) {
        doctor_find(self, name, "%s; slotq check %s says what to do", error.text, name);
    } else if (outcome == SLOTQ_NOQUEUE) {
        doctor_find(self, name, "%s; make it: slotq create %s", error.text, name);
    } else {
        doctor_find(self, name, "%s", error.text);
    }
}

static bool visit(void *context, const char *name)
{
    look_at_queue(context, name);
    return true;
}

static void look_for_leftovers(doctor *self)
{
    DIR *folder = opendir(self->line->url);
    const char *ending = ".slotq-journal";
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const size_t length = strlen(entry->d_name);
        if (length > strlen(ending) &&
            strcmp(entry->d_name + length - strlen(ending), ending) == 0) {
            doctor_look_at_journal_name(self, entry->d_name, length - strlen(ending));
        } else if (strncmp(entry->d_name, ".slotq-new-", 11) == 0) {
            doctor_find(self, entry->d_name,
                        "a half-made queue that was left behind; when "
                        "nobody makes one now: rm '%s/%s'",
                        self->line->url, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

int run_doctor(const command_line *line)
{
    doctor self = {.line = line};
    slotq_error error;
    if (look_at_folder(&self)) {
        look_for_leftovers(&self);
        for (int i = 0; i < line->count; i++) {
            look_at_queue(&self, line->operands[i]);
        }
        if (line->count == 0 && slotq_list(line->url, visit, &self, &error) != SLOTQ_OK) {
            doctor_find(&self, line->url, "%s", error.text);
        }
    }
    if (!given(line, OPTION_JSON)) {
        printf("%" PRIu32 " finding%s\n", self.findings, self.findings == 1 ? "" : "s");
    }
    return self.findings == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILURE;
}
