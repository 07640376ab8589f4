/* create.h: creates, imports and resizes queue files. Each appears whole or not at all.
 * Knows names and room on the disk; no verb.
 */
#ifndef SLOTQ_BACKEND_FILE_CREATE_H
#define SLOTQ_BACKEND_FILE_CREATE_H

#include "../backend.h"

/* Create a queue with all its room allocated; it appears whole. OK (also if one of the same
 * geometry exists, of any generation), EXISTS, INVALID, CORRUPT, VERSION, UNSUPPORTED, IO. */
slotq_outcome file_create(const char *folder, const char *queue, const slotq_geometry *geometry,
                          store_fault *fault);

/* Create a queue from an image, which is checked completely before, with another generation, not 0.
 * OK, EXISTS, CORRUPT, VERSION … */
slotq_outcome file_import(const char *folder, const char *queue, const uint8_t *image,
                          uint64_t bytes, uint32_t generation, store_fault *fault);

/* Replace a queue that no other process or handle has open by one with the sizes of wanted and the
 * same messages, ids and tokens. OK, TOOBIG (what does not fit), INVALID, and the answers of
 * file_open; the file is unchanged then. */
slotq_outcome file_resize(const char *folder, const char *queue, const slotq_geometry *wanted,
                          store_fault *fault);

#endif
