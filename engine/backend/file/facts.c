/* facts.c: see facts.h.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "facts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../layout/fields.h"
#include "filesystem.h"
#include "journal.h"
#include "locks.h"

_Static_assert((int)JOURNAL_BYTES == (int)SLOTQ_JOURNAL_BYTES,
               "slotq_files.h says what journal.h does");

static slotq_journal_state state_of(journal_state state)
{
    switch (state) {
    case JOURNAL_OURS:
        return SLOTQ_JOURNAL_OWN;
    case JOURNAL_FOREIGN:
        return SLOTQ_JOURNAL_FOREIGN;
    case JOURNAL_OTHER_VERSION:
        return SLOTQ_JOURNAL_OTHER_VERSION;
    default:
        return SLOTQ_JOURNAL_DAMAGED;
    }
}

static void look_at_journal(int folder, const file_names *names, int main_descriptor,
                            slotq_file_facts *facts)
{
    uint8_t bytes[JOURNAL_BYTES];
    uint8_t front[GEOMETRY_END];
    journal_owner owner;
    const int descriptor = openat(folder, names->journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ssize_t got = descriptor < 0 ? -1 : pread(descriptor, bytes, sizeof bytes, 0);
    facts->journal_errno = got < 0 ? errno : 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (got < 0) {
        facts->journal =
            facts->journal_errno == ENOENT ? SLOTQ_JOURNAL_MISSING : SLOTQ_JOURNAL_UNREADABLE;
        return;
    }
    facts->journal = SLOTQ_JOURNAL_DAMAGED;
    facts->journal_bytes = (uint32_t)got;
    if (got != (ssize_t)sizeof bytes) {
        return;
    }
    facts->step_is_unfinished = journal_is_live(bytes);
    facts->step_patches = facts->step_is_unfinished ? journal_patch_count(bytes) : 0;
    if (pread(main_descriptor, front, sizeof front, 0) == (ssize_t)sizeof front &&
        journal_owner_of(main_descriptor, front, &owner)) {
        facts->journal = state_of(journal_judge(bytes, &owner));
        facts->step_may_fit = facts->step_is_unfinished && journal_may_fit(bytes, &owner);
    }
}

static slotq_outcome look(int folder, const char *queue, slotq_file_facts *facts,
                          store_fault *fault)
{
    file_names names;
    file_names_make(&names, queue);
    const int descriptor = openat(folder, names.main, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT) {
        return fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %s here: create it first",
                         names.shown);
    }
    if (descriptor < 0) {
        return fault_system(fault, errno, "%s cannot be opened", names.shown);
    }
    facts->exclusive =
        lock_is_marked_exclusive(descriptor) || lock_presence_is_exclusive(descriptor);
    facts->in_use = facts->exclusive || lock_any_journal_is_held(descriptor);
    look_at_journal(folder, &names, descriptor, facts);
    close(descriptor);
    return SLOTQ_OK;
}

slotq_outcome file_facts_of(const char *folder, const char *queue, slotq_file_facts *facts,
                            store_fault *fault)
{
    int descriptor;
    const slotq_outcome outcome = filesystem_open_folder(folder, &descriptor, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const slotq_outcome looked = look(descriptor, queue, facts, fault);
    close(descriptor);
    return looked;
}

slotq_outcome file_facts_of_folder(const char *folder, slotq_folder_facts *facts,
                                   store_fault *fault)
{
    struct statfs system;
    struct statvfs room;
    if (statfs(folder, &system) != 0 || statvfs(folder, &room) != 0) {
        return fault_system(fault, errno, "the folder cannot be read");
    }
    facts->file_system = filesystem_name((long)system.f_type);
    facts->file_system_number = (uint32_t)system.f_type;
    facts->is_network = filesystem_is_network((long)system.f_type);
    facts->needs_room = filesystem_needs_room((long)system.f_type);
    facts->free_bytes = (uint64_t)room.f_bavail * room.f_frsize;
    return SLOTQ_OK;
}
