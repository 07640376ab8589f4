/* records.c: cuts a stream of bytes into records (records.h). Does no input or output, and
 * allocates no memory.
 */
#include "records.h"

#include <string.h>

void record_reader_start(record_reader *reader, record_mode mode, size_t limit_bytes, uint8_t *part)
{
    memset(reader, 0, sizeof *reader);
    reader->mode = mode;
    reader->limit_bytes = limit_bytes;
    reader->part = part;
    reader->begun = mode == RECORD_WHOLE;
}

void record_reader_feed(record_reader *reader, const void *bytes, size_t size)
{
    reader->input = bytes;
    reader->input_bytes = size;
}

void record_reader_finish(record_reader *reader)
{
    reader->finished = true;
}

size_t record_reader_pending(const record_reader *reader)
{
    return reader->part_bytes + reader->over_bytes;
}

/* Keep the first size bytes of the input as a part of the record that has begun. */
static void keep(record_reader *reader, size_t size)
{
    if (size == 0) {
        return;
    }
    const size_t room = reader->limit_bytes - reader->part_bytes;
    const size_t kept = size < room ? size : room;
    if (kept != 0) {
        memcpy(reader->part + reader->part_bytes, reader->input, kept);
    }
    reader->part_bytes += kept;
    reader->over_bytes += size - kept;
    reader->input += size;
    reader->input_bytes -= size;
    reader->begun = true;
}

/* The record that has begun ends here, after the first size bytes of the input. */
static record_answer end_record(record_reader *reader, size_t size, record *next)
{
    const size_t total = record_reader_pending(reader) + size;
    next->number = ++reader->number;
    next->size = total;
    next->bytes = NULL;
    if (total > reader->limit_bytes) {
        reader->input = size != 0 ? reader->input + size : reader->input;
        reader->input_bytes -= size;
    } else if (reader->part_bytes == 0) { /* all in the input: no copy */
        next->bytes = reader->input;
        reader->input = size != 0 ? reader->input + size : reader->input;
        reader->input_bytes -= size;
    } else {
        keep(reader, size);
        next->bytes = reader->part;
    }
    reader->part_bytes = 0;
    reader->over_bytes = 0;
    reader->begun = false;
    return total > reader->limit_bytes ? RECORD_TOO_LONG : RECORD_READY;
}

record_answer record_reader_next(record_reader *reader, record *next)
{
    if (reader->mode != RECORD_WHOLE && reader->input_bytes != 0) {
        const int ender = reader->mode == RECORD_LINES ? '\n' : '\0';
        const uint8_t *found = memchr(reader->input, ender, reader->input_bytes);
        if (found != NULL) {
            const record_answer answer = end_record(reader, (size_t)(found - reader->input), next);
            reader->input++; /* the ender itself */
            reader->input_bytes--;
            return answer;
        }
    }
    keep(reader, reader->input_bytes);
    if (!reader->finished) {
        return RECORD_NEED_MORE;
    }
    return reader->begun ? end_record(reader, 0, next) : RECORD_END;
}
