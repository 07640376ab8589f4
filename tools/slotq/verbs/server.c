/* server.c: commands to a Redis server in words, and what a reply is (server.h).
 */
#include "server.h"

#include <stdio.h>
#include <string.h>

redisReply *server_ask_words(slotq_redis_connection *server, const char *const *words)
{
    enum { WORDS_MAX = 16 };
    const char *sent[WORDS_MAX];
    slotq_error error;
    redisReply *reply = NULL;
    int count = 0;
    for (; count < WORDS_MAX && words[count] != NULL; count++) {
        sent[count] = words[count];
    }
    (void)slotq_redis_command(server, count, sent, NULL, &reply, &error);
    return reply;
}

bool reply_is_error(const redisReply *reply)
{
    return reply == NULL || reply->type == REDIS_REPLY_ERROR;
}

bool reply_is_blocked(const redisReply *reply)
{
    slotq_error error;
    return reply != NULL && slotq_redis_judge(reply, &error) != SLOTQ_OK &&
           (error.cause == SLOTQ_CAUSE_RIGHTS || error.cause == SLOTQ_CAUSE_COMMAND);
}

value_text server_info_field(const redisReply *info, const char *name)
{
    value_text field = {""};
    const size_t length = strlen(name);
    const bool told = info != NULL && info->type == REDIS_REPLY_STRING;
    const char *line = told ? info->str : "";
    while (*line != '\0') {
        const size_t width = strcspn(line, "\r\n");
        if (width > length && strncmp(line, name, length) == 0 && line[length] == ':') {
            snprintf(field.text, sizeof field.text, "%.*s", (int)(width - length - 1),
                     line + length + 1);
            break;
        }
        line += width;
        line += strspn(line, "\r\n");
    }
    return field;
}

const char *server_kind(const redisReply *info, value_text *version)
{
    static const struct {
        const char *field;
        const char *name;
    } kinds[] = {{"valkey_version", "Valkey"},
                 {"dragonfly_version", "Dragonfly"},
                 {"keydb_version", "KeyDB"},
                 {"redis_version", "Redis"}};
    enum { LAST = sizeof kinds / sizeof kinds[0] - 1 };
    size_t kind = 0;
    *version = server_info_field(info, kinds[0].field);
    while (kind < LAST && version->text[0] == '\0') {
        kind++;
        *version = server_info_field(info, kinds[kind].field);
    }
    return kinds[kind].name;
}
