/* open.h: an open queue file and its journal, as the stores of one process share it.
 * Knows mappings, locks and syncs; no verb.
 */
#ifndef SLOTQ_BACKEND_FILE_OPEN_H
#define SLOTQ_BACKEND_FILE_OPEN_H

#include "store.h"
#include "filesystem.h"
#include "../system/forked.h"

typedef struct file_image {
    int descriptor;         /* of the main file; holds the locks */
    int journal_descriptor; /* -1: read only without a journal, and writers are kept out */
    uint8_t *bytes;         /* mapped; only readable in a read-only image */
    uint8_t *journal;       /* mapped, or NULL */
    slotq_view view;
    file_options options;
    bool writable;     /* the descriptor is */
    uint32_t stores;   /* atomic */
    uint32_t poisoned; /* atomic: a sync failed */
    fork_mark mark;    /* of an exclusive image: a child is not alone with the bytes */
    file_names names;
} file_image;

/* Open, recover where this is the first opener. The answers of file_open. */
slotq_outcome file_image_open(const char *folder, const char *queue, const file_options *options,
                              file_image **opened, store_fault *fault);

/* Unmap, close (which gives the locks up), free. */
void file_image_close(file_image *image);

/* Lock the journal's mutex; replay what a dead owner left. OK, CORRUPT, IO. */
slotq_outcome file_image_lock(file_image *image, store_fault *fault);
void file_image_unlock(file_image *image);

/* Apply a step so that it is whole at every instruction, and synced where that is wanted. OK;
 * IO: nothing happened; OUTCOME_UNKNOWN: it happened, but the disk may not have it. After
 * either the image is poisoned. Locked or alone. */
slotq_outcome file_image_apply(file_image *image, const slotq_step *step, store_fault *fault);

/* A live record that sync=always left is not needed any more: the main file is synced, then the
 * record cleared and that synced too. Locked or alone. OK or IO (poisoned). */
slotq_outcome file_image_retire(file_image *image, store_fault *fault);

/* UNSUPPORTED in a child that got an exclusive image by fork; IO when a sync failed before. */
slotq_outcome file_image_refuse_unfit(const file_image *image, store_fault *fault);

/* IO when the main file or the journal lost its name, or the main file its size. */
slotq_outcome file_image_look(const file_image *image, store_fault *fault);

#endif
