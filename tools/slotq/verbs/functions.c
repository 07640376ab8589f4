/* functions.c: the command functions: the scripts as one library of functions, printed or loaded
 * into a server, or into each primary of a cluster. Knows how nodes are asked for; no queue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../line/command_line.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"
#include "open.h"
#include "server.h"
#include "slotq_redis.h"

/* The library, and how often it was loaded. */
typedef struct loading {
    const command_line *line;
    char *text; /* to be freed */
    size_t length;
    uint32_t visited; /* servers; of them the worst exit code */
    int code;
} loading;

static int complain_reply(const char *about, const redisReply *reply)
{
    slotq_error error;
    if (strstr(reply->str, "unknown command") != NULL) {
        complain("%s: functions need Redis 7 or newer", about);
        return slotq_outcome_exit(SLOTQ_UNSUPPORTED);
    }
    (void)slotq_redis_judge(reply, &error);
    return complain_error(about, &error);
}

/* Libraries of other versions are left alone: their clients may still run. */
static void tell_others(const char *about, slotq_redis_connection *server)
{
    redisReply *reply = server_ask(server, "FUNCTION", "LIST", "LIBRARYNAME", "slotq_*");
    const bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; told && i < reply->elements; i++) {
        const redisReply *library = reply->element[i];
        const bool is_named = library->type == REDIS_REPLY_ARRAY && library->elements >= 2 &&
                              library->element[1]->type == REDIS_REPLY_STRING;
        if (is_named && strcmp(library->element[1]->str, slotq_redis_functions_name()) != 0) {
            const word_text name = plain_word(library->element[1]->str);
            remark("%s also has %s, of another version; when no client of that is left: redis-cli "
                   "FUNCTION DELETE %s",
                   about, name.text, name.text);
        }
    }
    freeReplyObject(reply);
}

static void tell_loaded(const loading *it, const char *about, bool is_new)
{
    if (given(it->line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:s, s:b}", "library", slotq_redis_functions_name(), "url",
                              about, "loaded", is_new));
    } else {
        remark("%s: %s %s", about, slotq_redis_functions_name(),
               is_new ? "was loaded" : "was there already");
    }
}

static int load(const loading *it, const char *about, slotq_redis_connection *server)
{
    const char *words[] = {"FUNCTION", "LOAD", it->text};
    const size_t lengths[] = {8, 4, it->length};
    slotq_error error;
    redisReply *reply = NULL;
    if (slotq_redis_command(server, 3, words, lengths, &reply, &error) != SLOTQ_OK) {
        return complain_error(about, &error);
    }
    const bool is_there = reply_is_error(reply) && strstr(reply->str, "already exists") != NULL;
    int code = EXIT_CODE_OK;
    if (reply_is_error(reply) && !is_there) {
        code = complain_reply(about, reply);
    } else {
        tell_loaded(it, about, !is_there);
        tell_others(about, server);
    }
    freeReplyObject(reply);
    return code;
}

/* ---- the server, or the primaries of a cluster ---- */

static bool visit(void *context, const slotq_redis_primary *primary)
{
    loading *it = context;
    const word_text whole = shown_url(it->line->url);
    const char *about = primary->slots > 0 ? primary->address : whole.text;
    const int code = primary->connection == NULL ? complain_error(about, primary->error)
                                                 : load(it, about, primary->connection);
    it->code = it->visited == 0 ? code : worse_exit(it->code, code);
    it->visited++;
    return true;
}

static int run_load(loading *it)
{
    open_settings settings;
    slotq_error error;
    const word_text about = shown_url(it->line->url);
    if (!open_is_server(it->line->url)) {
        complain("%s is not a server: functions load is for Redis", about.text);
        return EXIT_CODE_USAGE;
    }
    if (open_server_options(it->line, &settings, &error) != EXIT_CODE_OK ||
        slotq_redis_visit(it->line->url, &settings.options, visit, it, &error) != SLOTQ_OK) {
        return complain_error(about.text, &error);
    }
    if (it->visited == 0) {
        complain("%s: no node of the cluster serves a slot, so nothing was loaded", about.text);
        return EXIT_CODE_FAILURE;
    }
    return it->code;
}

/* ---- the command ---- */

int run_functions(const command_line *line)
{
    loading it = {.line = line};
    const char *what = line->operands[0];
    const bool shows = strcmp(what, "show") == 0;
    if (!shows && strcmp(what, "load") != 0) {
        complain("functions %s: must be load or show", plain_word(what).text);
        return EXIT_CODE_USAGE;
    }
    it.text = slotq_redis_functions_text(&it.length);
    if (it.text == NULL) {
        complain("out of memory");
        return EXIT_CODE_FAILURE;
    }
    int code = EXIT_CODE_OK;
    if (!shows) {
        code = run_load(&it);
    } else if (fwrite(it.text, 1, it.length, stdout) != it.length) {
        code = output_failed();
    }
    free(it.text);
    return output_finish(code);
}
