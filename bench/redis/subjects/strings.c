/* strings.c: the bound of every queue that is a string: its bytes written by one SETRANGE,
 * read by one GETRANGE, and eight bytes written for the ack. Knows no rule of any queue.
 */
#include "subject.h"
#include "draft.h"
#include "../../support/sure.h"

#include <stdio.h>
#include <string.h>

#define STRING "bench:string"
enum { LENGTH_BYTES = 2, HEAD_BYTES = 136 };

static uint32_t pushed; /* the place of the next message, in messages */
static uint32_t taken_to;

static size_t stride(void)
{
    return LENGTH_BYTES + subject_payload_bytes();
}

static void strings_reset(connection *wire)
{
    char words[64];
    pushed = 0;
    taken_to = 0;
    wire_do(wire, "DEL " STRING);
    snprintf(words, sizeof words, "SETRANGE " STRING " %zu x",
             HEAD_BYTES + subject_messages_most() * stride());
    wire_do(wire, words);
}

/* The place of count messages, in bytes; the next ones go behind them. */
static size_t go_on(uint32_t *place, uint32_t count)
{
    const uint32_t first = *place + count <= subject_messages_most() ? *place : 0;
    *place = first + count;
    return HEAD_BYTES + first * stride();
}

static uint32_t strings_push(connection *wire, uint32_t count)
{
    const slotq_data *messages = subject_messages();
    const size_t slot_bytes = stride();
    draft made = draft_begin();
    draft_command(&made, 4);
    draft_put_text(&made, "SETRANGE");
    draft_put_text(&made, STRING);
    draft_put_number(&made, go_on(&pushed, count));
    char *slot = draft_put_room(&made, count * slot_bytes);
    for (uint32_t i = 0; i < count; i++) { /* packed, as a push is */
        slot[0] = (char)messages[i].size;
        slot[1] = (char)(messages[i].size >> 8);
        memcpy(slot + LENGTH_BYTES, messages[i].bytes, messages[i].size);
        slot += slot_bytes;
    }
    draft_send(&made, wire);
    return 1;
}

static uint32_t strings_take(connection *wire, uint32_t count)
{
    draft made = draft_begin();
    const size_t from = go_on(&taken_to, count);
    draft_command(&made, 4);
    draft_put_text(&made, "GETRANGE");
    draft_put_text(&made, STRING);
    draft_put_number(&made, from);
    draft_put_number(&made, from + count * stride() - 1);
    draft_send(&made, wire);
    return 1;
}

static uint32_t strings_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    const size_t slot_bytes = stride();
    bench_need(taken[0]->type == REDIS_REPLY_STRING, "GETRANGE");
    for (size_t at = 0; at + slot_bytes <= taken[0]->len; at += slot_bytes) {
        const uint8_t *slot = (const uint8_t *)taken[0]->str + at;
        subject_look(&seen, slot + LENGTH_BYTES, slot[0] + ((size_t)slot[1] << 8));
    }
    subject_sight_end(&seen, count, "GETRANGE of all that was asked for");
    static const char ack[] =
        "*4\r\n$8\r\nSETRANGE\r\n$12\r\n" STRING "\r\n$1\r\n0\r\n$8\r\n12345678\r\n";
    wire_append(wire, ack, sizeof ack - 1);
    return 1;
}

static bool strings_is_acked(const redisReply *reply, uint32_t count)
{
    (void)count;
    return reply->type == REDIS_REPLY_INTEGER;
}

const subject subject_strings = {"bare SETRANGE", STRING,       NULL,        strings_reset,
                                 strings_push,    strings_take, strings_ack, strings_is_acked};
