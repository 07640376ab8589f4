/* adopt.c: doctor --adopt-journal: finishes the step of a journal that was copied with a queue.
 * The library decides whether the step fits; this file does not know how.
 */
#include <inttypes.h>
#include <stdio.h>

#include "looks.h"
#include "../verbs/open.h"
#include "../say/output.h"
#include "../say/report.h"

static bool ask(const doctor *self, const char *name)
{
    char question[640];
    snprintf(question, sizeof question,
             "finish the step in the journal of %s? Answer yes only if both files were copied "
             "together while no process had the queue open",
             name);
    return output_confirm(given(self->line, OPTION_YES), question);
}

/* The library finishes the step when it opens the queue, after a full check. */
static slotq_outcome open_adopting(const command_line *line, const char *name, slotq_error *error)
{
    open_settings settings;
    slotq *queue;
    if (open_options(line, &settings, error) != EXIT_CODE_OK) {
        return error->outcome;
    }
    settings.options.adopt_journal = true;
    const slotq_outcome outcome = slotq_open(line->url, name, &settings.options, &queue, error);
    slotq_close(queue);
    return outcome;
}

bool doctor_adopt(doctor *self, const char *name)
{
    slotq_error error;
    slotq_file_facts facts;
    (void)slotq_look_at_files(self->line->url, name, &facts, NULL);
    if (facts.journal != SLOTQ_JOURNAL_FOREIGN || !facts.step_is_unfinished) {
        if (facts.journal != SLOTQ_JOURNAL_MISSING && facts.journal != SLOTQ_JOURNAL_UNREADABLE) {
            doctor_note(self, name, "no journal to adopt: the journal %s",
                        facts.journal == SLOTQ_JOURNAL_FOREIGN
                            ? "of another file has no unfinished step"
                        : facts.journal == SLOTQ_JOURNAL_OWN ? "belongs to this queue"
                                                             : "is damaged or of another version");
        }
        return true;
    }
    if (facts.step_may_fit && !ask(self, name)) {
        complain("%s was not changed", name);
        self->code = worse_exit(self->code, EXIT_CODE_REFUSED);
        return false;
    }
    const slotq_outcome outcome = open_adopting(self->line, name, &error);
    if (outcome != SLOTQ_OK) {
        doctor_find(self, name, "%s", error.text);
        self->code = worse_exit(self->code, slotq_outcome_exit(outcome));
        return false;
    }
    doctor_note(self, name,
                "adopted its journal: finished the step of %" PRIu32
                " patch%s; a check of every byte found no fault",
                facts.step_patches, facts.step_patches == 1 ? "" : "es");
    return true;
}
