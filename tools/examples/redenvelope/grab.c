/* grab.c: see grab.h. The script is a text here and not a file, so that the program finds it
 * wherever it runs; the library has the text of push for the same reason.
 */
#include "grab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "../terminal/report.h"

/* Redis does not undo what a script wrote before an error. So the share goes back if push refuses,
 * or fails for another reason: a key that is not a queue. What is written after it cannot fail. */
static const char grab_body[] =
    "local takers, shares, queue, user = KEYS[1], KEYS[2], KEYS[3], ARGV[1]\n"
    "if redis.call('HEXISTS', takers, user) == 1 then\n"
    "    return {'ALREADY'}\n"
    "end\n"
    "local cents = redis.call('RPOP', shares)\n"
    "if not cents then\n"
    "    return {'EMPTY'}\n"
    "end\n"
    "local ran, id = pcall(push, {queue}, {'', user .. ' ' .. cents})\n"
    "if not ran or type(id) == 'table' then\n"
    "    redis.call('RPUSH', shares, cents)\n"
    "    return ran and id or redis.error_reply('SLOTQNOQUEUE ' .. queue .. ' is not a queue')\n"
    "end\n"
    "redis.call('HSET', takers, user, id)\n"
    "return {'TOOK', cents, id}\n";

slotq_geometry grab_geometry(uint32_t shares)
{
    return (slotq_geometry){.ring_slots = (uint16_t)(shares + 1),
                            .payload_bytes = GRAB_PAYLOAD_BYTES,
                            .tick_ms = 10,
                            .places = 16};
}

slotq *grab_open(const char *url)
{
    slotq *queue = NULL;
    slotq_error error;
    if (slotq_open(url, GRAB_QUEUE, NULL, &queue, &error) != SLOTQ_OK) {
        report_failure("%s: %s", GRAB_QUEUE, error.text);
    }
    return queue;
}

char *grab_text(void)
{
    char *text = NULL;
    if (asprintf(&text, "local function push(KEYS, ARGV)\n%s\nend\n%s",
                 slotq_redis_script_text("push", false), grab_body) < 0) {
        report_failure("no memory");
    }
    return text;
}

static grab_outcome judge(const redisReply *reply, uint64_t *cents, uint64_t *id)
{
    slotq_error error;
    const slotq_outcome outcome = slotq_redis_judge(reply, &error);
    if (outcome >= SLOTQ_FAILURES) {
        report_failure("grab: %s", error.text);
    }
    if (outcome != SLOTQ_OK) {
        return GRAB_REFUSED;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1) {
        report_failure("grab: not a reply of the script");
    }
    const char *word = reply->element[0]->str;
    if (strcmp(word, "TOOK") == 0 && reply->elements == 3) {
        *cents = strtoull(reply->element[1]->str, NULL, 10);
        *id = (uint64_t)reply->element[2]->integer;
        return GRAB_TOOK;
    }
    return strcmp(word, "ALREADY") == 0 ? GRAB_ALREADY : GRAB_EMPTY;
}

grab_outcome grab_share(slotq_script *script, struct redisContext *context, uint32_t user,
                        uint64_t *cents, uint64_t *id)
{
    char name[16];
    slotq_error error;
    redisReply *reply = NULL;
    const int length = snprintf(name, sizeof name, "%" PRIu32, user);
    const slotq_data keys[] = {{GRAB_TAKERS, sizeof GRAB_TAKERS - 1},
                               {GRAB_SHARES, sizeof GRAB_SHARES - 1},
                               {GRAB_QUEUE, sizeof GRAB_QUEUE - 1}};
    if (slotq_script_run(script, context, 3, keys, 1, &(slotq_data){name, (uint32_t)length}, &reply,
                         &error) != SLOTQ_OK) {
        report_failure("grab: %s", error.text);
    }
    const grab_outcome outcome = judge(reply, cents, id);
    freeReplyObject(reply);
    return outcome;
}
