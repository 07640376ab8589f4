/* doctor.c: the command doctor: finds faults of a store of queues and prints how to mend them.
 * Knows the folder and the order of the looks (looks.h), not what each look examines.
 */
#include "looks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../verbs/open.h"
#include "../verbs/survival.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

/* ---- the folder ---- */

static bool look_at_folder(doctor *self)
{
    const char *folder = self->line->url;
    slotq_folder_facts facts;
    slotq_error error;
    if (slotq_look_at_folder(folder, &facts, &error) != SLOTQ_OK) {
        const word_text shown = shown_url(folder); /* it may be a URL with a login */
        doctor_find(self, shown.text, "%s; create it: mkdir -p %s", strerror(error.system_errno),
                    shown.text);
        return false;
    }
    const char *kind = facts.file_system != NULL ? facts.file_system : "of an unknown kind";
    if (facts.is_network) {
        doctor_find(self, folder,
                    "is on a network file system (%s); processes cannot share a queue "
                    "there safely: move it to a local disk",
                    kind);
    }
    if (facts.needs_room) {
        doctor_find(self, folder,
                    "is on %s, where a full disk would kill or hang a process that writes to a "
                    "queue, so queues here can only be read: move it to ext4 or xfs",
                    kind);
    }
    if (access(folder, W_OK | X_OK) != 0) {
        doctor_find(self, folder,
                    "this user cannot create files here (%s), only look at queues; "
                    "chown or chmod the folder",
                    strerror(errno));
    }
    if (facts.free_bytes < 1024 * 1024) {
        doctor_find(self, folder,
                    "only %s free on the disk: existing queues work (their room is "
                    "allocated), creating a queue may fail; free some space",
                    bytes_text(facts.free_bytes).text);
    } else {
        doctor_note(self, folder, "file system %s, %s free", kind,
                    bytes_text(facts.free_bytes).text);
    }
    const option_value *sync = &self->line->options[OPTION_SYNC];
    doctor_note(self, folder, "%s",
                survival_in_file(sync->given && strcmp(sync->text, "always") == 0).text);
    return true;
}

/* ---- one queue ---- */

static void look_at_queue(doctor *self, const char *name)
{
    slotq *queue;
    slotq_error error;
    if (given(self->line, OPTION_ADOPT_JOURNAL) && !doctor_adopt(self, name)) {
        return;
    }
    if (self->server != NULL) {
        if (!doctor_look_at_key(self, name)) {
            return;
        }
    } else {
        doctor_look_at_files(self, name);
    }
    const slotq_outcome outcome = open_quietly(self->line, name, true, &queue, &error);
    if (outcome == SLOTQ_OK) {
        doctor_look_inside(self, name, queue);
        doctor_look_at_calls(self, name, queue);
        slotq_close(queue);
    } else if (outcome == SLOTQ_CORRUPT || outcome == SLOTQ_VERSION) {
        doctor_find(self, name, "%s; run %s to see what to do", error.text,
                    shown_command(self->line, "check", name).text);
    } else if (outcome == SLOTQ_NOQUEUE) {
        doctor_find(self, name, "there is no such queue; %s", absent_remedy(self->line, name).text);
    } else {
        doctor_find(self, name, "%s", error.text);
    }
}

/* At its node. */
static void look_there(doctor *self, const char *name)
{
    slotq_redis_connection *first;
    if (doctor_meet_node(self, name, &first)) {
        look_at_queue(self, name);
    }
    doctor_leave_node(self, first);
}

static bool visit(void *context, const char *name)
{
    doctor *self = context;
    if (!doctor_look_at_shards(self, name, look_there)) {
        look_there(self, name);
    }
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
                        "an unfinished create, import or resize left this file; if none "
                        "is running now: rm '%s/%s'",
                        self->line->url, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* ---- the store ---- */

static bool look_at_store(doctor *self)
{
    slotq_error error;
    const char *url = self->line->url;
    if (slotq_url_kind(url) == SLOTQ_PLACE_UNKNOWN) {
        self->code = slotq_outcome_exit(slotq_list(url, visit, self, &error));
        doctor_find(self, shown_url(url).text, "%s", error.text);
        return false;
    }
    if (!open_is_server(url)) {
        const bool there = look_at_folder(self);
        if (there) {
            look_for_leftovers(self);
        }
        return there;
    }
    const slotq_outcome outcome = slotq_redis_connect(url, NULL, &self->server, &error);
    if (outcome != SLOTQ_OK) {
        doctor_find(self, shown_url(url).text, "%s", error.text);
        self->code = slotq_outcome_exit(outcome);
        return false;
    }
    doctor_look_at_route(self);
    doctor_look_at_servers(self);
    return true;
}

/* The user vouches for named queues, not for every queue of a folder. */
static int judge_adopting(const command_line *line)
{
    if (!given(line, OPTION_ADOPT_JOURNAL)) {
        return EXIT_CODE_OK;
    }
    if (open_is_server(line->url)) {
        complain("--adopt-journal is for queue files; a queue in Redis has no journal");
        return EXIT_CODE_USAGE;
    }
    if (line->count == 0) {
        complain("--adopt-journal needs a queue name: slotq doctor --adopt-journal QUEUE");
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

int run_doctor(const command_line *line)
{
    doctor self = {.line = line};
    slotq_error error;
    if (judge_adopting(line) != EXIT_CODE_OK) {
        return EXIT_CODE_USAGE;
    }
    if (look_at_store(&self)) {
        for (int i = 0; i < line->count; i++) {
            (void)visit(&self, line->operands[i]);
        }
        if (line->count == 0 && slotq_list(line->url, visit, &self, &error) != SLOTQ_OK) {
            doctor_find(&self, shown_url(line->url).text, "%s", error.text);
        }
    }
    slotq_redis_close(self.server);
    doctor_summarise(&self);
    if (self.code != EXIT_CODE_OK) {
        return self.code;
    }
    return self.findings == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILURE;
}
