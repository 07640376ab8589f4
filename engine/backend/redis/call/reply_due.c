/* reply_due.c: see reply_due.h.
 */
#include "reply_due.h"

#include <string.h>

#include "reply_values.h"

enum { PLACE_PARTS = 3, PLACES_MAX = 255 };

uint64_t redis_our_ms(const redis_terms *terms, uint64_t server_ms)
{
    const int64_t ms = (int64_t)server_ms - (terms->own_clock ? 0 : terms->server_ahead_ms);
    return ms < 0 ? 0 : (uint64_t)ms;
}

/* kept, others, before: of the at most PLACES_MAX of a row. */
static bool take_place(slotq_call_reserve *reserve, const uint64_t *numbers)
{
    if (numbers[0] > 1 || numbers[1] >= PLACES_MAX || numbers[2] > numbers[1]) {
        return false;
    }
    reserve->kept = numbers[0] == 1;
    reserve->others = (uint16_t)numbers[1];
    reserve->before = (uint16_t)numbers[2];
    return true;
}

/* " 1 23": how many there are; 0: something else is among them, or more. */
static size_t take_numbers(const char *text, size_t length, uint64_t *numbers, size_t most)
{
    size_t count = 0;
    while (length > 0) {
        const char *next = memchr(text + 1, ' ', length - 1);
        const size_t bytes = next != NULL ? (size_t)(next - text) : length;
        if (count == most || !value_digits(text, bytes, &numbers[count])) {
            return 0;
        }
        count++;
        text += bytes;
        length -= bytes;
    }
    return count;
}

bool redis_take_later(const redis_terms *terms, slotq_call *call, const redisReply *reply,
                      const char *word)
{
    const size_t length = strlen(word);
    uint64_t numbers[1 + PLACE_PARTS]; /* the time, and how the place was */
    if (reply->len < length || memcmp(reply->str, word, length) != 0) {
        return false;
    }
    call->reserve.next_due_ms = call->now_ms;
    if (reply->len == length) {
        return true;
    }
    const size_t count =
        take_numbers(reply->str + length, reply->len - length, numbers, 1 + PLACE_PARTS);
    if (count != 1 && (count != 1 + PLACE_PARTS || !take_place(&call->reserve, numbers + 1))) {
        return false;
    }
    call->reserve.next_due_ms = redis_our_ms(terms, numbers[0]);
    return true;
}

bool redis_take_due(const redis_terms *terms, slotq_call_reserve *reserve, long long due_ms)
{
    if (due_ms < -1 || due_ms >= (long long)VALUE_MS_END) {
        return false;
    }
    if (due_ms >= 0) {
        reserve->next_due_ms = redis_our_ms(terms, (uint64_t)due_ms);
    }
    return true;
}

bool redis_reply_waits(const redisReply *reply, bool *kept)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 + PLACE_PARTS) {
        return false;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER) {
            return false;
        }
    }
    *kept = reply->element[1]->integer != 0;
    return true;
}

void redis_reserve_clear(slotq_call_reserve *reserve)
{
    reserve->run_count = 0;
    reserve->message_count = 0;
    reserve->next_due_ms = UINT64_MAX;
    reserve->kept = false;
    reserve->others = 0;
    reserve->before = 0;
}

bool redis_take_waiting(const redis_terms *terms, slotq_call_reserve *reserve,
                        const redisReply *reply)
{
    uint64_t numbers[PLACE_PARTS];
    for (size_t i = 0; i < PLACE_PARTS; i++) {
        if (!value_number(reply->element[1 + i], PLACES_MAX, &numbers[i])) {
            return false;
        }
    }
    return take_place(reserve, numbers) &&
           redis_take_due(terms, reserve, reply->element[0]->integer);
}
