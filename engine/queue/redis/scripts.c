/* scripts.c: the caller's own Lua scripts, run by their sums and loaded where a server does not
 * know them. Knows keys and arguments as strings; no verb, no queue.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../backend/redis/call/errors.h"
#include "../../backend/redis/call/script.h"
#include "../../backend/redis/store.h"
#include "../handle.h"
#include "commands.h"

enum { SUM_BYTES = 40 };

struct slotq_script {
    char sum[SUM_BYTES + 1]; /* "" = not loaded anywhere yet */
    size_t length;
    char text[];
};

slotq_script *slotq_script_new(const char *text, size_t length)
{
    slotq_script *made = text == NULL ? NULL : malloc(sizeof *made + length);
    if (made != NULL) {
        memset(made->sum, 0, sizeof made->sum);
        made->length = length;
        memcpy(made->text, text, length);
    }
    return made;
}

void slotq_script_free(slotq_script *script)
{
    free(script);
}

/* SCRIPT LOAD, whose answer is the sum. *reply is set where the server refused. */
static slotq_outcome load(slotq_script *script, redis_connection *connection, redisReply **reply,
                          store_fault *fault)
{
    const char *words[] = {"SCRIPT", "LOAD", script->text};
    const size_t lengths[] = {6, 4, script->length};
    slotq_outcome outcome = redis_commands_ask(connection, 3, words, lengths, reply, fault);
    if (outcome != SLOTQ_OK || *reply == NULL || (*reply)->type == REDIS_REPLY_ERROR) {
        return outcome;
    }
    if ((*reply)->type == REDIS_REPLY_STRING && (*reply)->len == SUM_BYTES) {
        memcpy(script->sum, (*reply)->str, SUM_BYTES);
    } else {
        outcome = redis_error_shape(false, fault);
    }
    freeReplyObject(*reply);
    *reply = NULL;
    return outcome;
}

/* EVALSHA, the sum, the number of keys, keys, arguments. */
typedef struct run_command {
    const char **arguments;
    size_t *lengths;
    int count;
    char key_count[16];
} run_command;

static void put(run_command *command, const void *bytes, size_t length)
{
    command->arguments[command->count] = length > 0 ? bytes : "";
    command->lengths[command->count++] = length;
}

static bool build(run_command *command, const slotq_script *script, uint32_t key_count,
                  const slotq_data *keys, uint32_t argument_count, const slotq_data *arguments)
{
    const size_t total = 3 + (size_t)key_count + argument_count;
    command->count = 0;
    command->arguments = calloc(total, sizeof *command->arguments);
    command->lengths = calloc(total, sizeof *command->lengths);
    if (command->arguments == NULL || command->lengths == NULL) {
        return false;
    }
    (void)snprintf(command->key_count, sizeof command->key_count, "%lu", (unsigned long)key_count);
    put(command, "EVALSHA", 7);
    put(command, script->sum, SUM_BYTES);
    put(command, command->key_count, strlen(command->key_count));
    for (uint32_t i = 0; i < key_count; i++) {
        put(command, keys[i].bytes, keys[i].size);
    }
    for (uint32_t i = 0; i < argument_count; i++) {
        put(command, arguments[i].bytes, arguments[i].size);
    }
    return true;
}

static slotq_outcome run(slotq_script *script, redis_connection *connection, run_command *command,
                         redisReply **reply, store_fault *fault)
{
    slotq_outcome outcome = SLOTQ_OK;
    for (uint32_t turn = 0; turn < 2 && outcome == SLOTQ_OK; turn++) {
        if (script->sum[0] == '\0') {
            outcome = load(script, connection, reply, fault);
        }
        if (outcome != SLOTQ_OK || *reply != NULL) {
            break;
        }
        outcome = redis_commands_ask(connection, command->count, command->arguments,
                                     command->lengths, reply, fault);
        if (outcome != SLOTQ_OK || turn > 0 || !redis_error_is(*reply, "NOSCRIPT No matching")) {
            break;
        }
        freeReplyObject(*reply);
        *reply = NULL;
        script->sum[0] = '\0';
    }
    return outcome;
}

slotq_outcome slotq_script_run(slotq_script *script, struct redisContext *context,
                               uint32_t key_count, const slotq_data *keys, uint32_t argument_count,
                               const slotq_data *arguments, struct redisReply **reply,
                               slotq_error *error)
{
    store_fault fault;
    run_command command;
    if (script == NULL || context == NULL || reply == NULL || (key_count > 0 && keys == NULL) ||
        (argument_count > 0 && arguments == NULL)) {
        return redis_commands_refuse_null(error);
    }
    *reply = NULL;
    if (key_count > REDIS_ARGUMENTS_MAX || argument_count > REDIS_ARGUMENTS_MAX) {
        return error_say(error, SLOTQ_INVALID, "more than %d keys or arguments",
                         REDIS_ARGUMENTS_MAX);
    }
    const redis_settings settings = redis_settings_of(NULL, NULL);
    redis_connection connection = {.timeout_ms = settings.timeout_ms};
    slotq_outcome outcome = redis_connection_borrow(&connection, context, &fault);
    if (!build(&command, script, key_count, keys, argument_count, arguments)) {
        outcome = fault_say(&fault, SLOTQ_NOMEMORY, "no memory for a command");
    }
    if (outcome == SLOTQ_OK) {
        outcome = run(script, &connection, &command, reply, &fault);
    }
    free(command.arguments);
    free(command.lengths);
    redis_connection_free(&connection);
    return outcome == SLOTQ_OK ? outcome : error_from_fault(error, outcome, &fault);
}

const char *slotq_redis_script_sum(uint32_t index, bool redis7)
{
    if (index >= REDIS_SCRIPT_COUNT) {
        return NULL;
    }
    return redis_script((redis_script_index)index, redis7)->sha1;
}

const char *slotq_redis_script_text(const char *name, bool redis7)
{
    for (uint32_t i = 0; name != NULL && i < REDIS_SCRIPT_COUNT; i++) {
        const redis_script_source *source = redis_script((redis_script_index)i, redis7);
        if (strcmp(source->name, name) == 0) {
            return source->text;
        }
    }
    return NULL;
}

/* ---- functions ---- */

const char *slotq_redis_functions_name(void)
{
    return REDIS_FUNCTIONS_LIBRARY;
}

static char *append(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

char *slotq_redis_functions_text(size_t *length)
{
    size_t total = strlen(REDIS_FUNCTIONS_HEAD);
    for (uint32_t i = 0; i < REDIS_SCRIPT_COUNT; i++) {
        total += strlen(redis_function((redis_script_index)i)->head) + strlen(REDIS_FUNCTION_END) +
                 redis_script((redis_script_index)i, false)->length;
    }
    char *text = length == NULL ? NULL : malloc(total + 1);
    if (text == NULL) {
        return NULL;
    }
    char *at = append(text, REDIS_FUNCTIONS_HEAD, strlen(REDIS_FUNCTIONS_HEAD));
    for (uint32_t i = 0; i < REDIS_SCRIPT_COUNT; i++) {
        const redis_script_source *body = redis_script((redis_script_index)i, false);
        const char *head = redis_function((redis_script_index)i)->head;
        at = append(at, head, strlen(head));
        at = append(at, body->text, body->length);
        at = append(at, REDIS_FUNCTION_END, strlen(REDIS_FUNCTION_END));
    }
    *at = '\0';
    *length = total;
    return text;
}
