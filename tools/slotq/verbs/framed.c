/* framed.c: see framed.h.
 */
#include "framed.h"

#include <stdlib.h>
#include <string.h>

#include "../line/values.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "slotq_frame.h"

static int complain_header(const char *text)
{
    complain("--header %.60s: must be NAME=VALUE, the name 1 to %d of a-z, 0-9 and -",
             plain_word(text).text, SLOTQ_HEADER_NAME_BYTES_MAX);
    return EXIT_CODE_USAGE;
}

/* Reserved names (slotq_frame.h): a worker ignores a value that it cannot read. */
static int judge_reserved(const char *name, const char *value)
{
    uint64_t number = 0;
    const bool is_number = parse_count(value, &number) && number != 0;
    if (strcmp(name, "due") == 0 && !(is_number && number <= SLOTQ_NOW_MS_MAX)) {
        complain("--header due=%.60s: must be milliseconds since 1970; it delays nothing: --at and "
                 "--in do",
                 plain_word(value).text);
        return EXIT_CODE_USAGE;
    }
    if (strcmp(name, "attempts-most") == 0 &&
        !(is_number && number <= SLOTQ_MAX_ATTEMPTS_MAX && strlen(value) <= 2)) {
        complain("--header attempts-most=%.60s: must be a number, 1 to %d", plain_word(value).text,
                 SLOTQ_MAX_ATTEMPTS_MAX);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

/* One header of the line; its name is copied into name. */
static int read_header(const char *text, char name[SLOTQ_HEADER_NAME_BYTES_MAX + 1],
                       slotq_header *header)
{
    const size_t name_bytes = strcspn(text, "=");
    if (text[name_bytes] == '\0' || name_bytes > SLOTQ_HEADER_NAME_BYTES_MAX) {
        return complain_header(text);
    }
    const char *value = text + name_bytes + 1;
    const size_t value_bytes = strlen(value);
    if (value_bytes > SLOTQ_HEADER_BYTES_MAX) {
        complain("--header %.40s: a value of %s bytes; all headers together have at most %s",
                 plain_word(text).text, count_text(value_bytes).text,
                 count_text(SLOTQ_HEADER_BYTES_MAX).text);
        return EXIT_CODE_USAGE;
    }
    memcpy(name, text, name_bytes);
    name[name_bytes] = '\0';
    *header = (slotq_header){name, value, (uint32_t)value_bytes};
    /* This header alone, with a type that is good. */
    const slotq_task_spec probe = {.type = "ab", .headers = header, .header_count = 1};
    return slotq_frame_write(&probe, NULL, 0) != 0 ||
                   value_bytes + name_bytes + 2 > SLOTQ_HEADER_BYTES_MAX
               ? judge_reserved(name, value)
               : complain_header(text);
}

static int complain_type(const char *type)
{
    complain("--type %.70s: must be %d to %d bytes: letters, digits, _ . : / -, the first a letter "
             "or a digit",
             plain_word(type).text, SLOTQ_TYPE_BYTES_MIN, SLOTQ_TYPE_BYTES_MAX);
    return EXIT_CODE_USAGE;
}

/* The frame without its body. */
static int make_frame(framer *self, slotq_task_spec *task)
{
    self->frame_bytes = slotq_frame_write(task, NULL, 0);
    if (self->frame_bytes == 0) {
        task->header_count = 0;
        if (slotq_frame_write(task, NULL, 0) == 0) {
            return complain_type(task->type);
        }
        complain("--header: all headers together have at most %s bytes, names, = and an end each "
                 "included",
                 count_text(SLOTQ_HEADER_BYTES_MAX).text);
        return EXIT_CODE_USAGE;
    }
    self->bytes = malloc((size_t)self->frame_bytes + SLOTQ_PAYLOAD_BYTES_MAX);
    if (self->bytes == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    slotq_frame_write(task, self->bytes, self->frame_bytes);
    return EXIT_CODE_OK;
}

int framer_open(framer *self, const command_line *line, const slotq_geometry *geometry)
{
    char names[SLOTQ_HEADERS_MAX][SLOTQ_HEADER_NAME_BYTES_MAX + 1];
    slotq_header headers[SLOTQ_HEADERS_MAX];
    slotq_task_spec task = {.type = line->options[OPTION_TYPE].text, .headers = headers};
    *self = (framer){NULL, 0};
    if (!given(line, OPTION_TYPE)) {
        if (given(line, OPTION_HEADER)) {
            complain("--header is about a task: give --type TYPE");
        }
        return given(line, OPTION_HEADER) ? EXIT_CODE_USAGE : EXIT_CODE_OK;
    }
    if (line->text_count > SLOTQ_HEADERS_MAX) {
        complain("--header is given %d times; a task has up to %d headers", line->text_count,
                 SLOTQ_HEADERS_MAX);
        return EXIT_CODE_USAGE;
    }
    for (int i = 0; i < line->text_count; i++) {
        const int code = read_header(line->texts[i], names[i], &headers[i]);
        if (code != EXIT_CODE_OK) {
            return code;
        }
    }
    task.header_count = (uint32_t)line->text_count;
    const int code = make_frame(self, &task);
    if (code == EXIT_CODE_OK && self->frame_bytes > geometry->payload_bytes) {
        complain("the frame (--type, --header) has %s bytes, and %s takes at most %s per message "
                 "(fixed by create --payload)",
                 count_text(self->frame_bytes).text, line->operands[0],
                 count_text(geometry->payload_bytes).text);
        return EXIT_CODE_USAGE;
    }
    return code;
}

void framer_close(framer *self)
{
    free(self->bytes);
    self->bytes = NULL;
}

const void *framer_join(framer *self, const void *body, size_t size)
{
    if (self->bytes == NULL) {
        return body;
    }
    if (size != 0) {
        memcpy(self->bytes + self->frame_bytes, body, size);
    }
    return self->bytes;
}
