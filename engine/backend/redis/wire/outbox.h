/* outbox.h: commands as bytes, gathered until they are sent. Knows hiredis's formatting; no
 * connection.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_OUTBOX_H
#define SLOTQ_BACKEND_REDIS_WIRE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct redis_outbox {
    uint8_t *bytes;
    size_t count;
    size_t room;
    size_t sent; /* how many of them the system took; kept when the connection breaks */
} redis_outbox;

/* Append a command. false: no memory; none of it was appended. */
bool redis_outbox_add(redis_outbox *outbox, int count, const char **arguments,
                      const size_t *lengths);

/* Forget all that was appended. */
void redis_outbox_clear(redis_outbox *outbox);

void redis_outbox_free(redis_outbox *outbox);

#endif
