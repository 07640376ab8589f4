/* frame.h: the bytes of a frame taken apart (slotq_frame.h), without a copy. Pure: knows neither
 * queues nor handlers.
 */
#ifndef SLOTQ_WORKER_FRAME_H
#define SLOTQ_WORKER_FRAME_H

#include "../slotq_frame.h"

enum { FRAME_MARK = 1 }; /* the first byte of form B */

typedef enum frame_form {
    FRAME_PLAIN,
    FRAME_A,
    FRAME_B,
    FRAME_BROKEN /* begins as form B, but is not: read as plain */
} frame_form;

/* Set type, body, payload and due_ms of info, nothing else. */
frame_form frame_read(const void *payload, uint32_t bytes, slotq_task_info *info);

/* The same for a payload that is not read as a frame. */
static inline void frame_read_plain(const void *payload, uint32_t bytes, slotq_task_info *info)
{
    info->type = "";
    info->type_bytes = 0;
    info->body = payload;
    info->body_bytes = bytes;
    info->payload = payload;
    info->payload_bytes = bytes;
    info->due_ms = 0;
}

/* The same for form A whose type is known to be valid: type_bytes without its NUL. */
static inline void frame_read_typed(const void *payload, uint32_t bytes, uint32_t type_bytes,
                                    slotq_task_info *info)
{
    info->type = (const char *)payload;
    info->type_bytes = type_bytes;
    info->body = (const char *)payload + type_bytes + 1;
    info->body_bytes = bytes - type_bytes - 1;
    info->payload = payload;
    info->payload_bytes = bytes;
    info->due_ms = 0;
}

/* Why a task has no frame; header: which one, from 0. */
typedef enum frame_fault {
    FRAME_FITS,
    FRAME_NO_TYPE,
    FRAME_TYPE_BYTES,
    FRAME_TYPE_CHARACTER,
    FRAME_NO_BODY,
    FRAME_HEADER_COUNT,
    FRAME_HEADER_NAME,
    FRAME_HEADER_VALUE,
    FRAME_HEADER_BYTES,
    FRAME_BYTES /* 2^32 and more */
} frame_fault;

typedef struct frame_size {
    uint32_t bytes; /* of all */
    uint32_t type_bytes;
    uint32_t header;
} frame_size;

frame_fault frame_measure(const slotq_task_spec *task, frame_size *size);

/* How many bytes of text, at most `most`, may stand in a type, the first one as its first. */
uint32_t frame_type_span(const char *text, uint32_t most);

#endif
