/* push.c: a task pushed into a queue: its frame, its time and its key (slotq_frame.h). Knows
 * queues by their public calls.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../slotq_keys.h"
#include "frame.h"

enum { STACK_BYTES = 2048, TEXT_BYTES = 240 };

static const char closing[] = ". Nothing was pushed.";

__attribute__((format(printf, 2, 3))) static bool refuse(slotq *queue, const char *format, ...)
{
    char text[TEXT_BYTES + sizeof closing];
    va_list values;
    va_start(values, format);
    vsnprintf(text, TEXT_BYTES, format, values);
    va_end(values);
    memcpy(text + strlen(text), closing, sizeof closing);
    slotq_set_error(queue, SLOTQ_INVALID, text);
    return false;
}

static bool refuse_type(slotq *queue, const slotq_task_spec *task, const frame_size *size)
{
    if (size->type_bytes < SLOTQ_TYPE_BYTES_MIN || size->type_bytes > SLOTQ_TYPE_BYTES_MAX) {
        return refuse(queue, "the task's type has too %s bytes: %d to %d are possible",
                      size->type_bytes < SLOTQ_TYPE_BYTES_MIN ? "few" : "many",
                      SLOTQ_TYPE_BYTES_MIN, SLOTQ_TYPE_BYTES_MAX);
    }
    const uint32_t at = frame_type_span(task->type, size->type_bytes); /* a number, no raw byte */
    return refuse(queue,
                  "byte %u of the task's type is 0x%02x: a type begins with a letter or a digit "
                  "(ASCII), and goes on with these and _ . : / -",
                  (unsigned)at + 1, (unsigned)(uint8_t)task->type[at]);
}

static bool judge_frame(slotq *queue, const slotq_task_spec *task, frame_size *size)
{
    const frame_fault fault = frame_measure(task, size);
    const unsigned header = (unsigned)size->header + 1;
    switch (fault) {
    case FRAME_FITS:
        return true;
    case FRAME_NO_TYPE:
        return refuse(queue, "the task has no type: it is NULL");
    case FRAME_TYPE_BYTES:
    case FRAME_TYPE_CHARACTER:
        return refuse_type(queue, task, size);
    case FRAME_NO_BODY:
        return refuse(queue, "the task has a body_bytes, but its body is NULL");
    case FRAME_HEADER_COUNT:
        return refuse(queue, "the task has %u headers: up to %d are possible%s",
                      (unsigned)task->header_count, SLOTQ_HEADERS_MAX,
                      task->headers == NULL ? ", and headers must not be NULL" : "");
    case FRAME_HEADER_NAME:
        return refuse(queue, "header %u of the task has no name of 1 to %d of a-z, 0-9 and -",
                      header, SLOTQ_HEADER_NAME_BYTES_MAX);
    case FRAME_HEADER_VALUE:
        return refuse(queue,
                      "header %u of the task has a value with a NUL in it, or one that is "
                      "NULL",
                      header);
    case FRAME_HEADER_BYTES:
        return refuse(queue,
                      "header %u of the task is too long: all headers together have at most "
                      "%d bytes",
                      header, SLOTQ_HEADER_BYTES_MAX);
    case FRAME_BYTES:
        break;
    }
    return refuse(queue, "the task has 4 GiB or more");
}

static bool judge_reserved(slotq *queue, const slotq_task_spec *task)
{
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof task->reserved / sizeof task->reserved[0]; i++) {
        any |= task->reserved[i];
    }
    return any == 0 || refuse(queue, "a reserved field of the task is not 0: initialise the struct "
                                     "with named fields");
}

static bool take_time(slotq *queue, const slotq_task_spec *task, slotq_push_options *options)
{
    if (task->in_ms != 0 && task->at_ms != 0) {
        return refuse(queue, "the task has in_ms and at_ms: give one of them");
    }
    if (task->not_past && task->at_ms == 0) {
        return refuse(queue, "the task has not_past, but no at_ms");
    }
    options->flags = task->not_past ? SLOTQ_NOT_PAST : 0;
    options->due_ms = task->at_ms;
    if (task->in_ms != 0) {
        const uint64_t now_ms = slotq_now_ms(queue);
        if (now_ms > SLOTQ_NOW_MS_MAX || task->in_ms > SLOTQ_NOW_MS_MAX - now_ms) {
            return refuse(queue,
                          "an in_ms of %llu ms from now is out of range: the last possible time is "
                          "%llu ms since 1970",
                          (unsigned long long)task->in_ms, (unsigned long long)SLOTQ_NOW_MS_MAX);
        }
        options->due_ms = now_ms + task->in_ms;
    }
    options->wait_ms = task->wait_ms;
    return true;
}

static bool take_key(slotq *queue, const slotq_task_spec *task, slotq_push_options *options,
                     uint64_t *key)
{
    if (task->key == NULL) {
        return (task->key_bytes == 0 && task->key_mode == SLOTQ_KEY_NONE) ||
               refuse(queue, "the task has a key_bytes or key_mode, but its key is NULL");
    }
    if (task->key_bytes == 0) {
        return refuse(queue, "the task's key is empty: a key has at least one byte");
    }
    *key = slotq_key(task->key, task->key_bytes);
    options->keys = key;
    options->key_mode = task->key_mode;
    return true;
}

static slotq_outcome push_bytes(slotq *queue, const void *bytes, uint32_t size,
                                const slotq_push_options *options, uint64_t *id)
{
    const slotq_data message = {bytes, size};
    slotq_pushed pushed;
    const slotq_outcome outcome = slotq_push_with(queue, &message, 1, options, &pushed);
    if (id != NULL && (outcome == SLOTQ_OK || outcome == SLOTQ_UNCONFIRMED)) {
        *id = pushed.first_id;
    }
    if (id != NULL && outcome == SLOTQ_DUPLICATE) {
        *id = pushed.holder.id;
    }
    return outcome;
}

slotq_outcome slotq_task_push(slotq *queue, const slotq_task_spec *task, uint64_t *id)
{
    char on_stack[STACK_BYTES];
    slotq_push_options options = {0};
    frame_size size;
    uint64_t key = 0;
    if (queue == NULL || task == NULL) {
        return slotq_set_error(queue, SLOTQ_INVALID, "a required pointer is NULL");
    }
    if (!judge_frame(queue, task, &size) || !judge_reserved(queue, task) ||
        !take_time(queue, task, &options) || !take_key(queue, task, &options, &key)) {
        return SLOTQ_INVALID;
    }
    if (task->body_bytes > SLOTQ_PAYLOAD_BYTES_MAX) { /* no queue takes it: ask for the refusal */
        return push_bytes(queue, task->body, task->body_bytes, &options, id);
    }
    char *frame = size.bytes <= sizeof on_stack ? on_stack : malloc(size.bytes);
    if (frame == NULL) {
        return slotq_set_error(queue, SLOTQ_NOMEMORY,
                               "there is no memory for the frame. Nothing was pushed.");
    }
    slotq_frame_write(task, frame, size.bytes);
    const slotq_outcome outcome = push_bytes(queue, frame, size.bytes, &options, id);
    if (frame != on_stack) {
        free(frame);
    }
    return outcome;
}
