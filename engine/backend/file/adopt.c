/* adopt.c: see adopt.h. A journal knows its main file by inode and birth, which no copy
 * keeps; that both were copied together is the user's word, all else is judged here.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "adopt.h"
#include "step.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* ---- refusals ---- */

slotq_outcome file_refuse_foreign(const file_image *image, const char *whose, store_fault *fault)
{
    fault_say(fault, SLOTQ_IO,
              "%s-journal belongs to another %s and holds an unfinished step. If the queue was "
              "copied or moved, copy both files again, together; if not, remove %s-journal.",
              image->names.shown, whose, image->names.shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_unasked(const file_image *image, store_fault *fault)
{
    const char *shown = image->names.shown;
    const int name_bytes = (int)(strlen(shown) - strlen(".slotq"));
    fault_say(fault, SLOTQ_IO,
              "%s-journal belongs to another file and holds an unfinished step. If both "
              "files were copied together: slotq doctor --adopt-journal %.*s (or the option "
              "adopt_journal). If not, copy both; removing the journal loses that step.",
              shown, name_bytes, shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_read_only(const file_image *image, store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "a read-only handle cannot adopt the journal of %s: open it once for writing.",
                     image->names.shown);
}

static slotq_outcome refuse_torn(const file_image *image, store_fault *fault)
{
    fault_say(fault, SLOTQ_CORRUPT,
              "%s-journal holds an incomplete step. Nothing was changed. Copy both files "
              "again. If the original has the same fault, power was lost while the step was "
              "written: its call never returned, and removing the journal loses nothing.",
              image->names.shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_broken(const file_image *image, store_fault *fault)
{
    fault_say(fault, SLOTQ_CORRUPT,
              "%s-journal holds a step that breaks the format, so it was not adopted. "
              "Nothing was changed. Copy both files again, together.",
              image->names.shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_unsound(const file_image *image, const slotq_damage *damage,
                                    store_fault *fault)
{
    fault_say(fault, SLOTQ_CORRUPT,
              "with the step in its journal %s would be damaged at byte %llu: %s. Nothing was "
              "changed. The journal is another queue's, or a file changed in copying: copy both "
              "again, together.",
              image->names.shown, (unsigned long long)damage->offset, damage->what);
    fault->offset = damage->offset;
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

/* ---- adopting ---- */

/* Do the step in a private mapping, which shows the file's bytes and keeps changes to itself. */
static slotq_outcome judge_in(const file_image *image, uint8_t *copy, store_fault *fault)
{
    slotq_damage damage;
    slotq_view view;
    switch (journal_replay(image->journal, copy, image->view.image_bytes)) {
    case JOURNAL_TORN:
        return refuse_torn(image, fault);
    case JOURNAL_BROKEN:
        return refuse_broken(image, fault);
    default:
        break;
    }
    memset(&view, 0, sizeof view);
    slotq_outcome outcome = slotq_core_open(&view, copy, image->view.image_bytes, &damage);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_check(&view, &damage);
    }
    return outcome == SLOTQ_OK ? SLOTQ_OK : refuse_unsound(image, &damage, fault);
}

static slotq_outcome judge_copy(const file_image *image, store_fault *fault)
{
    const size_t size = image->view.image_bytes;
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, image->descriptor, 0);
    if (copy == MAP_FAILED) {
        return fault_system(fault, errno, "%s cannot be mapped", image->names.shown);
    }
    const slotq_outcome outcome = judge_in(image, copy, fault);
    munmap(copy, size);
    return outcome;
}

slotq_outcome file_adopt(file_image *image, const journal_owner *owner, store_fault *fault)
{
    if (!journal_may_fit(image->journal, owner)) {
        return file_refuse_foreign(image, "queue, of another generation, geometry or size,", fault);
    }
    if (!image->options.adopt_journal) {
        return refuse_unasked(image, fault);
    }
    if (image->options.read_only) {
        return refuse_read_only(image, fault);
    }
    const slotq_outcome outcome = judge_copy(image, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (journal_replay(image->journal, image->bytes, image->view.image_bytes) != JOURNAL_REPLAYED) {
        return refuse_torn(image, fault); /* another process wrote into it just now */
    }
    /* live until the image is synced: cut short before, adopting again mends; after, none is due */
    return file_image_retire(image, RETIRE_ADOPTION, fault);
}
