/* framed.h: the frame that push --type and --header put in front of each message. Knows no queue
 * but its geometry.
 */
#ifndef SLOTQ_TOOLS_VERBS_FRAMED_H
#define SLOTQ_TOOLS_VERBS_FRAMED_H

#include "../line/command_line.h"
#include "slotq.h"

typedef struct framer {
    uint8_t *bytes; /* the frame, and room for the largest body; NULL: there is no frame */
    uint32_t frame_bytes;
} framer;

/* EXIT_CODE_OK, or another after a message; to be closed in either case. */
int framer_open(framer *self, const command_line *line, const slotq_geometry *geometry);
void framer_close(framer *self);

/* Frame and body, until the next call; body where there is no frame. size is at most
 * SLOTQ_PAYLOAD_BYTES_MAX. */
const void *framer_join(framer *self, const void *body, size_t size);

#endif
