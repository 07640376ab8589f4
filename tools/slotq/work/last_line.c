/* last_line.c: see last_line.h.
 */
#include "last_line.h"

#include <string.h>

#include "../say/texts.h"

static bool is_space(char letter)
{
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static size_t spaces_before(const char *bytes, size_t size)
{
    size_t count = 0;
    while (count < size && is_space(bytes[count])) {
        count++;
    }
    return count;
}

/* A piece of one line. A blank line leaves the one before it. */
static void add_piece(last_line *line, const char *bytes, size_t size)
{
    if (line->is_over || line->size == 0) {
        const size_t spaces = spaces_before(bytes, size);
        if (spaces == size) {
            return;
        }
        bytes += spaces;
        size -= spaces;
        line->size = 0;
        line->is_over = false;
    }
    const size_t room = sizeof line->bytes - line->size;
    size = size < room ? size : room;
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
}

void last_line_add(last_line *line, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        const size_t piece = newline != NULL ? (size_t)(newline - bytes) : size;
        add_piece(line, bytes, piece);
        line->is_over = line->is_over || newline != NULL;
        const size_t passed = piece + (newline != NULL);
        bytes += passed;
        size -= passed;
    }
}

slotq_data last_line_text(const last_line *line, size_t most)
{
    size_t size = cut_bytes(line->bytes, line->size, most);
    while (size > 0 && is_space(line->bytes[size - 1])) {
        size--;
    }
    return (slotq_data){line->bytes, (uint32_t)size};
}
