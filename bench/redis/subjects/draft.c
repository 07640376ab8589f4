/* draft.c: see draft.h.
 */
#include "draft.h"
#include "subject.h"
#include "../../support/sure.h"

#include <string.h>

enum {
    HEAD_BYTES_MOST = 32,     /* of a command or an argument, with its end */
    ARGUMENTS_EACH_MOST = 5,  /* a message, where each is one command */
    ARGUMENT_BYTES_MOST = 96, /* of one that is not a payload, and its head */
    ROOM_BYTES =
        SUBJECT_BATCH_MOST * (SUBJECT_PAYLOAD_MOST + ARGUMENTS_EACH_MOST * ARGUMENT_BYTES_MOST)
};

static char room[ROOM_BYTES];

draft draft_begin(void)
{
    return (draft){room, 0};
}

/* "*12\r\n" */
static void put_head(draft *self, char kind, uint64_t number)
{
    char digits[HEAD_BYTES_MOST];
    uint32_t first = HEAD_BYTES_MOST;
    bench_need(self->used + HEAD_BYTES_MOST <= ROOM_BYTES, "a command of so many bytes");
    digits[--first] = '\n';
    digits[--first] = '\r';
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    digits[--first] = kind;
    memcpy(self->bytes + self->used, digits + first, HEAD_BYTES_MOST - first);
    self->used += HEAD_BYTES_MOST - first;
}

void draft_command(draft *self, uint32_t arguments)
{
    put_head(self, '*', arguments);
}

char *draft_put_room(draft *self, size_t length)
{
    put_head(self, '$', length);
    bench_need(self->used + length + 2 <= ROOM_BYTES, "a command of so many bytes");
    char *at = self->bytes + self->used;
    at[length] = '\r';
    at[length + 1] = '\n';
    self->used += length + 2;
    return at;
}

void draft_put(draft *self, const void *bytes, size_t length)
{
    memcpy(draft_put_room(self, length), bytes, length);
}

void draft_put_text(draft *self, const char *text)
{
    draft_put(self, text, strlen(text));
}

void draft_put_number(draft *self, uint64_t number)
{
    char digits[20];
    uint32_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    draft_put(self, digits + first, sizeof digits - first);
}

void draft_send(const draft *self, connection *wire)
{
    wire_append(wire, self->bytes, self->used);
}

bool kept_is_for(const kept_command *self, uint32_t count)
{
    return self->bytes != NULL && self->count == count &&
           self->shape_number == subject_shape_number();
}

void kept_renew(kept_command *self, const draft *made, uint32_t count)
{
    free(self->bytes);
    *self = (kept_command){malloc(made->used), made->used, count, subject_shape_number()};
    bench_need(self->bytes != NULL, "malloc");
    memcpy(self->bytes, made->bytes, made->used);
}

void kept_send(const kept_command *self, connection *wire)
{
    wire_append(wire, self->bytes, self->length);
}
