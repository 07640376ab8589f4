/* open.h: opening, recovering and closing a queue file. Knows mappings and presence; no verb.
 */
#ifndef SLOTQ_BACKEND_FILE_OPEN_H
#define SLOTQ_BACKEND_FILE_OPEN_H

#include "image.h"

/* Open, recover where this is the first opener. The answers of file_open. */
slotq_outcome file_image_open(const char *folder, const char *queue, const file_options *options,
                              file_image **opened, store_fault *fault);

/* Unmap, close (which gives the locks up), free. */
void file_image_close(file_image *image);

/* IO when the main file or the journal lost its name, or the main file its size. */
slotq_outcome file_image_look(const file_image *image, store_fault *fault);

#endif
