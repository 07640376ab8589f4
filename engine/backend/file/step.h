/* step.h: a step's bytes on their way to the mapping, the journal and the disk. Knows the order
 * in which they are stored and synced; not what they mean.
 */
#ifndef SLOTQ_BACKEND_FILE_STEP_H
#define SLOTQ_BACKEND_FILE_STEP_H

#include "image.h"

/* Apply a step so that it is whole at every instruction, and synced where that is wanted. OK;
 * IO: nothing happened; OUTCOME_UNKNOWN: it happened, but the disk may not have it. After
 * either the image is poisoned. Locked or alone. */
slotq_outcome file_image_apply(file_image *image, const slotq_step *step, store_fault *fault);

/* A live record that sync=always left is not needed any more: the main file is synced, then the
 * record cleared and that synced too. Locked or alone. OK or IO (poisoned). */
slotq_outcome file_image_retire(file_image *image, store_fault *fault);

/* IO when a sync failed before. */
slotq_outcome file_image_refuse_unfit(const file_image *image, store_fault *fault);

#endif
