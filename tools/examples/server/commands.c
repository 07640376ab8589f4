/* commands.c: see commands.h.
 */
#include "commands.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../terminal/report.h"

enum { WAITING_MAX = 256 };

slotq_redis_connection *commands_connect(const char *url)
{
    slotq_redis_connection *connection = NULL;
    slotq_error error;
    if (slotq_redis_connect(url, NULL, &connection, &error) != SLOTQ_OK) {
        report_failure("%s", error.text);
    }
    return connection;
}

static redisReply *judged(const redisContext *context, void *raw)
{
    redisReply *reply = raw;
    if (reply == NULL) {
        report_failure("the connection to the server broke: %s", context->errstr);
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        report_failure("the server refused a command: %s", reply->str);
    }
    return reply;
}

redisReply *commands_ask(redisContext *context, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    redisReply *reply = judged(context, redisvCommand(context, format, values));
    va_end(values);
    return reply;
}

long long commands_ask_number(redisContext *context, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    redisReply *reply = judged(context, redisvCommand(context, format, values));
    va_end(values);
    if (reply->type != REDIS_REPLY_INTEGER) {
        report_failure("the reply to %s is not a number", format);
    }
    const long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

uint64_t commands_info(redisContext *context, const char *section, const char *name)
{
    redisReply *reply = commands_ask(context, "INFO %s", section);
    const size_t length = strlen(name);
    const char *line = reply->str;
    while (line != NULL && (strncmp(line, name, length) != 0 || line[length] != ':')) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    if (line == NULL) {
        report_failure("INFO %s of this server has no %s", section, name);
    }
    const uint64_t number = strtoull(line + length + 1, NULL, 10);
    freeReplyObject(reply);
    return number;
}

void commands_put(commands_pipeline *pipeline, int count, const char **words, const size_t *lengths)
{
    if (redisAppendCommandArgv(pipeline->context, count, words, lengths) != REDIS_OK) {
        report_failure("no memory for a command");
    }
    pipeline->waiting++;
    if (pipeline->waiting == WAITING_MAX) {
        commands_drain(pipeline);
    }
}

void commands_drain(commands_pipeline *pipeline)
{
    for (; pipeline->waiting > 0; pipeline->waiting--) {
        void *raw = NULL;
        (void)redisGetReply(pipeline->context, &raw);
        redisReply *reply = judged(pipeline->context, raw);
        if (pipeline->take != NULL) {
            pipeline->take(pipeline->user, reply);
        }
        freeReplyObject(reply);
    }
}
