/* frame.c: payloads as frames: type, headers and body to bytes, and back (slotq_frame.h). Pure: no
 * allocation, no clock. Each loop ends with the payload, or with a limit of the format.
 */
#include "frame.h"

#include <string.h>

enum { MAY_BEGIN_TYPE = 1, MAY_BE_IN_TYPE = 2, MAY_BE_IN_NAME = 4, DIGIT = 8 };

#define LETTER (MAY_BEGIN_TYPE | MAY_BE_IN_TYPE)
#define SMALL (LETTER | MAY_BE_IN_NAME)
#define FIGURE (SMALL | DIGIT)
#define TEN(from, what)                                                                            \
    [from] = what, [from + 1] = what, [from + 2] = what, [from + 3] = what, [from + 4] = what,     \
    [from + 5] = what, [from + 6] = what, [from + 7] = what, [from + 8] = what, [from + 9] = what

/* What each byte may be. */
static const uint8_t kinds[256] = {
    TEN('0', FIGURE),       TEN('A', LETTER),
    TEN('K', LETTER),       ['U'] = LETTER,
    ['V'] = LETTER,         ['W'] = LETTER,
    ['X'] = LETTER,         ['Y'] = LETTER,
    ['Z'] = LETTER,         TEN('a', SMALL),
    TEN('k', SMALL),        ['u'] = SMALL,
    ['v'] = SMALL,          ['w'] = SMALL,
    ['x'] = SMALL,          ['y'] = SMALL,
    ['z'] = SMALL,          ['_'] = MAY_BE_IN_TYPE,
    ['.'] = MAY_BE_IN_TYPE, [':'] = MAY_BE_IN_TYPE,
    ['/'] = MAY_BE_IN_TYPE, ['-'] = MAY_BE_IN_TYPE | MAY_BE_IN_NAME,
};

static bool is_kind(char byte, uint8_t kind)
{
    return (kinds[(uint8_t)byte] & kind) != 0;
}

uint32_t frame_type_span(const char *text, uint32_t most)
{
    uint32_t span = 0;
    if (most == 0 || !is_kind(text[0], MAY_BEGIN_TYPE)) {
        return 0;
    }
    while (span < most && is_kind(text[span], MAY_BE_IN_TYPE)) {
        span++;
    }
    return span;
}

/* Bytes of the type that text begins with, followed by 00 within size; 0 = none. */
static uint32_t type_at(const char *text, uint32_t size)
{
    const uint32_t most = size < SLOTQ_TYPE_BYTES_MAX ? size : SLOTQ_TYPE_BYTES_MAX;
    const uint32_t span = frame_type_span(text, most);
    return span >= SLOTQ_TYPE_BYTES_MIN && span < size && text[span] == '\0' ? span : 0;
}

static uint32_t name_span(const char *text, uint32_t most)
{
    uint32_t span = 0;
    while (span < most && is_kind(text[span], MAY_BE_IN_NAME)) {
        span++;
    }
    return span;
}

/* ---- read ---- */

/* Where the headers of form B are read. */
typedef struct header_reader {
    const char *at;
    uint32_t left;  /* bytes of the payload from here on */
    uint32_t bytes; /* of headers so far */
    uint32_t count;
} header_reader;

typedef struct header_found {
    const char *name;
    const char *value;
    uint32_t name_bytes;
    uint32_t value_bytes;
} header_found;

typedef enum header_answer { HEADER_READY, HEADER_END, HEADER_BROKEN } header_answer;

/* At HEADER_END the reader stands at the body. */
static header_answer header_next(header_reader *from, header_found *found)
{
    if (from->left == 0) {
        return HEADER_BROKEN;
    }
    if (from->at[0] == '\0') {
        from->at++;
        from->left--;
        return HEADER_END;
    }
    const uint32_t room = SLOTQ_HEADER_BYTES_MAX - from->bytes;
    const uint32_t most = from->left < room ? from->left : room;
    const char *end = memchr(from->at, '\0', most);
    if (end == NULL || from->count == SLOTQ_HEADERS_MAX) {
        return HEADER_BROKEN;
    }
    const uint32_t size = (uint32_t)(end - from->at);
    const uint32_t name_bytes = name_span(from->at, size);
    if (name_bytes == 0 || name_bytes > SLOTQ_HEADER_NAME_BYTES_MAX || name_bytes == size ||
        from->at[name_bytes] != '=') {
        return HEADER_BROKEN;
    }
    found->name = from->at;
    found->name_bytes = name_bytes;
    found->value = from->at + name_bytes + 1;
    found->value_bytes = size - name_bytes - 1;
    from->at += size + 1;
    from->left -= size + 1;
    from->bytes += size + 1;
    from->count++;
    return HEADER_READY;
}

static bool has_name(const header_found *header, const char *name, size_t name_bytes)
{
    return header->name_bytes == name_bytes && memcmp(header->name, name, name_bytes) == 0;
}

/* A number of milliseconds in decimal; what is not one is unknown, as if there were no header. */
static uint64_t read_due_ms(const header_found *header)
{
    uint64_t due_ms = 0;
    for (uint32_t i = 0; i < header->value_bytes; i++) {
        if (!is_kind(header->value[i], DIGIT)) {
            return 0;
        }
        due_ms = due_ms * 10 + (uint64_t)(header->value[i] - '0');
        if (due_ms > SLOTQ_NOW_MS_MAX) {
            return 0;
        }
    }
    return due_ms;
}

/* The reader at the headers of a payload that begins with the mark; false: it has no type. */
static bool headers_begin(const char *payload, uint32_t bytes, header_reader *reader,
                          uint32_t *type_bytes)
{
    *type_bytes = type_at(payload + 1, bytes - 1);
    const uint32_t begun = 1 + *type_bytes + 1;
    if (*type_bytes == 0) {
        return false;
    }
    *reader = (header_reader){.at = payload + begun, .left = bytes - begun};
    return true;
}

static frame_form read_marked(const char *payload, uint32_t bytes, slotq_task_info *info)
{
    header_reader reader;
    header_found header;
    header_answer answer;
    uint32_t type_bytes;
    uint64_t due_ms = 0;
    bool has_due = false;
    if (!headers_begin(payload, bytes, &reader, &type_bytes)) {
        return FRAME_BROKEN;
    }
    while ((answer = header_next(&reader, &header)) == HEADER_READY) {
        if (!has_due && has_name(&header, "due", 3)) {
            has_due = true;
            due_ms = read_due_ms(&header);
        }
    }
    if (answer == HEADER_BROKEN) {
        return FRAME_BROKEN;
    }
    info->type = payload + 1;
    info->type_bytes = type_bytes;
    info->body = reader.at;
    info->body_bytes = reader.left;
    info->due_ms = due_ms;
    return FRAME_B;
}

frame_form frame_read(const void *payload, uint32_t bytes, slotq_task_info *info)
{
    frame_read_plain(payload, bytes, info);
    if (payload == NULL || bytes == 0) {
        return FRAME_PLAIN;
    }
    if (*(const char *)payload == FRAME_MARK) {
        return read_marked(payload, bytes, info);
    }
    const uint32_t type_bytes = type_at(payload, bytes);
    if (type_bytes == 0) {
        return FRAME_PLAIN;
    }
    frame_read_typed(payload, bytes, type_bytes, info);
    return FRAME_A;
}

slotq_outcome slotq_frame_read(const void *payload, uint32_t bytes, slotq_task_info *info)
{
    if (info == NULL || (payload == NULL && bytes != 0)) {
        return SLOTQ_INVALID;
    }
    *info = (slotq_task_info){0};
    switch (frame_read(payload, bytes, info)) {
    case FRAME_A:
    case FRAME_B:
        return SLOTQ_OK;
    case FRAME_PLAIN:
        return SLOTQ_EMPTY;
    default:
        return SLOTQ_INVALID;
    }
}

bool slotq_frame_header(const void *payload, uint32_t bytes, const char *name, const void **value,
                        uint32_t *value_bytes)
{
    slotq_task_info whole;
    header_reader reader;
    header_found header;
    uint32_t type_bytes;
    if (name == NULL || frame_read(payload, bytes, &whole) != FRAME_B ||
        !headers_begin(payload, bytes, &reader, &type_bytes)) {
        return false;
    }
    const size_t name_bytes = strnlen(name, SLOTQ_HEADER_NAME_BYTES_MAX + 1);
    while (header_next(&reader, &header) == HEADER_READY) {
        if (!has_name(&header, name, name_bytes)) {
            continue;
        }
        if (value != NULL) {
            *value = header.value;
        }
        if (value_bytes != NULL) {
            *value_bytes = header.value_bytes;
        }
        return true;
    }
    return false;
}

/* ---- write ---- */

static frame_fault measure_header(const slotq_header *header, uint32_t *bytes)
{
    if (header->name == NULL) {
        return FRAME_HEADER_NAME;
    }
    const uint32_t name_bytes = (uint32_t)strnlen(header->name, SLOTQ_HEADER_NAME_BYTES_MAX + 1);
    if (name_bytes == 0 || name_bytes > SLOTQ_HEADER_NAME_BYTES_MAX ||
        name_span(header->name, name_bytes) != name_bytes) {
        return FRAME_HEADER_NAME;
    }
    if (header->bytes > SLOTQ_HEADER_BYTES_MAX) {
        return FRAME_HEADER_BYTES;
    }
    if (header->bytes != 0 &&
        (header->value == NULL || memchr(header->value, '\0', header->bytes) != NULL)) {
        return FRAME_HEADER_VALUE;
    }
    *bytes = name_bytes + 1 + header->bytes + 1;
    return FRAME_FITS;
}

static frame_fault measure_headers(const slotq_task_spec *task, uint32_t *bytes, uint32_t *at)
{
    if (task->header_count > SLOTQ_HEADERS_MAX ||
        (task->header_count != 0 && task->headers == NULL)) {
        return FRAME_HEADER_COUNT;
    }
    for (*at = 0; *at < task->header_count; (*at)++) {
        uint32_t one;
        const frame_fault fault = measure_header(&task->headers[*at], &one);
        if (fault != FRAME_FITS) {
            return fault;
        }
        *bytes += one; /* each at most about 1,060 */
        if (*bytes > SLOTQ_HEADER_BYTES_MAX) {
            return FRAME_HEADER_BYTES;
        }
    }
    return FRAME_FITS;
}

frame_fault frame_measure(const slotq_task_spec *task, frame_size *size)
{
    uint32_t header_bytes = 0;
    *size = (frame_size){0};
    if (task->type == NULL) {
        return FRAME_NO_TYPE;
    }
    size->type_bytes = (uint32_t)strnlen(task->type, SLOTQ_TYPE_BYTES_MAX + 1);
    if (size->type_bytes < SLOTQ_TYPE_BYTES_MIN || size->type_bytes > SLOTQ_TYPE_BYTES_MAX) {
        return FRAME_TYPE_BYTES;
    }
    if (frame_type_span(task->type, size->type_bytes) != size->type_bytes) {
        return FRAME_TYPE_CHARACTER;
    }
    if (task->body == NULL && task->body_bytes != 0) {
        return FRAME_NO_BODY;
    }
    const frame_fault fault = measure_headers(task, &header_bytes, &size->header);
    if (fault != FRAME_FITS) {
        return fault;
    }
    const uint64_t mark_bytes = task->header_count != 0 ? 2 : 0; /* 01, and the 00 at the end */
    const uint64_t bytes =
        mark_bytes + size->type_bytes + 1 + header_bytes + (uint64_t)task->body_bytes;
    size->bytes = (uint32_t)bytes;
    return bytes > UINT32_MAX ? FRAME_BYTES : FRAME_FITS;
}

static char *put(char *at, const void *bytes, uint32_t size)
{
    if (size != 0) {
        memcpy(at, bytes, size);
    }
    return at + size;
}

static char *put_byte(char *at, char byte)
{
    *at = byte;
    return at + 1;
}

static char *put_headers(char *at, const slotq_task_spec *task)
{
    for (uint32_t i = 0; i < task->header_count; i++) {
        const slotq_header *header = &task->headers[i];
        at = put(at, header->name, (uint32_t)strlen(header->name));
        at = put_byte(at, '=');
        at = put(at, header->value, header->bytes);
        at = put_byte(at, '\0');
    }
    return put_byte(at, '\0');
}

uint32_t slotq_frame_write(const slotq_task_spec *task, void *buffer, uint32_t bytes)
{
    frame_size size;
    if (task == NULL || (buffer == NULL && bytes != 0) ||
        frame_measure(task, &size) != FRAME_FITS) {
        return 0;
    }
    if (buffer != NULL && size.bytes <= bytes) {
        const bool is_marked = task->header_count != 0;
        char *at = is_marked ? put_byte(buffer, FRAME_MARK) : buffer;
        at = put(at, task->type, size.type_bytes + 1);
        at = is_marked ? put_headers(at, task) : at;
        put(at, task->body, task->body_bytes);
    }
    return size.bytes;
}
