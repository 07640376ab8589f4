/* value.c: see value.h. A change is a new file that takes the name. The lock of the file that has
 * the name keeps a second change out; it ends with the process that has it.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../system/descriptors.h"
#include "../system/monotonic.h"
#include "filesystem.h"
#include "locks.h"

enum {
    PART_BYTES = 512,
    LOCK_MS_MAX = 10000, /* a change takes some syncs of the disk */
    PAUSE_US = 2000
};

typedef struct change {
    int folder;
    int there; /* the file that has the name; -1: none */
    file_names names;
    shards_value old;
    shards_value next;
    store_fault *fault;
} change;

/* All of them, or as many as there are; -1 with errno. */
static ssize_t read_at(int descriptor, uint8_t *bytes, uint32_t room, uint64_t at)
{
    uint32_t done = 0;
    while (done < room) {
        const ssize_t got = pread(descriptor, bytes + done, room - done, (off_t)(at + done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (uint32_t)got : 0;
    }
    return (ssize_t)done;
}

slotq_outcome file_value_read(const char *folder, const char *queue, uint8_t *bytes, uint32_t room,
                              uint64_t *size, store_fault *fault)
{
    file_names names;
    struct stat facts;
    int there;
    int descriptor;
    file_names_make(&names, queue);
    slotq_outcome outcome = filesystem_open_folder(folder, &there, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = filesystem_open_main(there, &names, O_RDONLY, &descriptor, fault);
    close(there);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    if (fstat(descriptor, &facts) != 0 || read_at(descriptor, bytes, room, 0) < 0) {
        outcome = fault_system(fault, errno, "%s cannot be read", names.shown);
    } else {
        *size = (uint64_t)facts.st_size;
    }
    close(descriptor);
    return outcome;
}

/* ---- change ---- */

/* AGAIN: another file has the name by now. */
static slotq_outcome lock_once(change *self)
{
    struct stat ours;
    struct stat named;
    const lock_answer answer = lock_presence(self->there, true);
    if (answer == LOCK_FAILED) {
        return fault_system(self->fault, errno, "%s cannot be locked", self->names.shown);
    }
    if (answer == LOCK_REFUSED) {
        return SLOTQ_LOCKED;
    }
    const bool is_named =
        fstat(self->there, &ours) == 0 &&
        fstatat(self->folder, self->names.main, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
    return is_named ? SLOTQ_OK : SLOTQ_AGAIN;
}

static slotq_outcome lock(change *self)
{
    const uint64_t since_ms = monotonic_ms();
    for (;;) {
        const slotq_outcome outcome = lock_once(self);
        if (outcome != SLOTQ_LOCKED) {
            return outcome;
        }
        if (monotonic_ms() - since_ms >= LOCK_MS_MAX) {
            return fault_say(self->fault, outcome,
                             "%s has been locked by another process for %d s: look for one that "
                             "was stopped (SIGSTOP)",
                             self->names.shown, LOCK_MS_MAX / 1000);
        }
        sleep_us(jittered(PAUSE_US));
    }
}

/* Locked. AGAIN: the bytes are others. */
static slotq_outcome compare(const change *self)
{
    uint8_t part[PART_BYTES];
    struct stat facts;
    if (fstat(self->there, &facts) != 0) {
        return fault_system(self->fault, errno, "%s cannot be read", self->names.shown);
    }
    if ((uint64_t)facts.st_size != self->old.size) {
        return SLOTQ_AGAIN;
    }
    for (uint32_t at = 0; at < self->old.size; at += PART_BYTES) {
        const uint32_t left = self->old.size - at;
        const uint32_t bytes = left < PART_BYTES ? left : PART_BYTES;
        const ssize_t got = read_at(self->there, part, bytes, at);
        if (got < 0) {
            return fault_system(self->fault, errno, "%s cannot be read", self->names.shown);
        }
        if ((uint32_t)got != bytes || memcmp(part, self->old.bytes + at, bytes) != 0) {
            return SLOTQ_AGAIN;
        }
    }
    return SLOTQ_OK;
}

static slotq_outcome write_bytes(const change *self, const fresh_file *file)
{
    for (uint32_t done = 0; done < self->next.size;) {
        const ssize_t written =
            pwrite(file->descriptor, self->next.bytes + done, self->next.size - done, (off_t)done);
        if (written < 0 && errno != EINTR) {
            return fault_system(self->fault, errno, "%s cannot be written", self->names.shown);
        }
        done += written > 0 ? (uint32_t)written : 0;
    }
    return fsync(file->descriptor) == 0
               ? SLOTQ_OK
               : fault_system(self->fault, errno, "%s could not be synced to the disk",
                              self->names.shown);
}

static slotq_outcome put(const change *self)
{
    fresh_file file;
    slotq_outcome outcome =
        fresh_file_make(self->folder, self->next.size, self->names.shown, &file, self->fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = write_bytes(self, &file);
    if (outcome == SLOTQ_OK && self->there >= 0) {
        outcome =
            filesystem_take_rights(file.descriptor, self->there, self->names.shown, self->fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = fresh_file_publish(self->folder, &file, self->names.main, self->there >= 0,
                                     self->fault);
    }
    fresh_file_drop(self->folder, &file);
    return outcome;
}

static slotq_outcome apply(const change *self)
{
    slotq_outcome outcome = SLOTQ_OK;
    if (self->next.bytes != NULL) {
        outcome = put(self);
    } else if (unlinkat(self->folder, self->names.main, 0) != 0) {
        outcome = fault_system(self->fault, errno, "%s cannot be removed", self->names.shown);
    }
    return outcome == SLOTQ_OK
               ? filesystem_sync_folder(self->folder, self->names.shown, "changed", self->fault)
               : outcome;
}

/* The file that has the name, if one is wanted, is locked until its descriptor is closed. */
static slotq_outcome run(change *self)
{
    if (self->old.bytes == NULL) {
        slotq_outcome outcome = filesystem_refuse_network(self->folder, &self->names, self->fault);
        return outcome == SLOTQ_OK ? apply(self) : outcome;
    }
    slotq_outcome outcome =
        filesystem_open_main(self->folder, &self->names, O_RDWR, &self->there, self->fault);
    if (outcome != SLOTQ_OK) {
        return outcome == SLOTQ_NOQUEUE ? SLOTQ_AGAIN : outcome;
    }
    outcome = lock(self);
    outcome = outcome == SLOTQ_OK ? compare(self) : outcome;
    outcome = outcome == SLOTQ_OK ? apply(self) : outcome;
    close(self->there);
    return outcome;
}

slotq_outcome file_value_change(const char *folder, const char *queue, shards_value old,
                                shards_value next, store_fault *fault)
{
    change self = {.there = -1, .old = old, .next = next, .fault = fault};
    file_names_make(&self.names, queue);
    slotq_outcome outcome = filesystem_open_folder(folder, &self.folder, fault);
    if (outcome == SLOTQ_OK) {
        outcome = run(&self);
        close(self.folder);
    }
    return outcome;
}
