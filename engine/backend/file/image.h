/* image.h: an open queue file and its journal, as the stores of one process share it.
 * Knows what is mapped and held; no verb.
 */
#ifndef SLOTQ_BACKEND_FILE_IMAGE_H
#define SLOTQ_BACKEND_FILE_IMAGE_H

#include "filesystem.h"
#include "life.h"
#include "store.h"

typedef struct file_image {
    int descriptor;         /* of the main file; holds the locks */
    int folder;             /* in which it lies, to be opened once more */
    int journal_descriptor; /* -1: read only without a journal, and writers are kept out */
    uint8_t *bytes;         /* mapped; only readable in a read-only image */
    uint8_t *journal;       /* mapped, or NULL */
    slotq_view view;
    file_options options;
    bool writable;     /* the descriptor is */
    uint32_t stores;   /* atomic */
    uint32_t poisoned; /* atomic: a sync failed */
    life life;         /* where there is a journal */
    file_names names;
} file_image;

#endif
