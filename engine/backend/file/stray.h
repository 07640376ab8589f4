/* stray.h: finds the journal of a main file that was renamed without it. A journal names its main
 * file by inode and time of birth, so it is found under whatever name the main file had before.
 * Knows journals of one folder; does not change them.
 */
#ifndef SLOTQ_BACKEND_FILE_STRAY_H
#define SLOTQ_BACKEND_FILE_STRAY_H

#include "image.h"

/* Journals under other names in the folder that name this main file and hold a live step. */
typedef struct file_stray {
    unsigned count;
    bool is_certain;            /* the file system keeps times of birth */
    char name[FILE_NAME_BYTES]; /* of the last one */
} file_stray;

/* Presence held. OK, whatever the count; IO: the folder or a journal in it cannot be read. */
slotq_outcome file_stray_find(const file_image *image, int folder, file_stray *found,
                              store_fault *fault);

/* IO: a journal that must be looked at by the user, with what to do about it. */
slotq_outcome file_stray_refuse(const file_image *image, const file_stray *found,
                                store_fault *fault);

#endif
