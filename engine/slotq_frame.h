/* slotq_frame.h: the frame of a task: a payload that begins with the name of its type, so that a
 * worker (slotq_worker.h) finds the handler for it. slotq_worker.h includes it.
 *
 *     slotq_task_spec mail = {.type = "email:deliver", .body = text, .body_bytes = size};
 *     slotq_task_push(queue, &mail, &id);
 *
 * The queue does not know frames; a payload is the bytes below. In other languages: type + "\0" +
 * body. INTERNALS.md has the reasons.
 *
 *     form A   TYPE 00 BODY
 *     form B   01 TYPE 00 { NAME '=' VALUE 00 } 00 BODY
 *
 * TYPE: SLOTQ_TYPE_BYTES_MIN to SLOTQ_TYPE_BYTES_MAX bytes, the first a letter or a digit, the
 * others also one of _ . : / -. NAME: 1 to 32 of a-z, 0-9 and '-'. VALUE: any bytes but 00. At most
 * SLOTQ_HEADERS_MAX headers with together (names, values, '=' and 00) at most
 * SLOTQ_HEADER_BYTES_MAX bytes; unknown ones are kept and ignored. Reserved names: traceparent,
 * tracestate, content-type, due (milliseconds since 1970), cron (the name of an entry),
 * attempts-most (1 to 62). A payload that is neither form is plain: its type is "".
 *
 * All calls but slotq_task_push are pure: any thread, no allocation.
 */
#ifndef SLOTQ_FRAME_H
#define SLOTQ_FRAME_H

#include "slotq.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SLOTQ_TYPE_BYTES_MIN = 2,
    SLOTQ_TYPE_BYTES_MAX = 64,
    SLOTQ_HEADERS_MAX = 16,
    SLOTQ_HEADER_NAME_BYTES_MAX = 32,
    SLOTQ_HEADER_BYTES_MAX = 1024
};

/* A header. value is not NUL-terminated and may be NULL if bytes is 0. */
typedef struct slotq_header {
    const char *name;
    const void *value;
    uint32_t bytes;
} slotq_header;

/* What a message is, for its handler. Pointers are borrowed from the payload. */
typedef struct slotq_task_info {
    uint64_t id;
    const char *queue; /* the name that slotq_worker_add_queue was given */
    uint8_t group;
    uint8_t attempts;      /* runs begun, this one included */
    uint8_t attempts_most; /* the message dies if this run is the attempts_most-th and fails; 0 =
                              no limit */
    const char *type;      /* "" for a plain payload; NUL-terminated */
    uint32_t type_bytes;
    const void *body; /* not aligned */
    uint32_t body_bytes;
    const void *payload; /* all of it, frame included */
    uint32_t payload_bytes;
    uint64_t pushed_ms;   /* by the queue's clock; 0 = not known (no stamps) */
    uint64_t due_ms;      /* of the header due; 0 = it has none */
    uint64_t reserved[2]; /* 0 */
} slotq_task_info;

/* A task to push. Fields that are 0 change nothing. */
typedef struct slotq_task_spec {
    const char *type;
    const void *body; /* may be NULL if body_bytes is 0 */
    uint32_t body_bytes;
    const slotq_header *headers;
    uint32_t header_count;
    uint64_t in_ms;     /* schedule it so long from now; or */
    uint64_t at_ms;     /* for this time by the queue's clock. The header due is yours to add */
    bool not_past;      /* with at_ms: if that is not after now, push nothing and return EMPTY */
    const void *key;    /* a name: slotq_key (slotq_keys.h) makes the key of it; NULL = none */
    uint32_t key_bytes; /* at least 1 with key */
    slotq_key_mode key_mode; /* with key; 0 = SLOTQ_KEY_UNIQUE */
    uint64_t wait_ms;        /* for room, without in_ms and at_ms; in a handler of a worker that
                                serves this queue it must be 0: it would wait for itself */
    uint64_t reserved[2];    /* 0 */
} slotq_task_spec;

/* Push a task. *id (may be NULL) is its id, or its later id if it is scheduled. OK; DUPLICATE: *id
 * is that of the message which has the key (its later id if that is scheduled: slotq_find tells);
 * EMPTY (not_past), FULL, PAUSED, TOOBIG (frame and body together are larger than payload_bytes, or
 * as slotq_schedule), INVALID; otherwise as slotq_push. slotq_error_of(queue) has the text.
 * Allocates only for more than 2 KiB. */
SLOTQ_API slotq_outcome slotq_task_push(slotq *queue, const slotq_task_spec *task, uint64_t *id);

/* Write the frame and the body of a task. Returns the bytes that it takes: they are in buffer if
 * that is at most `bytes`, else nothing was written. 0: not a task (a type, header or size is out
 * of range). buffer may be NULL if bytes is 0. */
SLOTQ_API uint32_t slotq_frame_write(const slotq_task_spec *task, void *buffer, uint32_t bytes);

/* Read a payload into type, body, payload and due_ms of info, and 0 into its other fields. OK;
 * EMPTY: it is plain: type is "", and body is all of it; INVALID: it begins with 01 but is not form
 * B; type and body as for EMPTY. */
SLOTQ_API slotq_outcome slotq_frame_read(const void *payload, uint32_t bytes,
                                         slotq_task_info *info);

/* The value of the first header with this name in a payload. False: form B has none, or the payload
 * is not form B. value and bytes may be NULL. */
SLOTQ_API bool slotq_frame_header(const void *payload, uint32_t bytes, const char *name,
                                  const void **value, uint32_t *value_bytes);

#ifdef __cplusplus
}
#endif
#endif
