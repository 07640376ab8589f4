/* image.h: the bytes of a queue for dump, check and doctor: by export when the queue opens, else
 * as its file has them, or the file of that path. Knows the format by the layout's own headers.
 */
#ifndef SLOTQ_TOOLS_VERBS_IMAGE_H
#define SLOTQ_TOOLS_VERBS_IMAGE_H

#include "../line/command_line.h"
#include "slotq.h"
#include "slotq_core.h"

typedef struct image {
    uint8_t *bytes; /* to be freed */
    uint64_t size;
    bool is_descriptor; /* of a sharded queue; what it holds is in its shards */
    bool opened; /* the view is good: magic, geometry, size and front are legal */
    slotq_view view;
    slotq_outcome outcome; /* of opening and checking these bytes */
    slotq_damage damage;   /* what is wrong first; what NULL = sound */
} image;

/* Load and check; EXIT_CODE_OK (also for damaged bytes), or another after a message. */
int image_load(const command_line *line, const char *name, image *loaded);
void image_free(image *loaded);

#endif
