/* step.h: writes a step's bytes to the mapping, the journal and the disk. Knows the order in which
 * they are stored and synced; not what they mean.
 */
#ifndef SLOTQ_BACKEND_FILE_STEP_H
#define SLOTQ_BACKEND_FILE_STEP_H

#include "image.h"

/* Apply a step so that it is whole at every instruction, and synced where that is wanted. OK;
 * IO: nothing happened; OUTCOME_UNKNOWN: the disk may have the step or not, whatever the mapping
 * shows. After either the image is poisoned. Locked or alone. */
slotq_outcome file_image_apply(file_image *image, const slotq_step *step, store_fault *fault);

/* What was done before a record is retired, and so what a failed sync means. */
typedef enum retire_after {
    RETIRE_LEFT,     /* nothing by this call: sync=always left the record */
    RETIRE_STEP,     /* the step of this call */
    RETIRE_RECOVERY, /* the step of a process that ended */
    RETIRE_ADOPTION  /* the step of a copied journal */
} retire_after;

/* The live record is not needed any more: the main file is synced, then the record cleared and
 * that synced too. Locked or alone. OK; else poisoned: OUTCOME_UNKNOWN after a step or an
 * adoption, IO after anything else. */
slotq_outcome file_image_retire(file_image *image, retire_after after, store_fault *fault);

/* IO when a sync failed before. */
slotq_outcome file_image_refuse_unfit(const file_image *image, store_fault *fault);

#endif
