/* outbox.c: see outbox.h.
 */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

enum {
    FIRST_BYTES = 4 * 1024,
    KEEPS_BYTES = 1024 * 1024 /* more room is given back */
};

static bool make_room(redis_outbox *outbox, size_t more)
{
    size_t room = outbox->room < FIRST_BYTES ? FIRST_BYTES : outbox->room;
    while (room - outbox->count < more) {
        room *= 2;
    }
    if (room == outbox->room) {
        return true;
    }
    uint8_t *bytes = realloc(outbox->bytes, room);
    if (bytes != NULL) {
        outbox->bytes = bytes;
        outbox->room = room;
    }
    return bytes != NULL;
}

bool redis_outbox_add(redis_outbox *outbox, int count, const char **arguments,
                      const size_t *lengths)
{
    char *command = NULL;
    const long long bytes = redisFormatCommandArgv(&command, count, arguments, lengths);
    if (bytes < 0) {
        return false;
    }
    const bool fits = make_room(outbox, (size_t)bytes);
    if (fits) {
        memcpy(outbox->bytes + outbox->count, command, (size_t)bytes);
        outbox->count += (size_t)bytes;
    }
    redisFreeCommand(command);
    return fits;
}

void redis_outbox_clear(redis_outbox *outbox)
{
    outbox->count = 0;
    outbox->sent = 0;
    if (outbox->room > KEEPS_BYTES) {
        redis_outbox_free(outbox);
    }
}

void redis_outbox_free(redis_outbox *outbox)
{
    free(outbox->bytes);
    outbox->bytes = NULL;
    outbox->count = 0;
    outbox->room = 0;
    outbox->sent = 0;
}
