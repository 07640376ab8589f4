/* create.c: queue files that appear whole: created, imported, resized. A file gets its name last,
 * so a half-made queue is never seen, and of two creators one wins.
 */
#define _GNU_SOURCE
#include "../system/large_files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../layout/bytes.h"
#include "../../layout/descriptor.h"
#include "../../layout/fields.h"
#include "../../layout/geometry.h"
#include "../system/descriptors.h"
#include "create.h"
#include "journal_file.h"
#include "open.h"
#include "../alike.h"
#include "../resize.h"
#include "locks.h"

enum { CREATE_TRIES = 100 }; /* others create and remove it at the same time */

/* A file being made. */
typedef struct making {
    file_image image; /* names, descriptor, mapping and size; not shared yet */
    int folder;
    fresh_file main;
    int replaced; /* -1, or the file of that name, which this process has exclusively */
    store_fault *fault;
} making;

static slotq_outcome begin(making *self, const char *folder, const char *queue, uint64_t size,
                           store_fault *fault)
{
    file_image *image = &self->image;
    memset(image, 0, sizeof *image);
    image->view.image_bytes = (uint32_t)size;
    self->replaced = -1;
    self->fault = fault;
    file_names_make(&image->names, queue);
    slotq_outcome outcome = filesystem_open_folder(folder, &self->folder, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = filesystem_refuse_network(self->folder, &image->names, fault);
    if (outcome == SLOTQ_OK) {
        outcome = file_journal_refuse_orphan(image, self->folder, fault);
    }
    if (outcome == SLOTQ_OK) {
        outcome = fresh_file_make(self->folder, size, image->names.shown, &self->main, fault);
    }
    if (outcome != SLOTQ_OK) {
        close(self->folder);
        return outcome;
    }
    image->descriptor = self->main.descriptor;
    void *bytes =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, image->descriptor, 0);
    if (bytes == MAP_FAILED) {
        outcome = fault_system(fault, errno, "%s cannot be mapped", image->names.shown);
        fresh_file_drop(self->folder, &self->main);
        close(self->folder);
        return outcome;
    }
    image->bytes = bytes;
    return SLOTQ_OK;
}

/* Both files get their names; a process that opens the main file meanwhile waits for its journal.
 * The journal of a file that is replaced goes first: it would be foreign to the new one, and the
 * next opener makes one where there is none. */
static slotq_outcome publish(making *self, fresh_file *journal)
{
    const file_names *names = &self->image.names;
    (void)lock_presence(self->main.descriptor, true);
    const bool replaces = self->replaced >= 0;
    if (replaces && unlinkat(self->folder, names->journal, 0) != 0 && errno != ENOENT) {
        return fault_system(self->fault, errno, "%s-journal cannot be replaced", names->shown);
    }
    slotq_outcome outcome =
        fresh_file_publish(self->folder, &self->main, names->main, replaces, self->fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = fresh_file_publish(self->folder, journal, names->journal, true, self->fault);
    if (outcome != SLOTQ_OK && !replaces) {
        (void)unlinkat(self->folder, names->main, 0); /* not open anywhere yet */
        return outcome;
    }
    return filesystem_sync_folder(self->folder, names->shown, "made", self->fault);
}

/* outcome OK: sync it, and make it appear; else drop it. EXISTS where the name is taken. */
static slotq_outcome end(making *self, slotq_outcome outcome)
{
    fresh_file journal;
    if (outcome == SLOTQ_OK && fsync(self->main.descriptor) != 0) {
        outcome = fault_system(self->fault, errno, "%s could not be synced to the disk",
                               self->image.names.shown);
    }
    if (outcome == SLOTQ_OK) {
        outcome = file_journal_make(&self->image, self->folder, &journal, self->fault);
        if (outcome == SLOTQ_OK) {
            if (self->replaced >= 0) {
                outcome = filesystem_take_rights(journal.descriptor, self->replaced,
                                                 self->image.names.shown, self->fault);
            }
            outcome = outcome == SLOTQ_OK ? publish(self, &journal) : outcome;
            fresh_file_drop(self->folder, &journal);
        }
    }
    munmap(self->image.bytes, self->image.view.image_bytes);
    fresh_file_drop(self->folder, &self->main);
    close(self->folder);
    return outcome;
}

/* The queue's file: OK, NOQUEUE where there is none, or what the system says. */
static slotq_outcome open_existing(const char *folder, const file_names *names, int *descriptor,
                                   store_fault *fault)
{
    int there;
    const slotq_outcome outcome = filesystem_open_folder(folder, &there, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    *descriptor = openat(there, names->main, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const int system_errno = errno;
    close(there);
    if (*descriptor >= 0) {
        return SLOTQ_OK;
    }
    return system_errno == ENOENT
               ? SLOTQ_NOQUEUE
               : fault_system(fault, system_errno, "%s exists, but cannot be opened", names->shown);
}

/* ---- create ---- */

/* What has the name already: only what never changes is looked at, as others may work on it. */
static slotq_outcome compare(int descriptor, const file_names *names,
                             const slotq_geometry *geometry, store_fault *fault)
{
    uint8_t front[GROUPS_OFFSET] = {0};
    uint8_t again[GROUPS_OFFSET] = {0};
    uint32_t offset;
    struct stat facts;
    slotq_geometry there;
    if (fstat(descriptor, &facts) != 0 || pread(descriptor, front, sizeof front, 0) < 0) {
        return fault_system(fault, errno, "%s exists, but cannot be read", names->shown);
    }
    geometry_load(&there, front);
    geometry_store(again, &there);
    if (memcmp(front + HEADER_BYTES, again + HEADER_BYTES, GEOMETRY_BYTES) != 0 ||
        geometry_fault(&there, &offset) != NULL ||
        (uint64_t)facts.st_size != geometry_total(&there)) {
        const slotq_damage damage = {AT_geometry_magic,
                                     "a file of that name exists, but it is not a sound queue"};
        return fault_damage(fault, SLOTQ_CORRUPT, names->shown, &damage);
    }
    return geometries_are_alike(&there, geometry) ? SLOTQ_OK
                                                  : fault_exists(fault, names->shown, &there);
}

/* AGAIN: another process was faster. */
static slotq_outcome create_once(const char *folder, const char *queue, uint32_t size,
                                 const slotq_geometry *geometry, store_fault *fault)
{
    making self;
    file_names names;
    int existing;
    file_names_make(&names, queue);
    /* before room is taken for another one */
    slotq_outcome outcome = open_existing(folder, &names, &existing, fault);
    if (outcome == SLOTQ_OK) {
        outcome = filesystem_refuse_sharded(existing, names.shown, fault);
        if (outcome == SLOTQ_OK) {
            outcome = compare(existing, &names, geometry, fault);
        }
        close(existing);
        return outcome;
    }
    if (outcome == SLOTQ_NOQUEUE) {
        outcome = begin(&self, folder, queue, size, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = end(&self, slotq_core_create(self.image.bytes, size, geometry));
    return outcome == SLOTQ_EXISTS ? SLOTQ_AGAIN : outcome;
}

slotq_outcome file_create(const char *folder, const char *queue, const slotq_geometry *geometry,
                          store_fault *fault)
{
    const char *what;
    const uint32_t size = slotq_core_image_bytes(geometry, &what);
    if (size == 0) {
        return fault_say(fault, SLOTQ_INVALID, "the sizes of the queue are invalid: %s", what);
    }
    slotq_outcome outcome = SLOTQ_AGAIN;
    for (int i = 0; i < CREATE_TRIES && outcome == SLOTQ_AGAIN; i++) {
        outcome = create_once(folder, queue, size, geometry, fault);
    }
    if (outcome == SLOTQ_AGAIN) {
        return fault_say(fault, SLOTQ_LOCKED,
                         "other processes keep creating and removing this queue: try again");
    }
    return outcome;
}

/* ---- import ---- */

static slotq_outcome refuse_image(store_fault *fault, slotq_outcome outcome,
                                  const slotq_damage *damage)
{
    return fault_damage(fault, outcome, "the image to import", damage);
}

/* Before the disk is asked for room: the size fits what the first 44 bytes say. */
static slotq_outcome judge_size(const uint8_t *image, uint64_t bytes, store_fault *fault)
{
    slotq_damage damage = {bytes, NULL};
    slotq_geometry geometry;
    if (bytes_begin_descriptor(image, bytes)) {
        return refuse_image(fault, SLOTQ_SHARDED, &damage);
    }
    if (bytes < SLOTQ_IMAGE_BYTES_MIN) {
        damage.what = "it is shorter than the smallest queue, 136 bytes";
    } else if (bytes > SLOTQ_IMAGE_BYTES_MAX) {
        damage.what = "it is over the limit of 512 MiB";
    }
    if (damage.what != NULL) {
        return refuse_image(fault, SLOTQ_CORRUPT, &damage);
    }
    geometry_load(&geometry, image);
    const bool is_queue = load_u32(image + AT_geometry_magic) == MAGIC_VERSION_1;
    if (is_queue && geometry_total(&geometry) > bytes) {
        damage.what = "it ends before the size that its geometry gives";
        return refuse_image(fault, SLOTQ_CORRUPT, &damage);
    }
    return SLOTQ_OK;
}

static slotq_outcome refuse_taken(const file_names *names, store_fault *fault)
{
    return fault_say(fault, SLOTQ_EXISTS, "%s exists: choose another name, or remove it first",
                     names->shown);
}

slotq_outcome file_import(const char *folder, const char *queue, const uint8_t *image,
                          uint64_t bytes, uint32_t generation, store_fault *fault)
{
    making self;
    slotq_damage damage;
    slotq_view view;
    int existing;
    slotq_outcome outcome = judge_size(image, bytes, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    file_names_make(&self.image.names, queue);
    outcome = open_existing(folder, &self.image.names, &existing, fault);
    if (outcome == SLOTQ_OK) { /* before room is taken for another one */
        close(existing);
        return refuse_taken(&self.image.names, fault);
    }
    if (outcome == SLOTQ_NOQUEUE) {
        outcome = begin(&self, folder, queue, bytes, fault);
    }
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    memcpy(self.image.bytes, image, (size_t)bytes); /* aligned there, and judged as it will be */
    outcome = slotq_core_open(&view, self.image.bytes, bytes, &damage);
    if (outcome == SLOTQ_OK) {
        outcome = slotq_core_check(&view, &damage);
    }
    if (outcome == SLOTQ_OK) { /* tokens of the queue that it is a copy of do not work here */
        view.geometry.generation = generation;
        geometry_store(self.image.bytes, &view.geometry);
    } else {
        refuse_image(fault, outcome, &damage);
    }
    outcome = end(&self, outcome);
    return outcome == SLOTQ_EXISTS ? refuse_taken(&self.image.names, fault) : outcome;
}

/* ---- resize ---- */

/* The old file is whole until the new one has its name. */
static slotq_outcome make_resized(const char *folder, const char *queue, const file_image *old,
                                  const slotq_geometry *geometry, store_fault *fault)
{
    making self;
    const uint32_t size = slotq_core_image_bytes(geometry, NULL);
    slotq_outcome outcome = begin(&self, folder, queue, size, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    self.replaced = old->descriptor;
    outcome =
        filesystem_take_rights(self.main.descriptor, old->descriptor, old->names.shown, fault);
    if (outcome == SLOTQ_OK && fdatasync(old->descriptor) != 0) { /* its journal goes first */
        outcome =
            fault_system(fault, errno, "%s could not be synced to the disk", old->names.shown);
    }
    if (outcome == SLOTQ_OK) {
        outcome = resize_image(&old->view, geometry, self.image.bytes, fault);
    }
    return end(&self, outcome);
}

slotq_outcome file_resize(const char *folder, const char *queue, const slotq_geometry *wanted,
                          store_fault *fault)
{
    const file_options options = {.exclusive = true};
    file_image *image;
    slotq_geometry geometry;
    slotq_outcome outcome = file_image_open(folder, queue, &options, &image, fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    outcome = resize_begin(image->names.shown, &image->view, wanted, &geometry, fault);
    if (outcome == SLOTQ_OK) {
        outcome = make_resized(folder, queue, image, &geometry, fault);
    }
    file_image_close(image);
    return outcome;
}
