/* adopt.c: doctor --adopt-journal: the step in the journal that was copied with a queue is
 * done in the copy. What must hold for that is the library's to judge.
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
             "do the step in the journal beside %s? Say yes only if both files were copied "
             "together from where they belonged",
             name);
    return output_confirm(given(self->line, OPTION_YES), question);
}

/* The library does it in opening, after the whole check; doctor's own look follows. */
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
            doctor_note(self, name, "no journal to adopt: it %s",
                        facts.journal == SLOTQ_JOURNAL_FOREIGN ? "holds no step of the other file's"
                        : facts.journal == SLOTQ_JOURNAL_OWN   ? "is the queue's own"
                                                               : "cannot be told whose it is");
        }
        return true;
    }
    if (facts.step_may_fit && !ask(self, name)) {
        complain("%s is left as it is", name);
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
                "its journal is adopted: the step of %" PRIu32
                " patch%s is done, and the whole check is sound",
                facts.step_patches, facts.step_patches == 1 ? "" : "es");
    return true;
}
