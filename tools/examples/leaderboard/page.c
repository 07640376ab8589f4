/* page.c: see page.h.
 */
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../server/commands.h"
#include "../terminal/report.h"

enum { QUERY_WORDS = 6, NUMBER_BYTES = 24 };

/* Ids and details are read in one step: no write comes between. Replies: the total, then coin,
 * details, coin, details … */
static const char page_text[] =
    "local board, details, volumes = KEYS[1], KEYS[2], KEYS[3]\n"
    "local min, max, ascending = ARGV[1], ARGV[2], ARGV[5] == 'asc'\n"
    "local offset, size, top = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])\n"
    "\n"
    "local function range(...)\n"
    "    if ascending then\n"
    "        return redis.call('ZRANGEBYSCORE', board, min, max, ...)\n"
    "    end\n"
    "    return redis.call('ZREVRANGEBYSCORE', board, max, min, ...)\n"
    "end\n"
    "\n"
    "local coins, total = {}, 0\n"
    "if top == 0 then\n"
    "    coins = range('LIMIT', offset, size)\n"
    "    total = offset == 0 and redis.call('ZCOUNT', board, min, max) or -1\n"
    "else\n"
    "    local is_inside = {}\n"
    "    for _, coin in ipairs(redis.call('ZREVRANGE', volumes, 0, top - 1)) do\n"
    "        is_inside[coin] = true\n"
    "    end\n"
    "    for _, coin in ipairs(range()) do\n"
    "        if is_inside[coin] then\n"
    "            total = total + 1\n"
    "            if total > offset and #coins < size then\n"
    "                coins[#coins + 1] = coin\n"
    "            end\n"
    "        end\n"
    "    end\n"
    "    total = offset == 0 and total or -1\n"
    "end\n"
    "\n"
    "local reply = {total}\n"
    "if #coins > 0 then\n"
    "    for i, text in ipairs(redis.call('HMGET', details, unpack(coins))) do\n"
    "        reply[2 * i], reply[2 * i + 1] = coins[i], text\n"
    "    end\n"
    "end\n"
    "return reply\n";

slotq_script *page_script(void)
{
    return slotq_script_new(page_text, sizeof page_text - 1);
}

void page_read_details(const char *coin, const char *details, page_row *row)
{
    char *end = NULL;
    if (details == NULL) {
        report_failure("%s: a coin without details", coin);
    }
    (void)snprintf(row->coin, sizeof row->coin, "%s", coin);
    row->change = (int32_t)strtol(details, &end, 10);
    row->price = strtoll(end, &end, 10);
    row->volume = strtoll(end, &end, 10);
    if (*end != '\0') {
        report_failure("%s: not the details of a coin", coin);
    }
}

void page_by_script(slotq_script *script, struct redisContext *context, const page_query *query,
                    page *found)
{
    static const slotq_data keys[] = {{PAGE_BOARD, sizeof PAGE_BOARD - 1},
                                      {PAGE_DETAILS, sizeof PAGE_DETAILS - 1},
                                      {PAGE_VOLUMES, sizeof PAGE_VOLUMES - 1}};
    char numbers[QUERY_WORDS][NUMBER_BYTES];
    slotq_data arguments[QUERY_WORDS];
    slotq_error error;
    redisReply *reply = NULL;
    (void)snprintf(numbers[0], NUMBER_BYTES, "%" PRId32, query->min);
    (void)snprintf(numbers[1], NUMBER_BYTES, "%" PRId32, query->max);
    (void)snprintf(numbers[2], NUMBER_BYTES, "%" PRIu32, query->offset);
    (void)snprintf(numbers[3], NUMBER_BYTES, "%" PRIu32, query->size);
    (void)snprintf(numbers[4], NUMBER_BYTES, "%s", query->ascending ? "asc" : "desc");
    (void)snprintf(numbers[5], NUMBER_BYTES, "%" PRIu32, query->top);
    for (uint32_t i = 0; i < QUERY_WORDS; i++) {
        arguments[i] = (slotq_data){numbers[i], (uint32_t)strlen(numbers[i])};
    }
    if (slotq_script_run(script, context, 3, keys, QUERY_WORDS, arguments, &reply, &error) !=
        SLOTQ_OK) {
        report_failure("a page: %s", error.text);
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1 ||
        reply->elements / 2 > PAGE_SIZE_MAX) {
        report_failure("a page: %s", reply->type == REDIS_REPLY_ERROR ? reply->str : "no rows");
    }
    found->total = reply->element[0]->integer;
    found->count = (uint32_t)(reply->elements / 2);
    for (uint32_t i = 0; i < found->count; i++) {
        page_read_details(reply->element[2 * i + 1]->str, reply->element[2 * i + 2]->str,
                          &found->rows[i]);
    }
    freeReplyObject(reply);
}

void page_by_commands(struct redisContext *context, const page_query *query, page *found)
{
    const char *words[2 + PAGE_SIZE_MAX] = {"HMGET", PAGE_DETAILS};
    redisReply *coins =
        query->ascending
            ? commands_ask(context, "ZRANGEBYSCORE %s %d %d LIMIT %u %u", PAGE_BOARD, query->min,
                           query->max, query->offset, query->size)
            : commands_ask(context, "ZREVRANGEBYSCORE %s %d %d LIMIT %u %u", PAGE_BOARD, query->max,
                           query->min, query->offset, query->size);
    found->total = -1;
    found->count = (uint32_t)coins->elements;
    for (uint32_t i = 0; i < found->count; i++) {
        words[2 + i] = coins->element[i]->str;
    }
    /* Here other clients write. */
    if (found->count > 0) {
        redisReply *details = redisCommandArgv(context, 2 + (int)found->count, words, NULL);
        if (details == NULL || details->elements != found->count) {
            report_failure("HMGET: %s", context->errstr);
        }
        for (uint32_t i = 0; i < found->count; i++) {
            page_read_details(words[2 + i], details->element[i]->str, &found->rows[i]);
        }
        freeReplyObject(details);
    }
    freeReplyObject(coins);
}
