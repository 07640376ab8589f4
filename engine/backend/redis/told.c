/* told.c: see told.h.
 */
#include "told.h"

#include <string.h>

enum { MESSAGE_PARTS = 3, DIGITS_MOST = 4 };

/* " 12": a space and a number, taken off the text. */
static bool take_number(const char **text, const char *end, uint32_t *number)
{
    const char *at = *text;
    if (at == end || *at != ' ') {
        return false;
    }
    *number = 0;
    for (at++; at < end && *at >= '0' && *at <= '9' && at - *text <= DIGITS_MOST; at++) {
        *number = *number * 10 + (uint32_t)(*at - '0');
    }
    const bool some = at - *text > 1;
    *text = at;
    return some;
}

static bool take_word(const char **text, const char *end, const char *word)
{
    const size_t length = strlen(word);
    const bool is = (size_t)(end - *text) >= length && memcmp(*text, word, length) == 0;
    *text += is ? length : 0;
    return is;
}

/* false: not a text that the scripts have. */
static bool note(redis_told told[SLOTQ_GROUPS_MAX], const char *text, const char *end)
{
    uint32_t row;
    uint32_t shard;
    const bool round = take_word(&text, end, "round");
    if ((!round && !take_word(&text, end, "wake")) || !take_number(&text, end, &row)) {
        return false;
    }
    redis_told unheard = {0};
    redis_told *one = row < SLOTQ_GROUPS_MAX ? &told[row] : &unheard; /* the row of room */
    if (text == end) {
        one->round = one->round || round;
        one->bell = one->bell || !round;
        return true;
    }
    if (round || !take_number(&text, end, &shard) || text != end || shard >= SLOTQ_SHARDS_MAX) {
        return false;
    }
    one->shard = true;
    one->shards[shard / 8] = (uint8_t)(one->shards[shard / 8] | 1u << shard % 8);
    return true;
}

void redis_told_note(redis_told told[SLOTQ_GROUPS_MAX], const redisReply *message)
{
    if (message->type != REDIS_REPLY_ARRAY || message->elements != MESSAGE_PARTS ||
        message->element[2]->type != REDIS_REPLY_STRING) {
        return;
    }
    const redisReply *text = message->element[2];
    if (!note(told, text->str, text->str + text->len)) {
        for (uint32_t row = 0; row < SLOTQ_GROUPS_MAX; row++) {
            told[row].bell = true;
        }
    }
}
