/* section.c: see section.h.
 */
#define _GNU_SOURCE
#include "section.h"

#include <errno.h>

#include "../../layout/fields.h"
#include "../system/waiting.h"
#include "journal.h"
#include "journal_file.h"
#include "lock.h"
#include "step.h"

/* Shorter waits than this do not end a call: a busy machine keeps an owner for some time, and a
 * recovery takes some. */
enum { PATIENCE_MS_LEAST = 1000, PATIENCE_MS_ALONE = 10000 };

/* ---- ids ---- */

static slotq_outcome unsupported(store_fault *fault)
{
    fault->outcome = SLOTQ_UNSUPPORTED;
    return SLOTQ_UNSUPPORTED;
}

static life_place place_of(file_image *image)
{
    const life_place place = {.descriptor = image->descriptor,
                              .folder = image->folder,
                              .name = image->names.main,
                              .next_id = journal_next_id(image->journal),
                              .word = journal_lock_word(image->journal)};
    return place;
}

slotq_outcome file_section_join(file_image *image, store_fault *fault)
{
    const char *shown = image->names.shown;
    const life_place place = place_of(image);
    switch (life_take(&image->life, &place)) {
    case LIFE_TAKEN:
        return SLOTQ_OK;
    case LIFE_MOVED:
        return SLOTQ_EMPTY;
    case LIFE_UNHELD:
        fault_system(fault, errno,
                     "%s lies on a file system where a mapping does not hold a lock (overlayfs), "
                     "and no thread can be started to hold it (Linux 5.9 or later is needed). Put "
                     "the queue on a volume",
                     shown);
        return unsupported(fault);
    default:
        return fault_system(fault, errno, "%s cannot be opened once more for its lock", shown);
    }
}

slotq_outcome file_section_admit_child(file_image *image, store_fault *fault)
{
    if (image->options.exclusive) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "%s: this handle was opened exclusively before the process forked: "
                         "open the queue again in the child. Nothing was changed.",
                         image->names.shown);
    }
    const life_place place = place_of(image);
    if (life_take_again(&image->life, &place) == LIFE_TAKEN) {
        return SLOTQ_OK;
    }
    fault_system(fault, errno,
                 "%s: this handle was opened before the process forked, and its file cannot be "
                 "opened once more in the child. Nothing was changed. Open the queue again in the "
                 "child",
                 image->names.shown);
    return unsupported(fault);
}

/* ---- the lock ---- */

typedef struct entering {
    const file_image *image;
    const store *caller;
} entering;

static bool is_dead(const void *context, uint32_t owner)
{
    const file_image *image = ((const entering *)context)->image;
    return life_is_over(image->descriptor, image->life.id, owner);
}

static bool gives_up(const void *context, uint64_t waited_ms)
{
    const store *caller = ((const entering *)context)->caller;
    if (waited_ms < PATIENCE_MS_LEAST) {
        return false;
    }
    if (caller == NULL || caller->owner == NULL) {
        return waited_ms >= PATIENCE_MS_ALONE;
    }
    return caller->owner->gives_up(caller->handle, waited_ms);
}

static slotq_outcome refuse_locked(const file_image *image, store_fault *fault)
{
    fault_say(fault, SLOTQ_IO,
              "%s: another process has held the lock for the whole wait and is alive, perhaps "
              "stopped (SIGSTOP). Nothing was changed. Continue or end that process, and try "
              "again.",
              image->names.shown);
    fault->passes = true;
    return SLOTQ_IO;
}

/* Finish the step that the dead owner began, and wake all sleepers that it may have been about to
 * wake. */
static slotq_outcome recover(file_image *image, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    if (journal_is_live(image->journal)) {
        outcome = file_journal_replay(image, fault);
        outcome = outcome == SLOTQ_OK ? file_image_retire(image, RETIRE_RECOVERY, fault) : outcome;
    }
    if (outcome == SLOTQ_OK) {
        const sleepers all = file_sleepers(image);
        sleepers_wake_all(&all);
    }
    return outcome;
}

static slotq_outcome wait_and_recover(file_image *image, const store *caller, store_fault *fault)
{
    const entering self = {image, caller};
    const lock_watch watch = {.is_dead = is_dead, .gives_up = gives_up, .context = &self};
    uint32_t *word = journal_lock_word(image->journal);
    switch (lock_wait(word, image->life.id, &watch)) {
    case LOCK_ENTERED:
        return SLOTQ_OK;
    case LOCK_GIVEN_UP:
        return refuse_locked(image, fault);
    default:
        break;
    }
    const slotq_outcome outcome = recover(image, fault);
    if (outcome != SLOTQ_OK) {
        lock_leave_due(word); /* this handle's trouble: the next one may be able to */
    }
    return outcome;
}

slotq_outcome file_section_enter(file_image *image, const store *caller, store_fault *fault)
{
    if (lock_try(journal_lock_word(image->journal), image->life.id)) {
        return SLOTQ_OK;
    }
    return wait_and_recover(image, caller, fault);
}

void file_section_leave(file_image *image)
{
    lock_leave(journal_lock_word(image->journal), image->life.id);
}
