/* section.h: exclusive access to the bytes of a shared queue file: a process gets an id, enters,
 * recovers what a dead process left, and leaves. Knows the image, its lock and its journal; no
 * verb.
 */
#ifndef SLOTQ_BACKEND_FILE_SECTION_H
#define SLOTQ_BACKEND_FILE_SECTION_H

#include "image.h"

/* An id for the image, whose journal is mapped. OK; EMPTY: the name leads to another file by now;
 * IO, UNSUPPORTED. */
slotq_outcome file_section_join(file_image *image, store_fault *fault);

/* In a child that has the image by fork: UNSUPPORTED if it was opened exclusively or if the child
 * gets no separate id; else it has one. */
slotq_outcome file_section_admit_child(file_image *image, store_fault *fault);

/* To be asked by every call before it enters. */
static inline slotq_outcome file_section_admit(file_image *image, store_fault *fault)
{
    return life_is_inherited(&image->life) ? file_section_admit_child(image, fault) : SLOTQ_OK;
}

/* Wait for the lock, for as long as the caller's store is let; without one, as while opening and
 * closing, for a while. OK; IO that passes: not had; IO, NOMEMORY, CORRUPT: what a dead owner left
 * cannot be recovered by this handle, and is left to the next one. */
slotq_outcome file_section_enter(file_image *image, const store *caller, store_fault *fault);
void file_section_leave(file_image *image);

#endif
