/* fuzz_batches.c: the batch calls on an arbitrary image, in any order, on two batches: no crash,
 * each call ends, and what was sound stays sound. Input: 1 byte, the number of moves; 3 bytes a
 * move; then an overlay.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/slotq.h"
#include "overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOVE_BYTES = 3, MOVES_MOST = 48, IMAGE_BYTES_MOST = 1 << 14, ALIGNMENT = 16 };

static uint64_t now_ms;

static uint64_t clock_of_moves(void *context)
{
    (void)context;
    return now_ms;
}

static void require(int rule)
{
    if (!rule) {
        abort();
    }
}

/* Walk some messages; their payloads must be readable to the last byte. */
static uint64_t walk(slotq_batch *batch, unsigned count)
{
    slotq_message message;
    uint64_t id = 0;
    static volatile uint8_t seen; /* so that no load is left out */
    for (unsigned i = 0; i < count && slotq_batch_next(batch, &message); i++) {
        for (uint32_t at = 0; at < message.payload_bytes; at++) {
            seen = seen ^ ((const uint8_t *)message.payload)[at];
        }
        id = message.id;
    }
    return id;
}

static void push(slotq *queue, unsigned count)
{
    static const slotq_data messages[4] = {{"a", 1}, {"", 0}, {"b", 1}, {"c", 1}};
    uint64_t first_id;
    (void)slotq_push(queue, messages, 1 + count % 4, &first_id);
}

static void settle_some(slotq *queue, slotq_settle_how how, slotq_batch *batch, uint8_t argument)
{
    const uint64_t id = walk(batch, 1 + argument % 3u);
    const uint32_t before = slotq_batch_count(batch);
    (void)slotq_settle_message(queue, how, batch, argument & 128 ? argument : id, argument, 1);
    require(slotq_batch_count(batch) <= before);
}

/* Mark some messages, and unmark one; the note is the argument's. */
static void mark_some(slotq *queue, slotq_settle_how how, slotq_batch *batch, uint8_t argument)
{
    const slotq_data note = {&argument, argument % 3 == 0};
    for (unsigned i = 0; i <= argument % 4u; i++) {
        const uint64_t id = argument & 128 ? argument + i : walk(batch, 1);
        (void)slotq_mark(queue, how, batch, id, argument, argument, &note);
        if (argument % 8 == 0) {
            (void)slotq_batch_unmark(batch, id);
        }
    }
}

/* As many messages as were settled; reading past them ends. */
static void read_settled(slotq_batch *batch, uint32_t sum)
{
    slotq_settled_message message;
    uint32_t count = 0;
    for (; slotq_batch_settled(batch, count, &message); count++) {
        require(message.outcome != SLOTQ_MORE);
    }
    require(count == sum);
}

/* move: kind, then two arguments. */
static void make_move(slotq *queue, slotq_batch **batches, const uint8_t *move)
{
    slotq_batch *batch = batches[move[2] % 2];
    const uint8_t group = (uint8_t)(move[2] >> 1 & 3);
    const slotq_settle_how how = (slotq_settle_how)(move[1] % 7 - 1); /* one of each end is wrong */
    slotq_settled settled;
    switch (move[0] % 10) {
    case 0:
        push(queue, move[1]);
        break;
    case 1:
        (void)slotq_reserve(queue, group, move[1] % 12, 1 + move[2], 0, batch);
        break;
    case 2:
        (void)slotq_settle_batch(queue, how, batch, move[2], move[1]);
        break;
    case 3:
        (void)slotq_next(queue, group, move[1] % 12, 500, 0, batch, &settled);
        read_settled(batch, settled.ok_count + settled.refused_count + settled.failed_count);
        break;
    case 4:
        settle_some(queue, how, batch, move[2]);
        break;
    case 5:
        (void)slotq_batch_drop(batch, walk(batch, 1 + move[1] % 3u));
        break;
    case 6:
        slotq_batch_rewind(batch);
        (void)walk(batch, move[1]);
        break;
    case 7:
        (void)slotq_peek(queue, group, 0, move[1] % 12, batch);
        break;
    case 8:
        mark_some(queue, how, batch, move[2]);
        break;
    default:
        now_ms += (uint64_t)move[1] * 10;
        (void)slotq_dead_list(queue, 0, move[2] % 12, batch);
        break;
    }
}

static void play(uint8_t *image, size_t size, const uint8_t *moves, unsigned count)
{
    slotq_options options = {0};
    slotq_error error;
    slotq *queue = NULL;
    slotq *other = NULL;
    now_ms = 1000000;
    options.clock_ms = clock_of_moves;
    if (slotq_open_memory(image, size, NULL, &options, &queue, &error) != SLOTQ_OK) {
        require(queue == NULL);
        return;
    }
    const int sound = slotq_check(queue) == SLOTQ_OK;
    slotq_batch *batches[2] = {slotq_batch_new(), slotq_batch_new()};
    require(batches[0] != NULL && batches[1] != NULL);
    require(slotq_clone(queue, &other, &error) == SLOTQ_OK);
    for (unsigned i = 0; i < count; i++) {
        make_move(moves[i * MOVE_BYTES] & 128 ? other : queue, batches, moves + i * MOVE_BYTES);
    }
    require(!sound || slotq_check(queue) == SLOTQ_OK);
    slotq_close(other);
    slotq_close(queue);
    slotq_batch_free(batches[0]);
    slotq_batch_free(batches[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned count = size == 0 ? 0 : data[0] % (MOVES_MOST + 1);
    if (size < 1 + (size_t)count * MOVE_BYTES) {
        return 0;
    }
    const size_t front = 1 + (size_t)count * MOVE_BYTES;
    size_t image_bytes = 0;
    uint8_t *image = overlay_image(data + front, size - front, &image_bytes);
    if (image != NULL && image_bytes <= IMAGE_BYTES_MOST) {
        const size_t room = (image_bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
        uint8_t *aligned = aligned_alloc(ALIGNMENT, room);
        require(aligned != NULL);
        memcpy(aligned, image, image_bytes);
        play(aligned, image_bytes, data + 1, count);
        free(aligned);
    }
    free(image);
    return 0;
}
