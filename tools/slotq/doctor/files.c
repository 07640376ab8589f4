/* files.c: the doctor's look at the files of a queue: permissions, size, journal, and which
 * processes have them open. Opens no queue.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "looks.h"
#include "../verbs/open.h"
#include "../say/texts.h"

/* A queue's main file, looked at. */
typedef struct main_file {
    doctor *self;
    const char *name;
    char *path;
    char *journal_path;
    int descriptor;
    struct stat status;
    slotq_file_facts facts;
} main_file;

/* "123, 124": the processes that have the file open, as far as /proc shows them to us. */
static void find_holders(const struct stat *wanted, char *text, size_t size)
{
    DIR *processes = opendir("/proc");
    struct dirent *process;
    size_t used = 0;
    text[0] = '\0';
    while (processes != NULL && (process = readdir(processes)) != NULL) {
        char path[300];
        const long number = strtol(process->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%ld/fd", number);
        DIR *files = number > 0 && number != getpid() ? opendir(path) : NULL;
        struct dirent *file;
        bool found = false;
        while (files != NULL && !found && (file = readdir(files)) != NULL) {
            struct stat status;
            found = fstatat(dirfd(files), file->d_name, &status, 0) == 0 &&
                    status.st_ino == wanted->st_ino && status.st_dev == wanted->st_dev;
        }
        if (files != NULL) {
            closedir(files);
        }
        if (found && used < size) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%ld", used != 0 ? ", " : "", number);
        }
    }
    if (processes != NULL) {
        closedir(processes);
    }
}

static void look_at_locks(const main_file *file)
{
    char holders[160];
    if (!file->facts.in_use) {
        return;
    }
    find_holders(&file->status, holders, sizeof holders);
    const char *by = holders[0] != '\0' ? holders : "not visible from here";
    if (file->facts.exclusive) {
        doctor_find(file->self, file->name,
                    "is opened exclusively (process %s): every other process gets "
                    "LOCKED until it closes the queue",
                    by);
    } else {
        doctor_note(file->self, file->name, "in use (process %s)", by);
    }
}

static void look_at_journal(const main_file *file)
{
    const slotq_file_facts *facts = &file->facts;
    if (facts->journal == SLOTQ_JOURNAL_UNREADABLE) {
        doctor_find(file->self, file->name, "its journal cannot be read: %s; chmod or chown %s",
                    strerror(facts->journal_errno), file->journal_path);
    } else if (facts->journal == SLOTQ_JOURNAL_DAMAGED &&
               facts->journal_bytes != SLOTQ_JOURNAL_BYTES) {
        doctor_find(file->self, file->name,
                    "its journal has %" PRIu32 " bytes instead of %d: it was cut off",
                    facts->journal_bytes, SLOTQ_JOURNAL_BYTES);
    } else if (facts->journal == SLOTQ_JOURNAL_FOREIGN && facts->step_may_fit) {
        doctor_find(file->self, file->name,
                    "its journal belongs to another file and holds an unfinished step; if both "
                    "were copied together: %s",
                    shown_command(file->self->line, "doctor --adopt-journal", file->name).text);
    } else if (facts->journal == SLOTQ_JOURNAL_FOREIGN) {
        doctor_find(file->self, file->name,
                    "its journal belongs to another file%s: the two were copied or "
                    "moved apart; copy queues with slotq export and import",
                    facts->step_is_unfinished ? " and holds an unfinished step" : "");
    } else if (facts->step_is_unfinished && !facts->in_use) {
        doctor_note(file->self, file->name,
                    "a step was interrupted; the next open finishes it from the "
                    "journal");
    }
}

static void look_at_rights(const main_file *file)
{
    if (access(file->path, W_OK) != 0) {
        doctor_find(file->self, file->name,
                    "this user cannot write it (%s), only look at it; "
                    "chmod or chown %s",
                    strerror(errno), file->path);
    }
    if (file->status.st_nlink > 1) {
        doctor_find(file->self, file->name,
                    "%s has %lu names (hard links), and each would get its "
                    "own journal; keep only one name",
                    file->path, (unsigned long)file->status.st_nlink);
    }
    if ((uint64_t)file->status.st_blocks * 512 < (uint64_t)file->status.st_size) {
        doctor_note(file->self, file->name,
                    "only %s of %s are on disk: a copy with holes, or a file system "
                    "that compresses; on a full disk a write may fail",
                    bytes_text((uint64_t)file->status.st_blocks * 512).text,
                    bytes_text((uint64_t)file->status.st_size).text);
    }
}

/* false: not a regular file, or it cannot be opened (descriptor -1, errno set). */
static bool open_main(doctor *self, const char *name, main_file *file)
{
    *file = (main_file){.self = self, .name = name, .descriptor = -1};
    file->path = open_path(self->line->url, name);
    if (file->path == NULL || strchr(name, '/') != NULL ||
        asprintf(&file->journal_path, "%s-journal", file->path) < 0) {
        file->journal_path = NULL;
        errno = ENOENT; /* opening the queue reports it */
        return false;
    }
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return file->descriptor >= 0 && fstat(file->descriptor, &file->status) == 0 &&
           S_ISREG(file->status.st_mode);
}

static void close_main(main_file *file)
{
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    free(file->journal_path);
    free(file->path);
}

void doctor_look_at_files(doctor *self, const char *name)
{
    main_file file;
    if (open_main(self, name, &file)) {
        look_at_rights(&file);
        if (slotq_look_at_files(self->line->url, name, &file.facts, NULL) == SLOTQ_OK) {
            look_at_locks(&file);
            look_at_journal(&file);
        }
    } else if (file.descriptor < 0 && errno != ENOENT) { /* opening it reports ENOENT */
        doctor_find(self, name, "%s cannot be read: %s", file.path, strerror(errno));
    }
    close_main(&file);
}

void doctor_look_at_journal_name(doctor *self, const char *file_name, size_t length)
{
    struct stat status;
    char *path = NULL;
    if (asprintf(&path, "%s/%.*s.slotq", self->line->url, (int)length, file_name) < 0) {
        return;
    }
    if (stat(path, &status) != 0 && errno == ENOENT) {
        doctor_find(self, file_name,
                    "the queue of this journal is missing; if it was deleted: "
                    "rm '%s/%s'",
                    self->line->url, file_name);
    }
    free(path);
}
