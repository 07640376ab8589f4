/* journal_file.c: see journal_file.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../system/descriptors.h"
#include "adopt.h"
#include "journal.h"
#include "locks.h"
#include "stray.h"
#include "step.h"

/* ---- refusals ---- */

static slotq_outcome refuse_damaged(const file_image *image, const char *how, store_fault *fault)
{
    fault_say(fault, SLOTQ_CORRUPT,
              "%s-journal %s, so an unfinished step that it may hold cannot be completed. "
              "Nothing was changed. Move the journal away, open the queue again (this makes "
              "a new journal), and run slotq check.",
              image->names.shown, how);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_lost(const file_image *image, store_fault *fault)
{
    fault_say(fault, SLOTQ_IO,
              "the journal of %s was removed or replaced while other processes have the "
              "queue open. Close it in all processes; the next open makes a new journal.",
              image->names.shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_read_only(const file_image *image, store_fault *fault)
{
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "a process ended in the middle of a step on %s, which a read-only handle "
                     "cannot complete: open the queue once for writing.",
                     image->names.shown);
}

static slotq_outcome refuse_version(const file_image *image, store_fault *fault)
{
    fault_say(fault, SLOTQ_VERSION,
              "%s-journal is of another version and may hold an unfinished step: open the "
              "queue once with the version of slotq that wrote it, close it there, then "
              "remove the journal.",
              image->names.shown);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

static slotq_outcome refuse_system(const file_image *image, const char *what, store_fault *fault)
{
    fault_system(fault, errno, "%s-journal cannot be %s", image->names.shown, what);
    return fault_caused(fault, SLOTQ_CAUSE_JOURNAL);
}

/* ---- the file ---- */

enum { SHOWN_BYTES = FILE_NAME_BYTES + 16 };

static void show_name(const file_image *image, char *shown)
{
    (void)snprintf(shown, SHOWN_BYTES, "%s-journal", image->names.shown);
}

static bool owner_of(const file_image *image, journal_owner *owner)
{
    return journal_owner_of(image->descriptor, image->bytes, owner);
}

/* Open and map the journal found by name. OK, NOQUEUE (none there), or refused. */
static slotq_outcome map_found(file_image *image, int folder, store_fault *fault)
{
    struct stat facts;
    image->journal_descriptor = descriptor_lift(openat(
        folder, image->names.journal, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (image->journal_descriptor < 0) {
        return errno == ENOENT ? SLOTQ_NOQUEUE : refuse_system(image, "opened for writing", fault);
    }
    if (fstat(image->journal_descriptor, &facts) != 0) {
        return refuse_system(image, "looked at", fault);
    }
    if (!S_ISREG(facts.st_mode) || facts.st_size != JOURNAL_BYTES) {
        return refuse_damaged(image, "is not a file of 4096 bytes", fault);
    }
    void *bytes =
        mmap(NULL, JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, image->journal_descriptor, 0);
    if (bytes == MAP_FAILED) {
        return refuse_system(image, "mapped", fault);
    }
    image->journal = bytes;
    return SLOTQ_OK;
}

static void forget(file_image *image)
{
    if (image->journal != NULL) {
        munmap(image->journal, JOURNAL_BYTES);
    }
    if (image->journal_descriptor >= 0) {
        close(image->journal_descriptor);
    }
    image->journal = NULL;
    image->journal_descriptor = -1;
}

/* Users who may open the queue may open its journal. */
static void share(const file_image *image, int descriptor)
{
    struct stat facts;
    if (fstat(image->descriptor, &facts) == 0) {
        if (fchown(descriptor, facts.st_uid, facts.st_gid) != 0) {
            (void)errno; /* not ours to give: the mode must do */
        }
        (void)fchmod(descriptor, facts.st_mode & 0777);
    }
}

slotq_outcome file_journal_make(const file_image *image, int folder, fresh_file *journal,
                                store_fault *fault)
{
    journal_owner owner;
    char shown[SHOWN_BYTES];
    uint8_t bytes[JOURNAL_BYTES] = {0};
    if (!owner_of(image, &owner)) {
        return fault_system(fault, errno, "the status of %s cannot be read", image->names.shown);
    }
    show_name(image, shown);
    slotq_outcome outcome = fresh_file_make(folder, JOURNAL_BYTES, shown, journal, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    journal_bind(bytes, &owner);
    share(image, journal->descriptor);
    if (pwrite(journal->descriptor, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes ||
        fsync(journal->descriptor) != 0) {
        outcome = refuse_system(image, "written", fault);
        fresh_file_drop(folder, journal);
    }
    return outcome;
}

/* A new journal in place of the old one; processes that have the old one mapped keep it. */
static slotq_outcome make_new(file_image *image, int folder, store_fault *fault)
{
    fresh_file journal;
    slotq_outcome outcome = file_journal_make(image, folder, &journal, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = fresh_file_publish(folder, &journal, image->names.journal, true, fault);
    fresh_file_drop(folder, &journal);
    if (outcome == SLOTQ_OK) {
        outcome = filesystem_sync_folder(folder, image->names.shown, NULL, fault);
    }
    return outcome == SLOTQ_OK ? map_found(image, folder, fault) : outcome;
}

slotq_outcome file_journal_refuse_orphan(const file_image *image, int folder, store_fault *fault)
{
    uint8_t bytes[JOURNAL_BYTES] = {0};
    const int descriptor =
        openat(folder, image->names.journal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        return SLOTQ_OK;
    }
    const ssize_t got = pread(descriptor, bytes, sizeof bytes, 0);
    close(descriptor);
    return got > 0 && journal_is_live(bytes) ? file_refuse_foreign(image, "file", fault) : SLOTQ_OK;
}

/* A journal's name must outlive a power loss; EINVAL: folders cannot be synced there. */
static bool folder_is_synced(int folder)
{
    return fsync(folder) == 0 || errno == EINVAL;
}

/* ---- first opener ---- */

slotq_outcome file_journal_replay(file_image *image, store_fault *fault)
{
    uint8_t *bytes = image->bytes;
    const size_t size = image->view.image_bytes;
    if (image->options.read_only) { /* a dead owner's step, met while others work */
        void *writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, image->descriptor, 0);
        if (writable == MAP_FAILED) {
            return fault_system(fault, errno, "%s cannot be mapped", image->names.shown);
        }
        bytes = writable;
    }
    const journal_replay_answer answer = journal_replay(image->journal, bytes, size);
    if (image->options.read_only) {
        munmap(bytes, size);
    }
    if (answer == JOURNAL_BROKEN) {
        return refuse_damaged(image, "holds a step that breaks the format", fault);
    }
    return SLOTQ_OK; /* a torn record was not applied, and what came before it was synced */
}

static slotq_outcome finish_step(file_image *image, store_fault *fault)
{
    if (image->options.read_only) {
        return refuse_read_only(image, fault);
    }
    const slotq_outcome outcome = file_journal_replay(image, fault);
    return outcome == SLOTQ_OK ? file_image_retire(image, RETIRE_RECOVERY, fault) : outcome;
}

/* The main file was renamed, and its journal kept the old name: it follows now. */
static slotq_outcome follow(file_image *image, int folder, const file_stray *stray,
                            store_fault *fault)
{
    journal_owner owner;
    if (image->options.read_only) {
        return refuse_read_only(image, fault);
    }
    if (stray->count > 1 || !stray->is_certain) {
        return file_stray_refuse(image, stray, fault);
    }
    if (renameat(folder, stray->name, folder, image->names.journal) != 0) {
        return refuse_system(image, "given its queue's new name", fault);
    }
    slotq_outcome outcome = filesystem_sync_folder(folder, image->names.shown, NULL, fault);
    outcome = outcome == SLOTQ_OK ? map_found(image, folder, fault) : outcome;
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (!owner_of(image, &owner) || journal_judge(image->journal, &owner) != JOURNAL_OURS) {
        return refuse_lost(image, fault);
    }
    return finish_step(image, fault);
}

/* No journal of this main file has the name that it should have. */
static slotq_outcome make_or_follow(file_image *image, int folder, store_fault *fault)
{
    file_stray stray;
    const slotq_outcome outcome = file_stray_find(image, folder, &stray, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    forget(image);
    return stray.count > 0 ? follow(image, folder, &stray, fault) : make_new(image, folder, fault);
}

/* Before a foreign step is adopted: the main file must have none that waits elsewhere. */
static slotq_outcome adopt(file_image *image, int folder, const journal_owner *owner,
                           store_fault *fault)
{
    file_stray stray;
    const slotq_outcome outcome = file_stray_find(image, folder, &stray, fault);
    if (outcome == SLOTQ_OK && stray.count > 0) {
        return file_stray_refuse(image, &stray, fault);
    }
    return outcome == SLOTQ_OK ? file_adopt(image, owner, fault) : outcome;
}

static slotq_outcome judge_found(file_image *image, int folder, store_fault *fault)
{
    journal_owner owner;
    if (!owner_of(image, &owner)) {
        return fault_system(fault, errno, "the status of %s cannot be read", image->names.shown);
    }
    const bool live = journal_is_live(image->journal);
    slotq_outcome outcome;
    switch (journal_judge(image->journal, &owner)) {
    case JOURNAL_OURS:
        if (!live && journal_is_of_this_order(image->journal)) {
            return SLOTQ_OK;
        }
        if (!live) {
            forget(image);
            return make_new(image, folder, fault);
        }
        return finish_step(image, fault);
    case JOURNAL_FOREIGN:
        outcome = live ? adopt(image, folder, &owner, fault) : SLOTQ_OK;
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
        return make_or_follow(image, folder, fault); /* nothing is lost: its steps are whole */
    case JOURNAL_OF_VERSION_1:
        if (live) {
            return refuse_version(image, fault);
        }
        forget(image); /* at rest: nothing in it is needed */
        return make_new(image, folder, fault);
    case JOURNAL_OTHER_VERSION:
        return refuse_version(image, fault);
    default:
        return refuse_damaged(image, "is not a sound journal", fault);
    }
}

slotq_outcome file_journal_recover(file_image *image, int folder, store_fault *fault)
{
    char shown[SHOWN_BYTES];
    slotq_outcome outcome = map_found(image, folder, fault);
    if (outcome == SLOTQ_OK) {
        show_name(image, shown);
        outcome = filesystem_take_room(image->journal_descriptor, JOURNAL_BYTES, shown, fault);
        outcome = outcome == SLOTQ_OK ? judge_found(image, folder, fault) : outcome;
    } else if (outcome == SLOTQ_NOQUEUE) {
        outcome = make_or_follow(image, folder, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    struct stat facts;
    if (fstat(image->journal_descriptor, &facts) != 0) {
        return refuse_system(image, "looked at", fault);
    }
    journal_reset_lock(image->journal);
    if (image->options.sync_always &&
        (msync(image->journal, JOURNAL_BYTES, MS_SYNC) != 0 || !folder_is_synced(folder))) {
        return refuse_system(image, "synced", fault);
    }
    if (lock_journal(image->descriptor, facts.st_ino) != LOCK_TAKEN) {
        return refuse_system(image, "locked", fault);
    }
    return SLOTQ_OK;
}

/* ---- later openers ---- */

/* Writers then can tell a reader that keeps them out from a process that is opening or leaving. */
static journal_join stay_without(const file_image *image, slotq_outcome *outcome,
                                 store_fault *fault)
{
    if (lock_mark_reader(image->descriptor) == LOCK_TAKEN) {
        return JOURNAL_NOT_NEEDED;
    }
    *outcome = refuse_system(image, "locked", fault);
    return JOURNAL_REFUSED;
}

/* No journal has the name: its step may wait under another one. */
static journal_join stay_without_any(const file_image *image, int folder, slotq_outcome *outcome,
                                     store_fault *fault)
{
    file_stray stray;
    *outcome = file_stray_find(image, folder, &stray, fault);
    if (*outcome == SLOTQ_OK && stray.count > 0) {
        *outcome = refuse_read_only(image, fault);
    }
    return *outcome == SLOTQ_OK ? stay_without(image, outcome, fault) : JOURNAL_REFUSED;
}

journal_join file_journal_do_without(file_image *image, int folder, slotq_outcome *outcome,
                                     store_fault *fault)
{
    uint8_t bytes[JOURNAL_BYTES] = {0};
    *outcome = SLOTQ_OK;
    forget(image);
    if (lock_any_journal_is_held(image->descriptor)) {
        *outcome = fault_say(fault, SLOTQ_UNSUPPORTED,
                             "another process has %s open for writing. Reading it meanwhile needs "
                             "write access to it and its journal, for the lock: grant that, or "
                             "read it when no process has it open.",
                             image->names.shown);
        return JOURNAL_REFUSED;
    }
    const int descriptor =
        openat(folder, image->names.journal, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        if (errno == ENOENT) {
            return stay_without_any(image, folder, outcome, fault);
        }
        *outcome = refuse_system(image, "opened", fault);
        return JOURNAL_REFUSED;
    }
    const ssize_t got = pread(descriptor, bytes, sizeof bytes, 0);
    close(descriptor);
    journal_owner owner;
    if (got != (ssize_t)sizeof bytes || !owner_of(image, &owner) ||
        journal_judge(bytes, &owner) == JOURNAL_DAMAGED) {
        *outcome = refuse_damaged(image, "is not a sound journal", fault);
        return JOURNAL_REFUSED;
    }
    if (journal_is_live(bytes)) {
        *outcome = refuse_read_only(image, fault);
        return JOURNAL_REFUSED;
    }
    return stay_without(image, outcome, fault);
}

static slotq_outcome judge_joined(file_image *image, int folder, store_fault *fault)
{
    journal_owner owner;
    if (!owner_of(image, &owner)) {
        return refuse_lost(image, fault);
    }
    const journal_state state = journal_judge(image->journal, &owner);
    if (state == JOURNAL_OF_VERSION_1 || state == JOURNAL_OTHER_VERSION) {
        return fault_say(fault, SLOTQ_VERSION,
                         "%s is open in another version of slotq, whose lock this one cannot "
                         "share: close it there.",
                         image->names.shown);
    }
    if (state != JOURNAL_OURS) {
        return refuse_lost(image, fault);
    }
    if (!journal_is_of_this_order(image->journal)) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "%s is open in a program of another byte order, whose lock this one "
                         "cannot share: close it there.",
                         image->names.shown);
    }
    if (image->options.sync_always && !folder_is_synced(folder)) {
        return refuse_system(image, "synced", fault);
    }
    return SLOTQ_OK;
}

journal_join file_journal_join(file_image *image, int folder, slotq_outcome *outcome,
                               store_fault *fault)
{
    struct stat facts;
    if (!image->writable) {
        return file_journal_do_without(image, folder, outcome, fault);
    }
    *outcome = map_found(image, folder, fault);
    if (image->options.read_only && *outcome == SLOTQ_IO && image->journal_descriptor < 0) {
        return file_journal_do_without(image, folder, outcome, fault);
    }
    const bool found = *outcome == SLOTQ_OK && fstat(image->journal_descriptor, &facts) == 0;
    if (found && lock_journal_is_held(image->descriptor, facts.st_ino)) {
        if (lock_journal(image->descriptor, facts.st_ino) != LOCK_TAKEN) {
            *outcome = refuse_system(image, "locked", fault);
            return JOURNAL_REFUSED;
        }
        *outcome = judge_joined(image, folder, fault);
        return *outcome == SLOTQ_OK ? JOURNAL_JOINED : JOURNAL_REFUSED;
    }
    /* Not any at all: the only user may have ended just before another opener joined it. */
    if (found ? lock_other_journal_is_held(image->descriptor, facts.st_ino)
              : lock_any_journal_is_held(image->descriptor)) {
        *outcome = refuse_lost(image, fault);
        return JOURNAL_REFUSED;
    }
    if (*outcome == SLOTQ_IO) { /* a journal that this user may not write, and no process has it
                                 * open */
        return JOURNAL_REFUSED;
    }
    return JOURNAL_UNUSED;
}
