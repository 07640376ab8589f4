/* texts.h: numbers, times, sizes, names and URLs as text for people and for shells. Pure: no
 * output, no queue.
 */
#ifndef SLOTQ_TOOLS_SAY_TEXTS_H
#define SLOTQ_TOOLS_SAY_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct value_text {
    char text[48];
} value_text;

/* An id, or a later id: 1042, or 3-1042 of a sharded queue. */
value_text id_text(uint64_t id);
/* 1234567 as 1,234,567. */
value_text count_text(uint64_t value);
/* A length of time for people: 0 ms, 350 ms, 1.5 s, 2 m 3 s, 4 h 5 m, 3 d 2 h. */
value_text time_text(uint64_t value_ms);
/* A rate's interval as messages per second, minute, hour or day: 100/s; else 1/TIME. 0: - */
value_text rate_text(uint64_t interval_us);
/* A short length of time for people, three digits: 13.5 ns, 240 us, 1.20 ms, 2.50 s. */
value_text fine_time_text(double ns);
/* A reason of death: "reason 7", or words where slotq gave it. 1 to 119 are the handlers'. */
value_text reason_text(unsigned reason);
/* Bytes for people: 512 B, 12.3 KiB, 4.5 MiB. */
value_text bytes_text(uint64_t bytes);
/* A moment, RFC 3339 in UTC with milliseconds; "-" for 0. */
value_text moment_text(uint64_t ms);
/* The same where 0 is a moment, too. */
value_text any_moment_text(uint64_t ms);

typedef struct word_text {
    char text[1024];
} word_text;

/* A name or URL as a word that a shell reads back: as it is, or quoted; cut where too long. */
word_text shell_word(const char *text);
/* The same for people to read: control bytes and bytes that are not UTF-8 as \\xNN. */
word_text plain_word(const char *text);
/* A URL without its password: *** stands for it. */
word_text shown_url(const char *url);
/* Bytes of the visible UTF-8 character at bytes; 0 = it is none. */
size_t visible_bytes(const uint8_t *bytes, size_t size);
/* Bytes of text when it is cut to most bytes at the edge of a UTF-8 character. */
size_t cut_bytes(const char *text, size_t size, size_t most);
/* Columns of a terminal that such a character takes: 1, or 2 where it is wide. */
int character_columns(const uint8_t *bytes, size_t length);
/* Columns that plain_word's text takes. */
int columns_of(const char *text);

/* "no", "in", "out, closed": what a queue refuses, of slotq_stats.paused. Static. */
const char *paused_text(uint8_t paused);

#endif
