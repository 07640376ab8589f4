/* calling.c: see calling.h.
 */
#define _GNU_SOURCE
#include "calling.h"

#include <ctype.h>
#include <string.h>

#include "call/errors.h"
#include "call/script.h"

#define BIT_OF(name) (UINT64_C(1) << REDIS_SCRIPT_##name)

/* Scripts whose commands of the module do all that the scripts do. With `nudge` it has the bell of
 * sharded queues, into which a message may be moved, too. */
static uint64_t of_module(const redis_ways *wanted, const redis_facts *facts)
{
    const bool has_bell = facts->module_scripts & BIT_OF(nudge);
    if (wanted->no_module || wanted->functions == SLOTQ_FUNCTIONS_ALWAYS ||
        (wanted->is_shard && !has_bell)) {
        return 0;
    }
    return has_bell ? facts->module_scripts : facts->module_scripts & ~BIT_OF(move);
}

redis_calling redis_calling_begin(const redis_ways *ways, const redis_facts *facts)
{
    const slotq_functions wanted = ways->functions;
    const bool no_scripts = facts->no_scripts && facts->redis7;
    redis_calling calling = {
        .may_functions = wanted != SLOTQ_FUNCTIONS_NEVER && facts->redis7,
        .is_fixed = wanted == SLOTQ_FUNCTIONS_ALWAYS || no_scripts,
        .by_functions =
            wanted == SLOTQ_FUNCTIONS_ALWAYS || (no_scripts && wanted != SLOTQ_FUNCTIONS_NEVER),
        .by_module = of_module(ways, facts),
    };
    memcpy(calling.module_version, facts->module_version, sizeof calling.module_version);
    return calling;
}

bool redis_calling_is_module(const redis_calling *calling, uint32_t script)
{
    return calling->by_module >> script & 1;
}

static void put_words(redis_request *request, const char *const *words, uint32_t count)
{
    request->from = REDIS_BEFORE_KEY - count;
    for (uint32_t i = 0; i < count; i++) {
        request->arguments[request->from + i] = words[i];
        request->lengths[request->from + i] = strlen(words[i]);
    }
}

void redis_calling_put(const redis_calling *calling, redis_request *request, bool redis7,
                       bool only_reads)
{
    const redis_script_index index = (redis_script_index)request->script;
    if (redis_calling_is_module(calling, request->script)) {
        put_words(request, (const char *const[]){redis_module_command(index)}, 1);
        return;
    }
    const bool monitors = only_reads && redis7 && !calling->no_monitor;
    const char *const head[] = {
        calling->by_functions ? (monitors ? "FCALL_RO" : "FCALL")
                              : (monitors ? "EVALSHA_RO" : "EVALSHA"),
        calling->by_functions ? redis_function(index)->name : redis_script(index, redis7)->sha1,
        request->key_count,
    };
    put_words(request, head, REDIS_BEFORE_KEY);
}

bool redis_calling_add(const redis_request *request, redis_outbox *to)
{
    return redis_outbox_add(to, (int)(request->count - request->from),
                            request->arguments + request->from, request->lengths + request->from);
}

slotq_outcome redis_calling_ask(redis_connection *connection, const redis_request *request,
                                redisReply **reply, store_fault *fault)
{
    return redis_server_ask(connection, true, (int)(request->count - request->from),
                            request->arguments + request->from, request->lengths + request->from,
                            reply, fault);
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

/* It names a command of the module, between quotes that are of one kind or another. */
static bool is_of_module(const char *text)
{
    static const char unknown[] = "err unknown command ";
    const bool is_unknown = strncmp(text, unknown, sizeof unknown - 1) == 0;
    const char *refused = is_unknown ? text + sizeof unknown - 1 : strstr(text, " to run the '");
    const char *name = is_unknown || refused == NULL ? refused : strchr(refused, '\'');
    return name != NULL && name[0] != '\0' && strncmp(name + 1, "slotq.", 6) == 0;
}

bool redis_calling_learn(redis_calling *calling, const redisReply *reply)
{
    char text[READ_BYTES] = {0};
    if (!is_of_command(reply, text)) {
        return false;
    }
    const bool may_not = redis_error_is(reply, "NOPERM");
    if (is_of_module(text)) {
        calling->by_module = 0;
        return true;
    }
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
    if (!calling->by_functions || calling->by_module != 0) {
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
