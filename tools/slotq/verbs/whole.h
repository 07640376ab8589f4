/* whole.h: all of stdin as the payload of one message. Knows no queue.
 */
#ifndef SLOTQ_TOOLS_VERBS_WHOLE_H
#define SLOTQ_TOOLS_VERBS_WHOLE_H

#include "slotq.h"

/* Read stdin to its end, or up to a byte more than payload_bytes, which says that it is too large.
 * message->bytes is never NULL after EXIT_CODE_OK, and is to be freed in either case. EXIT_CODE_OK,
 * or another after a message that ends with refused: a payload is never a part of stdin. */
int read_whole_stdin(uint32_t payload_bytes, const char *refused, slotq_data *message,
                     uint8_t **bytes);

#endif
