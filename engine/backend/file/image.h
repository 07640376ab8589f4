/* image.h: an open queue file and its journal, as the stores of one process share it.
 * Knows what is mapped and held; no verb.
 */
#ifndef SLOTQ_BACKEND_FILE_IMAGE_H
#define SLOTQ_BACKEND_FILE_IMAGE_H

#include "../sleepers.h"
#include "filesystem.h"
#include "journal.h"
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

/* The callers that sleep on an image with a journal. */
static inline sleepers file_sleepers(const file_image *image)
{
    _Static_assert(sizeof(sleepers_beside) == JOURNAL_BESIDE_BYTES, "as in journal.h");
    sleepers_beside *beside = (sleepers_beside *)(void *)journal_beside(image->journal);
    return (sleepers){&image->view, journal_may_sleep(image->journal), beside, true};
}

#endif
