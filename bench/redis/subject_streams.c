/* subject_streams.c: a Redis stream as a work queue, with hiredis at its best: XADD and XREADGROUP
 * made once, XACK written straight into its bytes.
 */
#include "../core/cycle.h"
#include "subject.h"
#include "../support/sure.h"

#include <stdio.h>
#include <string.h>

#define STREAM SUBJECT_STREAM_KEY
enum { ID_BYTES_MOST = 48, ACK_HEAD_BYTES = 64 };

static void streams_reset(connection *wire)
{
    wire_do(wire, "DEL " STREAM);
    wire_do(wire, "XGROUP CREATE " STREAM " g $ MKSTREAM");
}

static uint32_t streams_push(connection *wire, uint32_t count)
{
    static wire_command pushes[SUBJECT_BATCH_MOST + 1]; /* count XADDs in one piece */
    wire_command *made = &pushes[count];
    if (made->bytes == NULL) {
        const slotq_data *payload = cycle_payloads();
        const char *words[] = {"XADD", STREAM, "*", "d", payload->bytes};
        const size_t lengths[] = {4, sizeof STREAM - 1, 1, 1, payload->size};
        wire_command one = wire_format(words, lengths, 5);
        made->length = one.length * count;
        made->bytes = malloc(made->length);
        bench_need(made->bytes != NULL, "malloc");
        for (uint32_t i = 0; i < count; i++) {
            memcpy(made->bytes + i * one.length, one.bytes, one.length);
        }
        wire_command_free(&one);
    }
    wire_append(wire, made->bytes, made->length);
    return count;
}

static void streams_take(connection *wire, uint32_t count)
{
    static wire_command takes[SUBJECT_BATCH_MOST + 1];
    wire_command *made = &takes[count];
    if (made->bytes == NULL) {
        char number[16];
        const int length = snprintf(number, sizeof number, "%u", (unsigned)count);
        const char *words[] = {"XREADGROUP", "GROUP",   "g",    "w", "COUNT",
                               number,       "STREAMS", STREAM, ">"};
        const size_t lengths[] = {10, 5, 1, 1, 5, (size_t)length, 7, sizeof STREAM - 1, 1};
        *made = wire_format(words, lengths, 9);
    }
    wire_append(wire, made->bytes, made->length);
}

/* [[stream, [[id, [field, payload]], …]]] */
static void streams_ack(connection *wire, const redisReply *taken, uint32_t count)
{
    static char bytes[ACK_HEAD_BYTES + SUBJECT_BATCH_MOST * ID_BYTES_MOST];
    bench_need(taken->type == REDIS_REPLY_ARRAY && taken->elements == 1, "XREADGROUP");
    const redisReply *messages = taken->element[0]->element[1];
    bench_need(messages->elements == count, "XREADGROUP of all that was asked for");
    size_t used =
        (size_t)snprintf(bytes, sizeof bytes, "*%u\r\n$4\r\nXACK\r\n$%zu\r\n%s\r\n$1\r\ng\r\n",
                         (unsigned)count + 3, sizeof STREAM - 1, STREAM);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        const redisReply *id = messages->element[i]->element[0];
        const redisReply *payload = messages->element[i]->element[1]->element[1];
        seen += (uint32_t)payload->len + (uint8_t)payload->str[0];
        bench_need(id->len >= 10 && id->len < 40, "an id of a stream");
        bytes[used++] = '$';
        bytes[used++] = (char)('0' + id->len / 10);
        bytes[used++] = (char)('0' + id->len % 10);
        bytes[used++] = '\r';
        bytes[used++] = '\n';
        memcpy(bytes + used, id->str, id->len);
        used += id->len;
        bytes[used++] = '\r';
        bytes[used++] = '\n';
    }
    __asm__ volatile("" : : "r"(seen));
    wire_append(wire, bytes, used);
}

const subject subject_streams = {"Streams", streams_reset, streams_push, streams_take, streams_ack};
