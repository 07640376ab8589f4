/* wire.c: see wire.h.
 */
#include "wire.h"
#include "sure.h"

#include <string.h>

void wire_open(connection *self, const char *socket_path)
{
    self->context = redisConnectUnix(socket_path);
    bench_need(self->context != NULL && self->context->err == 0, "connecting to redis-server");
}

void wire_close(connection *self)
{
    redisFree(self->context);
    self->context = NULL;
}

wire_command wire_format(const char *const *words, const size_t *lengths, int count)
{
    char *bytes = NULL;
    const char **unsafe = (const char **)(uintptr_t)words; /* hiredis leaves it alone */
    const int length = (int)redisFormatCommandArgv(&bytes, count, unsafe, lengths);
    bench_need(length > 0, "redisFormatCommandArgv");
    return (wire_command){bytes, (size_t)length};
}

void wire_command_free(wire_command *command)
{
    redisFreeCommand(command->bytes);
    *command = (wire_command){NULL, 0};
}

void wire_append(connection *self, const char *bytes, size_t length)
{
    bench_need(redisAppendFormattedCommand(self->context, bytes, length) == REDIS_OK,
               "redisAppendFormattedCommand");
}

redisReply *wire_reply(connection *self)
{
    void *reply = NULL;
    bench_need(redisGetReply(self->context, &reply) == REDIS_OK && reply != NULL, "redisGetReply");
    const redisReply *read = reply;
    if (read->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "bench: redis-server replied: %s\n", read->str);
        exit(1);
    }
    return reply;
}

void wire_skip(connection *self, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        freeReplyObject(wire_reply(self));
    }
}

redisReply *wire_ask(connection *self, const char *line)
{
    bench_need(redisAppendCommand(self->context, line) == REDIS_OK, "redisAppendCommand");
    return wire_reply(self);
}

void wire_do(connection *self, const char *line)
{
    freeReplyObject(wire_ask(self, line));
}

static redisReply *ask_argv(connection *self, const char *const *words, const size_t *lengths,
                            int count)
{
    wire_command command = wire_format(words, lengths, count);
    wire_append(self, command.bytes, command.length);
    wire_command_free(&command);
    return wire_reply(self);
}

void wire_set(connection *self, const char *key, const void *bytes, size_t length)
{
    const char *words[] = {"SET", key, bytes};
    const size_t lengths[] = {3, strlen(key), length};
    freeReplyObject(ask_argv(self, words, lengths, 3));
}

void wire_load(connection *self, const char *text, size_t length, char *sha1)
{
    const char *words[] = {"SCRIPT", "LOAD", text};
    const size_t lengths[] = {6, 4, length};
    redisReply *reply = ask_argv(self, words, lengths, 3);
    bench_need(reply->type == REDIS_REPLY_STRING && reply->len == 40, "SCRIPT LOAD");
    memcpy(sha1, reply->str, 41);
    freeReplyObject(reply);
}

static double field_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    bench_need(at != NULL, "finding a field of INFO");
    return strtod(at + strlen(name), NULL);
}

/* The text of a section; the caller's. */
static redisReply *ask_info(connection *self, const char *section)
{
    char words[64];
    snprintf(words, sizeof words, "INFO %s", section);
    redisReply *reply = wire_ask(self, words);
    bench_need(reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS, "INFO");
    return reply;
}

double wire_info(connection *self, const char *section, const char *field)
{
    char words[64];
    redisReply *reply = ask_info(self, section);
    snprintf(words, sizeof words, "\n%s:", field);
    const double number = field_of(reply->str, words);
    freeReplyObject(reply);
    return number;
}

double wire_server_seconds(connection *self)
{
    redisReply *reply = ask_info(self, "cpu");
    const double seconds = field_of(reply->str, "used_cpu_sys_main_thread:") +
                           field_of(reply->str, "used_cpu_user_main_thread:");
    freeReplyObject(reply);
    return seconds;
}

double wire_server_commands(connection *self)
{
    return wire_info(self, "stats", "total_commands_processed");
}
