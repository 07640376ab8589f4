/* calling.c: see calling.h.
 */
#define _GNU_SOURCE
#include "calling.h"

#include <ctype.h>
#include <string.h>

#include "call/errors.h"
#include "call/script.h"

redis_calling redis_calling_begin(slotq_functions wanted, const redis_facts *facts)
{
    const bool no_scripts = facts->no_scripts && facts->redis7;
    const redis_calling calling = {
        .may_functions = wanted != SLOTQ_FUNCTIONS_NEVER && facts->redis7,
        .is_fixed = wanted == SLOTQ_FUNCTIONS_ALWAYS || no_scripts,
        .by_functions =
            wanted == SLOTQ_FUNCTIONS_ALWAYS || (no_scripts && wanted != SLOTQ_FUNCTIONS_NEVER),
    };
    return calling;
}

void redis_calling_put(const redis_calling *calling, redis_request *request, bool redis7,
                       bool only_reads)
{
    const redis_script_index index = (redis_script_index)request->script;
    const bool monitors = only_reads && redis7 && !calling->no_monitor;
    const char *const head[] = {
        calling->by_functions ? (monitors ? "FCALL_RO" : "FCALL")
                              : (monitors ? "EVALSHA_RO" : "EVALSHA"),
        calling->by_functions ? redis_function(index)->name : redis_script(index, redis7)->sha1,
        request->key_count,
    };
    for (uint32_t i = 0; i < 3; i++) {
        request->arguments[i] = head[i];
        request->lengths[i] = strlen(head[i]);
    }
}

/* ---- what a refusal says ---- */

enum { READ_BYTES = 200 };

/* The text of an error in lower case: servers write names of commands in either. */
static void lower(const redisReply *reply, char text[READ_BYTES])
{
    size_t used = 0;
    for (; used < reply->len && used + 1 < READ_BYTES && reply->str[used] != '\0'; used++) {
        text[used] = (char)tolower((unsigned char)reply->str[used]);
    }
    text[used] = '\0';
}

/* The user may not run it, or the server lacks it; not a key, and not from inside a script. */
static bool is_of_command(const redisReply *reply, char text[READ_BYTES])
{
    text[0] = '\0';
    if (reply->type != REDIS_REPLY_ERROR || reply->str == NULL || redis_refusal_of(reply) == NULL) {
        return false;
    }
    lower(reply, text);
    return (redis_error_is(reply, "NOPERM") && strstr(text, " to run the '") != NULL) ||
           redis_error_is(reply, "ERR unknown command");
}

bool redis_calling_learn(redis_calling *calling, const redisReply *reply)
{
    char text[READ_BYTES];
    if (!is_of_command(reply, text)) {
        return false;
    }
    const bool may_not = redis_error_is(reply, "NOPERM");
    const bool of_reader =
        strstr(text, "'evalsha_ro'") != NULL || strstr(text, "'fcall_ro'") != NULL;
    if (of_reader && may_not) {
        calling->no_monitor = true;
        return true;
    }
    const bool of_scripts = strstr(text, "'evalsha'") != NULL || strstr(text, "'script") != NULL;
    if (of_scripts && calling->may_functions) {
        calling->no_monitor = calling->no_monitor && calling->by_functions;
        calling->by_functions = true;
        return true;
    }
    if (strstr(text, "'fcall") != NULL && !calling->is_fixed) {
        calling->by_functions = false; /* so that the error names what most users need */
        calling->may_functions = false;
        return true;
    }
    return false;
}

slotq_outcome redis_calling_judge(const redis_calling *calling, redis_connection *connection,
                                  store_fault *fault)
{
    const char *words[] = {"FCALL", REDIS_FUNCTIONS_LIBRARY "_about", "0"};
    const size_t lengths[] = {5, strlen(words[1]), 1};
    redisReply *reply = NULL;
    if (!calling->by_functions) {
        return SLOTQ_OK;
    }
    if (!calling->may_functions) {
        return fault_say(fault, SLOTQ_UNSUPPORTED,
                         "functions need Redis 7 or newer, and this server is older: leave the "
                         "option functions away, and slotq calls scripts");
    }
    slotq_outcome outcome = redis_server_ask(connection, false, 3, words, lengths, &reply, fault);
    if (outcome == SLOTQ_OK && reply->type == REDIS_REPLY_ERROR) {
        redis_error error;
        outcome = redis_error_take(reply, false, &error, fault);
    }
    freeReplyObject(reply);
    return outcome;
}
