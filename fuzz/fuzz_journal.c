/* fuzz_journal.c: a main file with an arbitrary journal beside it is opened, recovered, adopted and
 * worked on: never a crash; an adoption that is refused leaves the main file as it was, and one
 * that is done leaves it sound. Input: 1 byte of modes, 8 of a shape, 4096 for the journal at most,
 * the rest for the image.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../engine/backend/file/journal.h"
#include "../engine/slotq.h"
#include "journal_seed.h"
#include "overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IMAGE_BYTES_MOST = 1 << 14, TRIES = 4 };

static char folder[64];
static char main_path[96];
static char journal_path[96];

static void require(int rule)
{
    if (!rule) {
        abort();
    }
}

static void remove_folder(void)
{
    (void)unlink(main_path);
    (void)unlink(journal_path);
    (void)rmdir(folder);
}

/* In memory where that can be, as each input syncs its files. */
static void make_folder(void)
{
    if (folder[0] != '\0') {
        return;
    }
    snprintf(folder, sizeof folder, "%s/slotq-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(folder) != NULL);
    snprintf(main_path, sizeof main_path, "%s/q.slotq", folder);
    snprintf(journal_path, sizeof journal_path, "%s/q.slotq-journal", folder);
    require(atexit(remove_folder) == 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(file >= 0 && write(file, bytes, size) == (ssize_t)size);
    require(close(file) == 0);
}

static int main_file_is(const uint8_t *image, size_t size)
{
    uint8_t *now = malloc(size);
    const int file = open(main_path, O_RDONLY | O_CLOEXEC);
    require(now != NULL && file >= 0);
    const int same = read(file, now, size) == (ssize_t)size && memcmp(now, image, size) == 0;
    close(file);
    free(now);
    return same;
}

/* The journal's header is this file's, or differs in what cannot be a copy's; then noise. */
static void write_journal(uint8_t modes, const uint8_t *image, const uint8_t *noise, size_t size)
{
    uint8_t journal[JOURNAL_BYTES] = {0};
    journal_owner owner;
    const int file = open(main_path, O_RDONLY | O_CLOEXEC);
    require(file >= 0 && journal_owner_of(file, image, &owner));
    close(file);
    owner.inode += modes & JOURNAL_SEED_FOREIGN ? 1 : 0;
    if (!(modes & JOURNAL_SEED_RAW)) {
        journal_bind(journal, &owner);
        noise += size < JOURNAL_AT_LOCK ? size : JOURNAL_AT_LOCK; /* what no noise may spoil */
        size -= size < JOURNAL_AT_LOCK ? size : JOURNAL_AT_LOCK;
        for (size_t i = 0; i < size; i++) {
            journal[JOURNAL_AT_LOCK + i] = noise[i];
        }
    } else {
        memcpy(journal, noise, size);
    }
    write_file(journal_path, journal, sizeof journal);
}

/* The steps go on from whatever recovery made of the image; each call ends, stays in bounds. */
static void work(slotq *queue)
{
    const slotq_data message = {"x", 1};
    slotq_batch *batch = slotq_batch_new();
    require(batch != NULL);
    for (int i = 0; i < TRIES; i++) {
        (void)slotq_push(queue, &message, 1, NULL);
        (void)slotq_reserve(queue, 0, 2, 1000, 0, batch);
        (void)slotq_settle_batch(queue, i % 2 == 0 ? SLOTQ_SETTLE_KILL : SLOTQ_SETTLE_ACK, batch, 0,
                                 1);
        (void)slotq_dead_redrive(queue, 0, NULL, NULL, NULL);
    }
    slotq_batch_free(batch);
}

static void try_open(uint8_t modes, const uint8_t *image, size_t size)
{
    slotq_options options = {0};
    slotq *queue = NULL;
    slotq_error error = {0};
    const int adopts = (modes & JOURNAL_SEED_ADOPTS) != 0;
    options.adopt_journal = adopts;
    options.read_only = (modes & JOURNAL_SEED_READS) != 0;
    options.exclusive = (modes & JOURNAL_SEED_EXCLUSIVE) != 0;
    options.sync = modes & JOURNAL_SEED_SYNCED ? SLOTQ_SYNC_ALWAYS : SLOTQ_SYNC_OS;
    const int foreign = (modes & JOURNAL_SEED_FOREIGN) && !(modes & JOURNAL_SEED_RAW);
    const int live = foreign && adopts && !options.read_only;
    uint8_t journal[JOURNAL_BYTES] = {0};
    const int file = open(journal_path, O_RDONLY | O_CLOEXEC);
    require(file >= 0 && read(file, journal, sizeof journal) == (ssize_t)sizeof journal);
    close(file);
    const slotq_outcome outcome = slotq_open(folder, "q", &options, &queue, &error);
    require((outcome == SLOTQ_OK) == (queue != NULL));
    if (queue == NULL) {
        require(error.text[0] != '\0');
        require(!(foreign || options.read_only) || main_file_is(image, size));
        return;
    }
    const slotq_outcome checked = slotq_check(queue);
    require(checked == SLOTQ_OK || checked == SLOTQ_CORRUPT);
    require(!(live && journal_is_live(journal)) || checked == SLOTQ_OK);
    if (!options.read_only) {
        work(queue);
        require(checked != SLOTQ_OK || slotq_check(queue) == SLOTQ_OK);
    }
    slotq_close(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + OVERLAY_SHAPE_BYTES) {
        return 0;
    }
    const uint8_t modes = data[0];
    const uint8_t *shape = data + 1;
    const uint8_t *noise = shape + OVERLAY_SHAPE_BYTES;
    const size_t left = size - 1 - OVERLAY_SHAPE_BYTES;
    const size_t noise_bytes = left < JOURNAL_BYTES ? left : JOURNAL_BYTES;
    const size_t laid_bytes = OVERLAY_SHAPE_BYTES + (left - noise_bytes);
    uint8_t *laid = malloc(laid_bytes);
    require(laid != NULL);
    memcpy(laid, shape, OVERLAY_SHAPE_BYTES);
    laid[0] = 1; /* over a fresh queue */
    memcpy(laid + OVERLAY_SHAPE_BYTES, noise + noise_bytes, left - noise_bytes);
    size_t image_bytes = 0;
    uint8_t *image = overlay_image(laid, laid_bytes, &image_bytes);
    if (image != NULL && image_bytes <= IMAGE_BYTES_MOST) {
        make_folder();
        write_file(main_path, image, image_bytes);
        write_journal(modes, image, noise, noise_bytes);
        try_open(modes, image, image_bytes);
    }
    free(image);
    free(laid);
    return 0;
}
