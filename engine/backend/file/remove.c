/* remove.c: see remove.h. A queue with messages is deleted while this process has its file
 * exclusively, a finished shard while it has the lock.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../layout/descriptor.h"
#include "../../layout/fields.h"
#include "../../layout/checksum.h"
#include "../../layout/geometry.h"
#include "../system/descriptors.h"
#include "journal.h"
#include "locks.h"
#include "open.h"
#include "section.h"

/* The one queue that may be deleted; NULL: any. */
typedef struct only {
    uint32_t set;
    uint16_t shard;
} only;

static slotq_outcome remove_locked(int folder, const file_names *names, store_fault *fault)
{
    /* the journal first: while the main file exists, no process creates another queue */
    if (unlinkat(folder, names->journal, 0) != 0 && errno != ENOENT) {
        return fault_system(fault, errno, "%s-journal cannot be removed", names->shown);
    }
    if (unlinkat(folder, names->main, 0) != 0) {
        return fault_system(fault, errno, "%s cannot be removed", names->shown);
    }
    return filesystem_sync_folder(folder, names->shown, "removed", fault);
}

static slotq_outcome refuse_open(const file_names *names, store_fault *fault)
{
    return fault_say(fault, SLOTQ_LOCKED,
                     "%s is open in another process or handle: close it there first", names->shown);
}

static slotq_outcome refuse_another(const file_names *names, store_fault *fault)
{
    return fault_say(fault, SLOTQ_EXISTS, "%s is not that shard of this queue: move it away",
                     names->shown);
}

static slotq_outcome refuse_damaged(const file_names *names, store_fault *fault)
{
    return fault_say(fault, SLOTQ_CORRUPT, "the geometry of %s is damaged", names->shown);
}

static slotq_outcome judge(int descriptor, const file_names *names, const only *wanted,
                           store_fault *fault)
{
    uint8_t front[GEOMETRY_END] = {0};
    slotq_geometry there;
    if (filesystem_refuse_sharded(descriptor, names->shown, fault) != SLOTQ_OK) {
        return SLOTQ_SHARDED;
    }
    if (wanted == NULL) {
        return SLOTQ_OK;
    }
    if (pread(descriptor, front, sizeof front, 0) < 0) {
        return fault_system(fault, errno, "%s cannot be read", names->shown);
    }
    const uint32_t magic = load_u32(front + AT_geometry_magic);
    const bool is_newer = magic != MAGIC_VERSION_1 && ((magic ^ MAGIC_VERSION_1) & 0xffffff) == 0;
    const uint32_t check = checksum_xxh32(front + GEOMETRY_CHECK_FROM, GEOMETRY_CHECK_BYTES);
    if (!is_newer &&
        (magic != MAGIC_VERSION_1 || load_u32(front + AT_geometry_geometry_check) != check)) {
        return refuse_damaged(names, fault);
    }
    geometry_load(&there, front);
    return is_newer || there.set != wanted->set || there.shard != wanted->shard
               ? refuse_another(names, fault)
               : SLOTQ_OK;
}

/* The name leads to this file: OK. NOQUEUE: another process was faster. */
static slotq_outcome find_again(int folder, int descriptor, const file_names *names,
                                store_fault *fault)
{
    struct stat ours;
    struct stat named;
    if (fstat(descriptor, &ours) != 0 ||
        fstatat(folder, names->main, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) {
        return fault_say(fault, SLOTQ_NOQUEUE, "another process just removed %s", names->shown);
    }
    return SLOTQ_OK;
}

/* Have it exclusively until the descriptor is closed. */
static slotq_outcome lock_file(int folder, int descriptor, const file_names *names,
                               store_fault *fault)
{
    const lock_answer answer = lock_presence(descriptor, true);
    if (answer == LOCK_FAILED) {
        return fault_system(fault, errno, "%s cannot be locked", names->shown);
    }
    if (answer == LOCK_REFUSED) {
        return refuse_open(names, fault);
    }
    if (lock_ids_state(descriptor) != LOCK_IS_FREE) { /* in use, its presence lost or leaving */
        return refuse_open(names, fault);
    }
    return find_again(folder, descriptor, names, fault);
}

typedef struct found {
    file_names names;
    int folder;
    int descriptor;
} found;

static slotq_outcome find(const char *folder, const char *queue, found *self, store_fault *fault)
{
    file_names_make(&self->names, queue);
    slotq_outcome outcome = filesystem_open_folder(folder, &self->folder, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = filesystem_open_main(self->folder, &self->names, O_RDWR, &self->descriptor, fault);
    if (outcome != SLOTQ_OK) {
        close(self->folder);
    }
    return outcome;
}

static void leave(const found *self)
{
    close(self->descriptor);
    close(self->folder);
}

static slotq_outcome remove_only(const char *folder, const char *queue, const only *wanted,
                                 store_fault *fault)
{
    found file;
    slotq_outcome outcome = find(folder, queue, &file, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = lock_file(file.folder, file.descriptor, &file.names, fault);
    outcome = outcome == SLOTQ_OK ? judge(file.descriptor, &file.names, wanted, fault) : outcome;
    outcome = outcome == SLOTQ_OK ? remove_locked(file.folder, &file.names, fault) : outcome;
    leave(&file);
    return outcome;
}

slotq_outcome file_remove(const char *folder, const char *queue, store_fault *fault)
{
    return remove_only(folder, queue, NULL, fault);
}

slotq_outcome file_refuse_open(const char *folder, const char *queue, store_fault *fault)
{
    found file;
    if (find(folder, queue, &file, fault) != SLOTQ_OK) {
        return SLOTQ_OK;
    }
    const bool refused =
        lock_file(file.folder, file.descriptor, &file.names, fault) == SLOTQ_LOCKED;
    leave(&file);
    return refused ? SLOTQ_LOCKED : SLOTQ_OK;
}

/* ---- shards ---- */

/* Nothing but the verb that asks, which reads, and takes one step. */
static slotq_outcome judge_finished(const file_image *image, const only *wanted, store_fault *fault)
{
    slotq_call call;
    slotq_step step;
    const slotq_geometry *there = &image->view.geometry;
    if (there->set != wanted->set || there->shard != wanted->shard) {
        return refuse_another(&image->names, fault);
    }
    slotq_core_begin(&call, SLOTQ_FINISH, STORE_TIME);
    const slotq_outcome outcome = slotq_core_step(&image->view, &call, &step);
    return outcome == SLOTQ_UNFINISHED
               ? fault_say(fault, SLOTQ_AGAIN, "%s is open to pushes, or has messages",
                           image->names.shown)
               : outcome;
}

/* The main file first: a process that opens it finds the journal of the others. Another process may
 * then create a queue of this name, whose journal stays. */
static slotq_outcome unlink_open(const file_image *image, store_fault *fault)
{
    struct stat ours;
    struct stat named;
    const file_names *names = &image->names;
    if (unlinkat(image->folder, names->main, 0) != 0) {
        return fault_system(fault, errno, "%s cannot be removed", names->shown);
    }
    *journal_removed(image->journal) = 1;
    if (fstat(image->journal_descriptor, &ours) == 0 &&
        fstatat(image->folder, names->journal, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        ours.st_ino == named.st_ino && unlinkat(image->folder, names->journal, 0) != 0) {
        return fault_system(fault, errno, "%s-journal cannot be removed", names->shown);
    }
    return filesystem_sync_folder(image->folder, names->shown, "removed", fault);
}

/* A finished queue has no message that its handles could miss, so it may be open: they learn that
 * it is gone before they get the lock. */
static slotq_outcome remove_finished(const char *folder, const char *queue, const only *wanted,
                                     store_fault *fault)
{
    const file_options options = {.exclusive = false};
    file_image *image;
    slotq_outcome outcome = file_image_open(folder, queue, &options, &image, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = file_section_enter(image, NULL, fault);
    if (outcome == SLOTQ_OK) {
        outcome = find_again(image->folder, image->descriptor, &image->names, fault);
        outcome = outcome == SLOTQ_OK ? judge_finished(image, wanted, fault) : outcome;
        outcome = outcome == SLOTQ_OK ? unlink_open(image, fault) : outcome;
        file_section_leave(image);
    }
    file_image_close(image);
    return outcome;
}

slotq_outcome file_remove_shard(const char *folder, const char *queue, uint32_t set, uint16_t shard,
                                bool if_finished, store_fault *fault)
{
    const only wanted = {set, shard};
    const slotq_outcome outcome = if_finished ? remove_finished(folder, queue, &wanted, fault)
                                              : remove_only(folder, queue, &wanted, fault);
    switch (outcome) {
    case SLOTQ_NOQUEUE:
        return SLOTQ_OK;
    case SLOTQ_SHARDED:
    case SLOTQ_VERSION:
        fault->outcome = SLOTQ_EXISTS;
        return SLOTQ_EXISTS;
    default:
        return outcome;
    }
}
