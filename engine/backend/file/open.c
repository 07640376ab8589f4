/* open.c: opening and recovering a queue file (FORMAT.md, "Journal"). The first opener has the file
 * exclusively until it has replayed what a killed process left and freed the lock. Later openers
 * must find the journal that the others use.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal_file.h"
#include "journal.h"
#include "locks.h"
#include "section.h"
#include "../system/descriptors.h"
#include "../system/monotonic.h"

/* By the clock, as a busy machine keeps a process that opens or leaves from going on; and by
 * attempts too, as it may be this very one that it keeps waiting. */
enum {
    OPEN_MS_MAX = 10000,  /* others recover, or come and go */
    READER_MS_MAX = 1000, /* others read without a journal: it may be a short look */
    ATTEMPTS_LEAST = 30,
    PAUSE_US_FIRST = 1000,
    PAUSE_US_MOST = 32000
};

/* One attempt at opening. */
typedef enum attempt {
    ATTEMPT_DONE,   /* open, or refused: the outcome says which */
    ATTEMPT_RETRY,  /* others are opening, recovering or leaving */
    ATTEMPT_READER, /* a process reads without a journal */
    ATTEMPT_HAUNTED /* a process has an id in the lock, but is not present */
} attempt;

typedef struct opening {
    file_image *image;
    int folder;
    bool first;
    slotq_outcome outcome;
    store_fault *fault;
} opening;

static attempt done(opening *self, slotq_outcome outcome)
{
    self->outcome = outcome;
    return ATTEMPT_DONE;
}

/* ---- the main file ---- */

static slotq_outcome refuse_main(const file_image *image, int system_errno, store_fault *fault)
{
    const char *shown = image->names.shown;
    switch (system_errno) {
    case ENOENT:
        return fault_say(fault, SLOTQ_NOQUEUE, "there is no queue %s here: create it first", shown);
    case ELOOP:
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "%s is a symbolic link, so other processes could miss its journal: open "
                         "the queue in the folder of the real file",
                         shown);
    case EACCES:
    case EPERM:
    case EROFS:
        return fault_system(fault, system_errno,
                            "%s cannot be opened for writing: change its permissions, or open it "
                            "read-only",
                            shown);
    default:
        return fault_system(fault, system_errno, "%s cannot be opened", shown);
    }
}

static int open_for(const opening *self, int access)
{
    return descriptor_lift(openat(self->folder, self->image->names.main,
                                  access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
}

/* A reader of a file that a full disk could turn into a SIGBUS writes nothing, not even a lock. */
static slotq_outcome judge_copying(opening *self)
{
    file_image *image = self->image;
    if (!image->writable) {
        return SLOTQ_OK;
    }
    const slotq_outcome outcome =
        filesystem_refuse_copying(image->descriptor, image->names.shown, self->fault);
    if (outcome != SLOTQ_UNSUPPORTED || !image->options.read_only) {
        return outcome;
    }
    close(image->descriptor);
    image->writable = false;
    image->descriptor = open_for(self, O_RDONLY);
    return image->descriptor < 0 ? refuse_main(image, errno, self->fault) : SLOTQ_OK;
}

static slotq_outcome open_main(opening *self)
{
    file_image *image = self->image;
    image->writable = true;
    image->descriptor = open_for(self, O_RDWR);
    if (image->descriptor < 0 && image->options.read_only &&
        (errno == EACCES || errno == EPERM || errno == EROFS)) {
        image->writable = false;
        image->descriptor = open_for(self, O_RDONLY);
    }
    if (image->descriptor < 0) {
        return refuse_main(image, errno, self->fault);
    }
    const slotq_outcome outcome =
        filesystem_refuse_network(image->descriptor, &image->names, self->fault);
    return outcome == SLOTQ_OK ? judge_copying(self) : outcome;
}

static slotq_outcome map_main(opening *self)
{
    file_image *image = self->image;
    struct stat facts;
    if (fstat(image->descriptor, &facts) != 0) {
        return fault_system(self->fault, errno, "the status of %s cannot be read",
                            image->names.shown);
    }
    if (filesystem_refuse_sharded(image->descriptor, image->names.shown, self->fault) != SLOTQ_OK) {
        return SLOTQ_SHARDED;
    }
    slotq_damage damage = {.offset = (uint64_t)facts.st_size, .what = NULL};
    if (!S_ISREG(facts.st_mode)) {
        damage.offset = 0;
        damage.what = "not a regular file";
    } else if (facts.st_size < SLOTQ_IMAGE_BYTES_MIN) {
        damage.what = "the file is shorter than the smallest queue, 136 bytes";
    } else if (facts.st_size > SLOTQ_IMAGE_BYTES_MAX) {
        damage.offset = SLOTQ_IMAGE_BYTES_MAX;
        damage.what = "the file is over the limit of 512 MiB";
    }
    if (damage.what != NULL) {
        return fault_damage(self->fault, SLOTQ_CORRUPT, image->names.shown, &damage);
    }
    const int protection = image->options.read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void *bytes = mmap(NULL, (size_t)facts.st_size, protection, MAP_SHARED, image->descriptor, 0);
    if (bytes == MAP_FAILED) {
        return fault_system(self->fault, errno, "%s cannot be mapped", image->names.shown);
    }
    image->bytes = bytes;
    image->view.image_bytes = (uint32_t)facts.st_size;
    return SLOTQ_OK;
}

/* ---- which processes have it open ---- */

static slotq_outcome refuse_locked(const opening *self)
{
    return fault_say(self->fault, SLOTQ_LOCKED,
                     self->image->options.exclusive
                         ? "%s is open in another process or handle, so it cannot be opened "
                           "exclusively: close it there, or open it shared"
                         : "%s is opened exclusively by another process or handle: close it there",
                     self->image->names.shown);
}

static slotq_outcome refuse_lock_failure(const opening *self)
{
    if (errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP) {
        return fault_say(self->fault, SLOTQ_UNSUPPORTED,
                         "%s lies on a file system without OFD locks (fcntl F_OFD_SETLK). Put the "
                         "queue on a local disk.",
                         self->image->names.shown);
    }
    return fault_system(self->fault, errno, "%s cannot be locked", self->image->names.shown);
}

/* No process is present, but one has an id: it is leaving, or lost its presence together with its
 * descriptor, which something else in it closed. Its lock must not be reset. */
static attempt haunted(opening *self)
{
    const lock_state state = lock_ids_state(self->image->descriptor);
    const int system_errno = errno;
    lock_leave_presence(self->image->descriptor);
    errno = system_errno;
    return state == LOCK_IS_UNKNOWN ? done(self, refuse_lock_failure(self)) : ATTEMPT_HAUNTED;
}

/* Take presence: exclusively if no other process has the file open, else shared. */
static attempt enter(opening *self)
{
    const file_image *image = self->image;
    lock_answer answer = LOCK_REFUSED;
    if (image->writable) {
        answer = lock_presence(image->descriptor, true);
        self->first = answer == LOCK_TAKEN;
    }
    if (self->first && lock_ids_state(image->descriptor) != LOCK_IS_FREE) {
        return haunted(self);
    }
    if (!image->writable && image->options.exclusive) {
        return done(self, fault_say(self->fault, SLOTQ_UNSUPPORTED,
                                    "opening %s exclusively needs write access to it",
                                    image->names.shown));
    }
    if (answer == LOCK_REFUSED && !image->options.exclusive) {
        answer = lock_presence(image->descriptor, false);
    }
    if (answer == LOCK_TAKEN) {
        return ATTEMPT_DONE;
    }
    if (answer == LOCK_FAILED) {
        return done(self, refuse_lock_failure(self));
    }
    if (lock_is_marked_exclusive(image->descriptor) ||
        (image->options.exclusive && !lock_presence_is_exclusive(image->descriptor))) {
        return done(self, refuse_locked(self));
    }
    return ATTEMPT_RETRY; /* another process is recovering it */
}

/* The name still leads to the file that was locked: OK, EMPTY where it does not, or IO. */
static slotq_outcome find_again(const opening *self)
{
    struct stat ours;
    struct stat named;
    const file_names *names = &self->image->names;
    if (fstat(self->image->descriptor, &ours) == 0 &&
        fstatat(self->folder, names->main, &named, AT_SYMLINK_NOFOLLOW) == 0) {
        const bool same = ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
        return same ? SLOTQ_OK : SLOTQ_EMPTY;
    }
    if (errno == ENOENT) {
        return SLOTQ_EMPTY;
    }
    return fault_system(self->fault, errno, "the status of %s cannot be read", names->shown);
}

/* ---- image ---- */

/* Magic, version, geometry and size: what must hold before a record may be replayed. */
static slotq_outcome judge_image(file_image *image, bool whole, store_fault *fault)
{
    slotq_damage damage;
    slotq_view view;
    memset(&view, 0, sizeof view);
    const slotq_outcome outcome =
        slotq_core_open(&view, image->bytes, image->view.image_bytes, &damage);
    if (outcome == SLOTQ_OK || (!whole && view.image_bytes != 0)) {
        image->view = view; /* laid out: only the front may be in mid-verb */
        return SLOTQ_OK;
    }
    return fault_damage(fault, outcome, image->names.shown, &damage);
}

static attempt join(opening *self)
{
    file_image *image = self->image;
    slotq_outcome outcome = file_section_join(image, self->fault);
    if (outcome == SLOTQ_EMPTY) {
        return ATTEMPT_RETRY; /* removed or replaced meanwhile */
    }
    if (outcome == SLOTQ_OK) {
        outcome = file_section_enter(image, NULL, self->fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = judge_image(image, true, self->fault);
        file_section_leave(image);
    }
    return done(self, outcome);
}

/* Alone with it: recover, then let others in or keep them out. */
static attempt settle_in(opening *self)
{
    file_image *image = self->image;
    slotq_outcome outcome = file_journal_recover(image, self->folder, self->fault);
    if (outcome == SLOTQ_IO && image->options.read_only && !image->options.exclusive &&
        lock_presence(image->descriptor, false) == LOCK_TAKEN) { /* the folder is not ours */
        file_journal_do_without(image, self->folder, &outcome, self->fault);
    }
    if (outcome == SLOTQ_OK && image->journal != NULL) {
        outcome = file_section_join(image, self->fault);
    }
    if (outcome == SLOTQ_EMPTY) {
        return ATTEMPT_RETRY;
    }
    if (outcome == SLOTQ_OK) {
        outcome = judge_image(image, true, self->fault);
    }
    if (outcome != SLOTQ_OK) {
        return done(self, outcome);
    }
    const lock_answer answer = image->options.exclusive ? lock_mark_exclusive(image->descriptor)
                                                        : lock_presence(image->descriptor, false);
    return done(self, answer == LOCK_TAKEN ? SLOTQ_OK : refuse_lock_failure(self));
}

static attempt find_company(opening *self)
{
    switch (file_journal_join(self->image, self->folder, &self->outcome, self->fault)) {
    case JOURNAL_JOINED:
        return join(self);
    case JOURNAL_UNUSED:
        return lock_is_marked_reader(self->image->descriptor) ? ATTEMPT_READER : ATTEMPT_RETRY;
    case JOURNAL_NOT_NEEDED: /* no process can write: checked without a lock */
        return done(self, judge_image(self->image, true, self->fault));
    default: /* no journal, because it was removed with the main file */
        return find_again(self) == SLOTQ_EMPTY ? ATTEMPT_RETRY : done(self, self->outcome);
    }
}

static attempt open_once(opening *self)
{
    file_image *image = self->image;
    self->first = false;
    self->outcome = open_main(self);
    if (self->outcome != SLOTQ_OK) {
        return ATTEMPT_DONE;
    }
    self->outcome = SLOTQ_OK;
    const attempt entered = enter(self);
    if (entered != ATTEMPT_DONE || self->outcome != SLOTQ_OK) {
        return entered;
    }
    self->outcome = find_again(self);
    if (self->outcome == SLOTQ_EMPTY) {
        return ATTEMPT_RETRY; /* removed or replaced meanwhile */
    }
    if (self->outcome == SLOTQ_OK) {
        self->outcome = map_main(self);
    }
    if (self->outcome == SLOTQ_OK) {
        self->outcome = judge_image(image, false, self->fault);
    }
    if (self->outcome == SLOTQ_OK && !image->options.read_only) {
        self->outcome = filesystem_take_room(image->descriptor, image->view.image_bytes,
                                             image->names.shown, self->fault);
    }
    if (self->outcome != SLOTQ_OK) {
        return ATTEMPT_DONE;
    }
    if (self->first) {
        return settle_in(self);
    }
    return find_company(self);
}

/* ---- all attempts ---- */

static void let_go(file_image *image)
{
    if (image->journal != NULL) {
        munmap(image->journal, JOURNAL_BYTES);
    }
    if (image->journal_descriptor >= 0) {
        close(image->journal_descriptor);
    }
    if (image->bytes != NULL) {
        munmap(image->bytes, image->view.image_bytes);
    }
    if (image->descriptor >= 0) {
        close(image->descriptor);
    }
    image->journal = NULL;
    image->bytes = NULL;
    image->journal_descriptor = -1;
    image->descriptor = -1;
    life_end(&image->life); /* last: until here no opener may believe itself the first */
}

static slotq_outcome refuse_endless(const opening *self, attempt last)
{
    const char *shown = self->image->names.shown;
    if (last == ATTEMPT_READER) {
        return fault_say(self->fault, SLOTQ_LOCKED,
                         "%s is open in another process without a journal: a read-only handle that "
                         "cannot write the journal keeps writers out. Close it there.",
                         shown);
    }
    if (last == ATTEMPT_HAUNTED) {
        return fault_say(self->fault, SLOTQ_LOCKED,
                         "a process uses %s, but other code in that process closed its descriptor "
                         "of the file. End that process; only then is it safe to open the queue.",
                         shown);
    }
    return fault_say(self->fault, SLOTQ_LOCKED,
                     "other processes have been opening, recovering or closing %s for %d s: try "
                     "again, or look for a process that was stopped (SIGSTOP) while it did so",
                     shown, OPEN_MS_MAX / 1000);
}

/* Processes that start at once would meet again and again, were they to pause for the same time. */
static void pause_between(uint32_t attempts)
{
    const uint64_t most_us = attempts < 5 ? (uint64_t)PAUSE_US_FIRST << attempts : PAUSE_US_MOST;
    sleep_us(jittered(most_us));
}

/* For how long others have been in the way. */
typedef struct patience {
    uint64_t since_ms;
    uint32_t attempts;
} patience;

static bool is_spent(patience *with, uint64_t now_ms, uint64_t most_ms)
{
    with->attempts++;
    return now_ms - with->since_ms >= most_ms && with->attempts >= ATTEMPTS_LEAST;
}

static slotq_outcome open_patiently(opening *self)
{
    patience with_all = {monotonic_ms(), 0};
    patience with_reader = {0, 0};
    for (;;) {
        const attempt last = open_once(self);
        if (last == ATTEMPT_DONE) {
            return self->outcome;
        }
        const uint64_t now_ms = monotonic_ms();
        let_go(self->image);
        if (last != ATTEMPT_READER || with_reader.attempts == 0) {
            with_reader = (patience){now_ms, 0};
        }
        if (is_spent(&with_all, now_ms, OPEN_MS_MAX) ||
            (last == ATTEMPT_READER && is_spent(&with_reader, now_ms, READER_MS_MAX))) {
            return refuse_endless(self, last);
        }
        pause_between(with_all.attempts - 1);
    }
}

slotq_outcome file_image_open(const char *folder, const char *queue, const file_options *options,
                              file_image **opened, store_fault *fault)
{
    file_image *image = calloc(1, sizeof *image);
    if (image == NULL) {
        return fault_say(fault, SLOTQ_NOMEMORY, "no memory for a handle of %zu bytes",
                         sizeof *image);
    }
    image->descriptor = -1;
    image->journal_descriptor = -1;
    image->folder = -1;
    image->options = *options;
    image->stores = 1;
    file_names_make(&image->names, queue);
    opening self = {.image = image, .folder = -1, .fault = fault};
    slotq_outcome outcome = filesystem_open_folder(folder, &image->folder, fault);
    if (outcome == SLOTQ_OK) {
        self.folder = image->folder;
        outcome = open_patiently(&self);
    }
    if (outcome != SLOTQ_OK) {
        file_image_close(image);
        return outcome;
    }
    *opened = image;
    return SLOTQ_OK;
}

void file_image_close(file_image *image)
{
    let_go(image);
    if (image->folder >= 0) {
        close(image->folder);
    }
    free(image);
}

slotq_outcome file_image_look(const file_image *image, store_fault *fault)
{
    struct stat facts;
    const char *shown = image->names.shown;
    if (fstat(image->descriptor, &facts) != 0) {
        return fault_system(fault, errno, "the status of %s cannot be read", shown);
    }
    if (facts.st_nlink == 0 && image->view.geometry.set != 0) {
        return fault_removed(fault, shown);
    }
    if (facts.st_nlink == 0) {
        return fault_say(fault, SLOTQ_IO,
                         "%s was removed while it was open, and its messages are lost. Close it "
                         "and create the queue again.",
                         shown);
    }
    struct stat named;
    const bool is_named =
        fstatat(image->folder, image->names.main, &named, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_named && errno != ENOENT) {
        return fault_system(fault, errno, "the status of %s cannot be read", shown);
    }
    if (!is_named || named.st_ino != facts.st_ino || named.st_dev != facts.st_dev) {
        return fault_say(fault, SLOTQ_IO,
                         "%s was renamed, or another file took its name, while it was open. Close "
                         "it, and open the queue under the name that it has now, with its journal.",
                         shown);
    }
    if (facts.st_size != (off_t)image->view.image_bytes) {
        return fault_say(fault, SLOTQ_IO,
                         "the size of %s changed to %lld bytes while it was open; it must be %lu. "
                         "Close it and restore a backup.",
                         shown, (long long)facts.st_size, (unsigned long)image->view.image_bytes);
    }
    if (image->journal_descriptor >= 0 && fstat(image->journal_descriptor, &facts) == 0 &&
        (facts.st_nlink == 0 || facts.st_size != JOURNAL_BYTES)) {
        return fault_say(fault, SLOTQ_IO,
                         "the journal of %s was removed or truncated while it was open. Close the "
                         "queue in all processes; the next open says what to do.",
                         shown);
    }
    return SLOTQ_OK;
}
