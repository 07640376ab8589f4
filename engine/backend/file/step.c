/* step.c: the order in which a step's bytes reach a mapped file (FORMAT.md, "Order of
 * writes"): payload, then one store that makes it real; for all else the journal first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../layout/fields.h"
#include "step.h"
#include "journal.h"

/* ---- syncs ---- */

static const char nothing_done[] = "Nothing was done";
static const char not_known[] = "It is not known whether the change survives a power loss";
static const char not_applied[] = "The change is not visible, but the disk may hold its record, "
                                  "and a power loss may bring it back";

/* means: what the failed sync means for the caller. */
static slotq_outcome poison(file_image *image, slotq_outcome outcome, const char *means,
                            store_fault *fault)
{
    const int system_errno = errno;
    __atomic_store_n(&image->poisoned, 1, __ATOMIC_RELEASE);
    fault_system(fault, system_errno,
                 "%s could not be synced to the disk. %s. Close it, repair the disk, and open it "
                 "again",
                 image->names.shown, means);
    fault->outcome = outcome;
    return outcome;
}

/* The pages that hold [offset, offset + length). */
static bool sync_range(const file_image *image, uint64_t offset, uint64_t length)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t start = offset - offset % page;
    return msync(image->bytes + start, (size_t)(offset + length - start), MS_SYNC) == 0;
}

static bool sync_main(const file_image *image)
{
    return fdatasync(image->descriptor) == 0;
}

static bool sync_journal(const file_image *image)
{
    return msync(image->journal, JOURNAL_BYTES, MS_SYNC) == 0;
}

static slotq_outcome refuse_retire(file_image *image, retire_after after, store_fault *fault)
{
    switch (after) {
    case RETIRE_STEP:
    case RETIRE_ADOPTION:
        return poison(image, SLOTQ_OUTCOME_UNKNOWN, not_known, fault);
    case RETIRE_RECOVERY:
        return poison(image, SLOTQ_IO,
                      "The unfinished step of an ended process was completed, and nothing else was "
                      "done",
                      fault);
    default:
        return poison(image, SLOTQ_IO, nothing_done, fault);
    }
}

slotq_outcome file_image_retire(file_image *image, retire_after after, store_fault *fault)
{
    if (!sync_main(image)) {
        return refuse_retire(image, after, fault);
    }
    journal_clear(image->journal);
    if (sync_journal(image)) {
        return SLOTQ_OK;
    }
    const slotq_outcome outcome = refuse_retire(image, after, fault);
    if (after == RETIRE_LEFT) {
        /* other handles write next what the record holds, and the disk may still have it live */
        journal_revive(image->journal);
    } else {
        (void)sync_journal(image); /* it may push, so no handle may meet it again */
    }
    return outcome;
}

slotq_outcome file_image_refuse_unfit(const file_image *image, store_fault *fault)
{
    if (__atomic_load_n(&image->poisoned, __ATOMIC_ACQUIRE) == 0) {
        return SLOTQ_OK;
    }
    return fault_say(fault, SLOTQ_IO,
                     "%s: a sync failed before, so what the disk holds is not known. Close the "
                     "handle, repair the disk, and open it again.",
                     image->names.shown);
}

/* ---- stores ---- */

static void apply_visible(file_image *image, const slotq_step *step)
{
    for (uint32_t i = step->patch_count - step->visible_count; i < step->patch_count; i++) {
        slotq_core_apply_patch(image->bytes, &image->view, step, &step->patches[i]);
    }
}

/* The header must become visible as a whole. A machine that would store it in two halves, or under
 * a lock of the C library that other processes do not see, is refused here: it can use the core. */
#if !defined(__GCC_ATOMIC_LLONG_LOCK_FREE) || __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#error "queue files need a native 64-bit atomic store, which this machine does not have"
#endif

/* Steps that need no journal: each visible patch is one whole store, in their order. */
static void apply_plain(file_image *image, const slotq_step *step)
{
    for (uint32_t i = step->patch_count - step->visible_count; i < step->patch_count; i++) {
        const slotq_patch *patch = &step->patches[i];
        __atomic_thread_fence(__ATOMIC_RELEASE);
        if (patch->offset == 0 && patch->length == HEADER_BYTES) {
            uint64_t header; /* in the order of its bytes, whatever this machine's is */
            memcpy(&header, step->scratch + patch->source, sizeof header);
            __atomic_store_n((uint64_t *)(void *)image->bytes, header, __ATOMIC_RELEASE);
        } else {
            slotq_core_apply_patch(image->bytes, &image->view, step, patch);
        }
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
}

static bool apply_slots(file_image *image, const slotq_step *step)
{
    bool synced = true;
    for (uint32_t i = 0; i < step->patch_count - step->visible_count; i++) {
        const slotq_patch *patch = &step->patches[i];
        slotq_core_apply_patch(image->bytes, &image->view, step, patch);
        if (image->options.sync_always) {
            synced = synced && sync_range(image, patch->offset, patch->length);
        }
    }
    return synced;
}

static bool only_wake(const slotq_step *step)
{
    return step->visible_count == 1 &&
           step->patches[step->patch_count - 1].offset == AT_shared_wake;
}

static bool has_copy(const slotq_step *step)
{
    for (uint32_t i = 0; i < step->patch_count; i++) {
        if (step->patches[i].kind == SLOTQ_PATCH_COPY) {
            return true;
        }
    }
    return false;
}

static slotq_outcome apply_single(file_image *image, const slotq_step *step, store_fault *fault)
{
    if (!step->pushes && !only_wake(step) && journal_is_live(image->journal)) {
        /* the record may hold what is written now: its replay would undo it */
        const slotq_outcome retired = file_image_retire(image, RETIRE_LEFT, fault);
        if (retired != SLOTQ_OK) {
            return retired;
        }
    }
    apply_plain(image, step);
    if (image->options.sync_always && !only_wake(step) && !sync_range(image, 0, GROUPS_OFFSET)) {
        return poison(image, SLOTQ_OUTCOME_UNKNOWN, not_known, fault);
    }
    return SLOTQ_OK;
}

/* A record left live by sync=always is the disk's only copy until the main file is synced. */
static slotq_outcome make_room(file_image *image, store_fault *fault)
{
    if (!image->options.sync_always) {
        return file_image_retire(image, RETIRE_LEFT, fault);
    }
    if (!sync_main(image)) {
        return poison(image, SLOTQ_IO, nothing_done, fault);
    }
    journal_clear(image->journal);
    return SLOTQ_OK;
}

static slotq_outcome apply_synced(file_image *image, const slotq_step *step, store_fault *fault)
{
    if (!sync_journal(image)) {
        const slotq_outcome outcome = poison(image, SLOTQ_OUTCOME_UNKNOWN, not_applied, fault);
        journal_clear(image->journal); /* not applied, so it must not be replayed here */
        (void)sync_journal(image);     /* nor after a power loss, if the disk still takes that */
        return outcome;
    }
    apply_visible(image, step);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (!step->pushes && !has_copy(step)) {
        return SLOTQ_OK; /* the record stays: one sync, and a late replay is harmless */
    }
    return file_image_retire(image, RETIRE_STEP, fault);
}

slotq_outcome file_image_apply(file_image *image, const slotq_step *step, store_fault *fault)
{
    if (step->patch_count == 0) {
        return SLOTQ_OK;
    }
    if (!apply_slots(image, step)) {
        return poison(image, SLOTQ_IO, nothing_done, fault);
    }
    if (!step->needs_journal) {
        return apply_single(image, step, fault);
    }
    if (journal_is_live(image->journal)) {
        const slotq_outcome outcome = make_room(image, fault);
        if (outcome != SLOTQ_OK) {
            return outcome;
        }
    }
    journal_write(image->journal, step, image->options.sync_always);
    if (image->options.sync_always) {
        return apply_synced(image, step, fault);
    }
    apply_visible(image, step);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    journal_clear(image->journal);
    return SLOTQ_OK;
}
