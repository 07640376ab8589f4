/* fuzz_records.c: the command's record splitter against a naive one: the same records however
 * the stream is cut into feeds. Input: mode, limit, length of the feeds, the stream.
 */
#include <stdlib.h>
#include <string.h>

#include "../tools/slotq/say/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRONT_BYTES = 3, LIMIT_MAX = 40 };

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

/* The stream as a whole, and where the naive splitter stands in it. */
typedef struct naive {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    uint64_t number;
    record_mode mode;
} naive;

/* The next record; false: none is left. */
static bool naive_next(naive *from, record *next)
{
    const uint8_t end = from->mode == RECORD_LINES ? '\n' : 0;
    size_t length = 0;
    if (from->mode == RECORD_WHOLE ? from->number > 0 : from->at == from->size) {
        return false;
    }
    while (from->at + length < from->size &&
           (from->mode == RECORD_WHOLE || from->bytes[from->at + length] != end)) {
        length++;
    }
    next->bytes = from->bytes + from->at;
    next->size = length;
    next->number = ++from->number;
    from->at += length + (from->at + length < from->size ? 1 : 0);
    return true;
}

/* Feed after feed, each in a separate block that ends with it. */
static void split(naive *expected, size_t limit, size_t feed_bytes)
{
    uint8_t part[LIMIT_MAX + 1];
    uint8_t *feed = NULL;
    size_t fed = 0;
    record_reader reader;
    record_reader_start(&reader, expected->mode, limit, part);
    for (;;) {
        record next;
        record right;
        const record_answer answer = record_reader_next(&reader, &next);
        if (answer == RECORD_NEED_MORE) {
            const size_t left = expected->size - fed;
            const size_t now = left < feed_bytes ? left : feed_bytes;
            if (now == 0) {
                record_reader_finish(&reader);
                continue;
            }
            free(feed);
            feed = malloc(now);
            require(feed != NULL);
            memcpy(feed, expected->bytes + fed, now);
            record_reader_feed(&reader, feed, now);
            fed += now;
            continue;
        }
        const bool there = naive_next(expected, &right);
        require(there == (answer != RECORD_END));
        if (!there) {
            break;
        }
        require(next.size == right.size && next.number == right.number);
        require((answer == RECORD_TOO_LONG) == (right.size > limit));
        require(answer == RECORD_TOO_LONG || right.size == 0 ||
                memcmp(next.bytes, right.bytes, right.size) == 0);
    }
    free(feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < FRONT_BYTES) {
        return 0;
    }
    naive expected = {data + FRONT_BYTES, size - FRONT_BYTES, 0, 0, (record_mode)(data[0] % 3)};
    split(&expected, data[1] % LIMIT_MAX, 1 + data[2] % 17u);
    return 0;
}
