/* stray.c: see stray.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "stray.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../system/descriptors.h"
#include "journal.h"

static bool is_other_journal(const file_image *image, const char *name)
{
    static const char suffix[] = ".slotq-journal";
    const size_t bytes = strlen(name);
    const size_t suffix_bytes = sizeof suffix - 1;
    return bytes > suffix_bytes && bytes < FILE_NAME_BYTES &&
           strcmp(name + bytes - suffix_bytes, suffix) == 0 &&
           strcmp(name, image->names.journal) != 0;
}

/* A journal that went, or that this user may not read, belongs to another queue. */
static bool is_passed_over(int system_errno)
{
    return system_errno == ENOENT || system_errno == EACCES || system_errno == EPERM ||
           system_errno == ELOOP || system_errno == ENXIO || system_errno == EISDIR;
}

/* OK, EMPTY: not this main file's, or at rest; IO. */
static slotq_outcome judge_entry(int folder, const char *name, const journal_owner *owner,
                                 store_fault *fault)
{
    uint8_t bytes[JOURNAL_BYTES];
    const int descriptor =
        descriptor_lift(openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    const ssize_t got = descriptor < 0 ? -1 : pread(descriptor, bytes, sizeof bytes, 0);
    const int system_errno = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (got < 0 && !is_passed_over(system_errno)) {
        return fault_system(fault, system_errno, "a journal in the folder cannot be read");
    }
    const bool is_ours = got == (ssize_t)sizeof bytes &&
                         journal_judge(bytes, owner) == JOURNAL_OURS && journal_is_live(bytes);
    return is_ours ? SLOTQ_OK : SLOTQ_EMPTY;
}

static slotq_outcome judge_entries(const file_image *image, DIR *listing, int folder,
                                   file_stray *found, store_fault *fault)
{
    journal_owner owner;
    if (!journal_owner_of(image->descriptor, image->bytes, &owner)) {
        return fault_system(fault, errno, "the status of %s cannot be read", image->names.shown);
    }
    found->is_certain = owner.birth_ns != 0;
    errno = 0;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (is_other_journal(image, entry->d_name)) {
            const slotq_outcome outcome = judge_entry(folder, entry->d_name, &owner, fault);
            if (outcome == SLOTQ_OK) {
                found->count++;
                (void)snprintf(found->name, sizeof found->name, "%s", entry->d_name);
            } else if (outcome != SLOTQ_EMPTY) {
                return outcome;
            }
        }
        errno = 0;
    }
    return errno == 0 ? SLOTQ_OK : fault_system(fault, errno, "the folder cannot be listed");
}

slotq_outcome file_stray_find(const file_image *image, int folder, file_stray *found,
                              store_fault *fault)
{
    memset(found, 0, sizeof *found);
    const int descriptor = descriptor_lift(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    DIR *listing = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (listing == NULL) {
        const int system_errno = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        return fault_system(fault, system_errno, "the folder of %s cannot be listed",
                            image->names.shown);
    }
    const slotq_outcome outcome = judge_entries(image, listing, folder, found, fault);
    closedir(listing);
    return outcome;
}

slotq_outcome file_stray_refuse(const file_image *image, const file_stray *found,
                                store_fault *fault)
{
    char shown[FILE_NAME_BYTES];
    (void)snprintf(shown, sizeof shown, "%s", found->name);
    for (char *byte = shown; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < ' ' || *byte == 127) { /* texts go to terminals */
            *byte = '?';
        }
    }
    return fault_say(fault, SLOTQ_IO,
                     "%s was renamed without its journal: %s holds an unfinished step of this "
                     "file. Nothing was changed. Rename that journal to %s-journal, and move any "
                     "other journal of the queue out of the folder.",
                     image->names.shown, shown, image->names.shown);
}
