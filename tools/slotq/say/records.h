/* records.h: cuts a stream of bytes into records: lines, NUL-ended ones, or the whole stream.
 * Pure: knows neither files nor queues; memory is the caller's, no byte is kept but a part.
 */
#ifndef SLOTQ_TOOLS_SAY_RECORDS_H
#define SLOTQ_TOOLS_SAY_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What ends a record. The last record of a stream needs no end. A newline or NUL that ends a
 * record is not part of it; nothing else is changed, so an empty line is an empty record. */
typedef enum record_mode {
    RECORD_LINES, /* a newline */
    RECORD_NULS,  /* a NUL */
    RECORD_WHOLE  /* the end of the stream: always one record, an empty one too */
} record_mode;

typedef enum record_answer {
    RECORD_READY,     /* here is one */
    RECORD_NEED_MORE, /* feed more bytes, or finish */
    RECORD_TOO_LONG,  /* here is one over the limit: its number and size, no bytes */
    RECORD_END        /* finished, and nothing is left */
} record_answer;

typedef struct record {
    const uint8_t *bytes; /* valid until the next call with this reader */
    size_t size;
    uint64_t number; /* 1 for the first record of the stream */
} record;

/* Set up by record_reader_start; the fields are the reader's own. */
typedef struct record_reader {
    record_mode mode;
    size_t limit_bytes;
    uint8_t *part; /* of a record that spans feeds */
    size_t part_bytes;
    size_t over_bytes; /* of a record over the limit, counted and thrown away */
    const uint8_t *input;
    size_t input_bytes;
    uint64_t number;
    bool begun; /* a record has begun that has not ended */
    bool finished;
} record_reader;

/* part: room for limit_bytes bytes (may be NULL when that is 0), borrowed until the end. */
void record_reader_start(record_reader *reader, record_mode mode, size_t limit_bytes,
                         uint8_t *part);

/* Give the next bytes of the stream, after RECORD_NEED_MORE (or at the start). Borrowed until
 * the next RECORD_NEED_MORE. */
void record_reader_feed(record_reader *reader, const void *bytes, size_t size);

/* Say that the stream has ended. */
void record_reader_finish(record_reader *reader);

/* The next record, or what is missing. */
record_answer record_reader_next(record_reader *reader, record *next);

/* Bytes so far of a record that has begun but not ended; may be over the limit. */
size_t record_reader_pending(const record_reader *reader);

#endif
