/* value.h: a small file that is read, and changed in one step only if it is still what its caller
 * read: the descriptor of a sharded queue. Knows bytes; no meaning of them.
 */
#ifndef SLOTQ_BACKEND_FILE_VALUE_H
#define SLOTQ_BACKEND_FILE_VALUE_H

#include "../shards/place.h"

/* The file of a queue's name: its first `room` bytes, and its whole size. OK, NOQUEUE, IO. */
slotq_outcome file_value_read(const char *folder, const char *queue, uint8_t *bytes, uint32_t room,
                              uint64_t *size, store_fault *fault);

/* If the file has the bytes `old` (NULL: there is none), it is `next` from now on (NULL: deleted),
 * also after a power loss. A reader sees one or the other. OK; AGAIN: it is another, or
 * gone; EXISTS: old is NULL; LOCKED: a process that changes it was stopped; OUTCOME_UNKNOWN, IO. */
slotq_outcome file_value_change(const char *folder, const char *queue, shards_value old,
                                shards_value next, store_fault *fault);

#endif
