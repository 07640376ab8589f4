/* filesystem.c: see filesystem.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "../../layout/descriptor.h"
#include "../system/descriptors.h"

enum { ZERO_BYTES = 16384, TEMPORARY_TRIES = 1000 };

void file_names_make(file_names *names, const char *queue)
{
    (void)snprintf(names->main, sizeof names->main, "%s.slotq", queue);
    (void)snprintf(names->journal, sizeof names->journal, "%s.slotq-journal", queue);
    (void)snprintf(names->shown, sizeof names->shown, "%s", names->main);
    for (char *byte = names->shown; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < ' ' || *byte == 127) { /* texts go to terminals */
            *byte = '?';
        }
    }
}

slotq_outcome filesystem_open_folder(const char *folder, int *descriptor, store_fault *fault)
{
    *descriptor = descriptor_lift(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (*descriptor >= 0) {
        return SLOTQ_OK;
    }
    fault_system(fault, errno,
                 "the folder of the queue cannot be opened (create it, or give another one)");
    fault->cause = SLOTQ_CAUSE_FOLDER;
    return fault->outcome;
}

slotq_outcome filesystem_open_main(int folder, const file_names *names, int access, int *descriptor,
                                   store_fault *fault)
{
    *descriptor = descriptor_lift(
        openat(folder, names->main, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (*descriptor >= 0) {
        return SLOTQ_OK;
    }
    return errno == ENOENT
               ? fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %s here", names->shown)
               : fault_system(fault, errno, "%s cannot be opened%s", names->shown,
                              access == O_RDWR ? " for writing" : "");
}

typedef struct kind {
    const char *name;
    uint32_t number;
    bool is_network;
    bool needs_room;
} kind;

static const kind *kind_of(long type)
{
    static const kind kinds[] = {
#define FILE_SYSTEM(number, name, is_network, needs_room) {name, number, is_network, needs_room},
#include "kinds.def"
#undef FILE_SYSTEM
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((uint32_t)type == kinds[i].number) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *filesystem_name(long type)
{
    const kind *found = kind_of(type);
    return found == NULL ? NULL : found->name;
}

bool filesystem_is_network(long type)
{
    const kind *found = kind_of(type);
    return found != NULL && found->is_network;
}

slotq_outcome filesystem_refuse_network(int descriptor, const file_names *names, store_fault *fault)
{
    struct statfs facts;
    if (fstatfs(descriptor, &facts) != 0) {
        return fault_system(fault, errno, "the file system of %s cannot be identified",
                            names->shown);
    }
    if (!filesystem_is_network((long)facts.f_type)) {
        return SLOTQ_OK;
    }
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "%s lies on a network or user-space file system (%s), where several "
                     "processes cannot share it safely. Put the queue on a local disk.",
                     names->shown, filesystem_name((long)facts.f_type));
}

/* ---- copy on write ---- */

bool filesystem_needs_room(long type)
{
    const kind *found = kind_of(type);
    return found != NULL && found->needs_room;
}

slotq_outcome filesystem_refuse_copying(int descriptor, const char *shown, store_fault *fault)
{
    struct statfs facts;
    if (fstatfs(descriptor, &facts) != 0) {
        return fault_system(fault, errno, "the file system of %s cannot be identified", shown);
    }
    if (!filesystem_needs_room((long)facts.f_type)) {
        return SLOTQ_OK;
    }
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "%s lies on %s, which writes each change to new blocks, so a full disk would "
                     "kill or hang a process that writes to it. Use a queue on ext4 or xfs (slotq "
                     "copy, or slotq export and import).",
                     shown, filesystem_name((long)facts.f_type));
}

slotq_outcome filesystem_refuse_sharded(int descriptor, const char *shown, store_fault *fault)
{
    uint8_t begin[DESCRIPTOR_BEGIN_BYTES];
    const ssize_t got = pread(descriptor, begin, sizeof begin, 0);
    if (got < 0 || !bytes_begin_descriptor(begin, (uint64_t)got)) {
        return SLOTQ_OK;
    }
    return fault_damage(fault, SLOTQ_SHARDED, shown, NULL);
}

/* ---- room ---- */

static int write_zeros(int descriptor, uint64_t bytes)
{
    static const char zeros[ZERO_BYTES];
    for (uint64_t done = 0; done < bytes;) {
        const uint64_t left = bytes - done;
        const ssize_t written =
            pwrite(descriptor, zeros, left < ZERO_BYTES ? left : ZERO_BYTES, (off_t)done);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written == 0) {
            return ENOSPC;
        }
        done += written > 0 ? (uint64_t)written : 0;
    }
    return 0;
}

/* Without room taken beforehand a full disk would be a SIGBUS in the mapping later. */
static int allocate(int descriptor, uint64_t bytes)
{
    int failed;
    do {
        failed = posix_fallocate(descriptor, 0, (off_t)bytes);
    } while (failed == EINTR);
    if (failed == EOPNOTSUPP || failed == EINVAL || failed == ENOSYS) {
        failed = write_zeros(descriptor, bytes);
    }
    return failed;
}

static slotq_outcome refuse_room(int failed, const char *shown, uint64_t bytes, const char *remedy,
                                 store_fault *fault)
{
    if (failed == ENOSPC || failed == EDQUOT) {
        return fault_system(fault, failed, "%s needs %llu bytes, and the disk has less: %s", shown,
                            (unsigned long long)bytes, remedy);
    }
    return fault_system(fault, failed, "no disk space can be allocated for %s (%llu bytes)", shown,
                        (unsigned long long)bytes);
}

#ifdef __linux__

/* Some file systems want room free even to find that all is there already. */
static bool has_room(int descriptor, uint64_t bytes)
{
    struct stat facts;
    return fstat(descriptor, &facts) == 0 && (uint64_t)facts.st_blocks * 512 >= bytes;
}

slotq_outcome filesystem_take_room(int descriptor, uint64_t bytes, const char *shown,
                                   store_fault *fault)
{
    int failed;
    do { /* not posix_fallocate: its stand-in writes zeros, maybe over what others just wrote */
        failed = fallocate(descriptor, 0, 0, (off_t)bytes) == 0 ? 0 : errno;
    } while (failed == EINTR);
    if (failed == 0 || failed == EOPNOTSUPP || failed == EINVAL || failed == ENOSYS) {
        return SLOTQ_OK;
    }
    if ((failed == ENOSPC || failed == EDQUOT) && has_room(descriptor, bytes)) {
        return SLOTQ_OK;
    }
    return refuse_room(failed, shown, bytes,
                       "free some space. The file was copied with holes and needs all its blocks",
                       fault);
}

#else

slotq_outcome filesystem_take_room(int descriptor, uint64_t bytes, const char *shown,
                                   store_fault *fault)
{
    (void)descriptor;
    (void)bytes;
    (void)shown;
    (void)fault;
    return SLOTQ_OK;
}

#endif

slotq_outcome fresh_file_make(int folder, uint64_t bytes, const char *shown, fresh_file *file,
                              store_fault *fault)
{
    file->descriptor = -1;
    for (int i = 0; i < TEMPORARY_TRIES && file->descriptor < 0; i++) {
        (void)snprintf(file->name, sizeof file->name, ".slotq-new-%ld-%d", (long)getpid(), i);
        file->descriptor = descriptor_lift(
            openat(folder, file->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
        if (file->descriptor < 0 && errno != EEXIST && errno != EINTR) {
            break;
        }
    }
    if (file->descriptor < 0) {
        return fault_system(fault, errno, "cannot create a file in the folder of %s", shown);
    }
    const slotq_outcome outcome = filesystem_refuse_copying(file->descriptor, shown, fault);
    if (outcome != SLOTQ_OK) {
        fresh_file_drop(folder, file);
        return outcome;
    }
    const int failed = allocate(file->descriptor, bytes);
    if (failed == 0) {
        return SLOTQ_OK;
    }
    fresh_file_drop(folder, file);
    return refuse_room(failed, shown, bytes, "free some space, or make the queue smaller", fault);
}

slotq_outcome filesystem_take_rights(int descriptor, int of, const char *shown, store_fault *fault)
{
    struct stat facts;
    if (fstat(of, &facts) != 0 || fchown(descriptor, facts.st_uid, facts.st_gid) != 0 ||
        fchmod(descriptor, facts.st_mode & 07777) != 0) {
        return fault_system(fault, errno,
                            "%s cannot be given the owner and the rights of the file before: let "
                            "its owner do this. Nothing was changed",
                            shown);
    }
    return SLOTQ_OK;
}

static bool give_name(int folder, const fresh_file *file, const char *name, bool replace)
{
    if (replace) {
        return renameat(folder, file->name, folder, name) == 0;
    }
    if (linkat(folder, file->name, folder, name, 0) == 0) { /* fails where the name is taken */
        (void)unlinkat(folder, file->name, 0);
        return true;
    }
#ifdef RENAME_NOREPLACE
    if (errno == EPERM || errno == EOPNOTSUPP) { /* no hard links there */
        return renameat2(folder, file->name, folder, name, RENAME_NOREPLACE) == 0;
    }
#endif
    return false;
}

slotq_outcome fresh_file_publish(int folder, fresh_file *file, const char *name, bool replace,
                                 store_fault *fault)
{
    if (!give_name(folder, file, name, replace)) {
        return errno == EEXIST ? SLOTQ_EXISTS
                               : fault_system(fault, errno,
                                              "the new file cannot be linked to its "
                                              "name");
    }
    file->name[0] = '\0'; /* the next one of this process may have it now */
    return SLOTQ_OK;
}

void fresh_file_drop(int folder, fresh_file *file)
{
    if (file->name[0] != '\0') {
        (void)unlinkat(folder, file->name, 0);
    }
    close(file->descriptor);
    file->descriptor = -1;
}

slotq_outcome filesystem_sync_folder(int folder, const char *shown, const char *done,
                                     store_fault *fault)
{
    if (fsync(folder) == 0 || errno == EINVAL) { /* EINVAL: folders cannot be synced there */
        return SLOTQ_OK;
    }
    if (done == NULL) {
        fault_system(fault, errno, "the folder of %s could not be synced to the disk", shown);
    } else {
        fault_system(fault, errno,
                     "%s was %s, but its folder could not be synced to the disk, so whether this "
                     "outlives a power loss is not known",
                     shown, done);
        fault->outcome = SLOTQ_OUTCOME_UNKNOWN;
    }
    fault->cause = SLOTQ_CAUSE_FOLDER;
    return fault->outcome;
}
