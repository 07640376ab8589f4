/* output.h: data on stdout: payloads, JSON lines, colour. Knows no queue.
 */
#ifndef SLOTQ_TOOLS_SAY_OUTPUT_H
#define SLOTQ_TOOLS_SAY_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* stdout is a terminal: tables, and no raw bytes. */
bool output_is_terminal(void);
/* Columns of the terminal; 80 when that is not known. */
unsigned output_columns(void);

/* Payload bytes as they are, or on a terminal with control and non-UTF-8 bytes as \xNN and cut
 * after most_columns (0 = not cut). */
void output_payload(const void *bytes, size_t size, unsigned most_columns);

/* Set the bytes under name where they are UTF-8, else under base64_name. */
void output_json_bytes(json_t *object, const char *name, const char *base64_name, const void *bytes,
                       size_t size);
/* Set "payload", or "payload_base64" where the bytes are not UTF-8. */
void output_json_payload(json_t *object, const void *bytes, size_t size);
/* The same for a note, under "note" or "note_base64"; nothing where it is empty. */
void output_json_note(json_t *object, const void *bytes, size_t size);
/* A note for people, in a pipe too: what is not visible or not UTF-8 is written as \\xNN. Cut to
 * most columns; 0 = all. */
void output_note(const void *bytes, size_t size, unsigned most_columns);
/* An id, or a later id: a number, or a string ("3-1042") of a sharded queue. */
json_t *output_json_id(uint64_t id);
/* An object that begins with "queue", or "queue_base64" where the name is not UTF-8. */
json_t *output_json_queue(const char *name);
/* Print the one with the other's members behind its own; both are given free. */
void output_json_merged(json_t *object, json_t *more);
/* Print as one line and give the object free. NULL (no memory) ends the process. */
void output_json(json_t *object);

/* Text and a newline; on a terminal broken between words, with the later lines indented. The first
 * line has used columns before it. */
void output_wrapped(const char *text, unsigned used, unsigned indent);

/* Terminal sequences, empty where there is no terminal or under NO_COLOR. */
const char *output_bold(void);
const char *output_red(void);
const char *output_green(void);
const char *output_dim(void);
const char *output_plain(void);

/* What is printed from here on tells of a change that was made: said when it cannot be printed. The
 * last text counts; NULL: what was asked for was done. */
void output_done(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Say why stdout takes no more, by errno, but once only. EXIT_CODE_FAILURE. */
int output_failed(void);
/* Flush stdout; EXIT_CODE_FAILURE said when it could not all be written, else code. */
int output_finish(int code);

/* Ask on the terminal; true for yes. Without a terminal on stdin, or when the caller has said yes
 * already, true. */
bool output_confirm(bool said_yes, const char *question);

#endif
