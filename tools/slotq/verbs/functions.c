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

enum { URL_BYTES = 4096 };

/* The library, and how often it was loaded. */
typedef struct loading {
    const command_line *line;
    char *text; /* to be freed */
    size_t length;
} loading;

static int complain_reply(const char *url, const redisReply *reply)
{
    slotq_error error;
    if (strstr(reply->str, "unknown command") != NULL) {
        complain("%s: functions need Redis 7 or newer", shown_url(url).text);
        return slotq_outcome_exit(SLOTQ_UNSUPPORTED);
    }
    (void)slotq_redis_judge(reply, &error);
    return complain_error(shown_url(url).text, &error);
}

/* Libraries of other versions are left alone: their clients may still run. */
static void tell_others(const char *url, slotq_redis_connection *server)
{
    redisReply *reply = server_ask(server, "FUNCTION", "LIST", "LIBRARYNAME", "slotq_*");
    const bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; told && i < reply->elements; i++) {
        const redisReply *library = reply->element[i];
        const bool is_named = library->type == REDIS_REPLY_ARRAY && library->elements >= 2 &&
                              library->element[1]->type == REDIS_REPLY_STRING;
        if (is_named && strcmp(library->element[1]->str, slotq_redis_functions_name()) != 0) {
            remark("%s also has %s, of another version; when no client of that is left: redis-cli "
                   "FUNCTION DELETE %s",
                   shown_url(url).text, library->element[1]->str, library->element[1]->str);
        }
    }
    freeReplyObject(reply);
}

static void tell_loaded(const loading *it, const char *url, bool is_new)
{
    if (given(it->line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:s, s:b}", "library", slotq_redis_functions_name(), "url",
                              shown_url(url).text, "loaded", is_new));
    } else {
        remark("%s: %s %s", shown_url(url).text, slotq_redis_functions_name(),
               is_new ? "was loaded" : "was there already");
    }
}

static int load(const loading *it, const char *url, slotq_redis_connection *server)
{
    const char *words[] = {"FUNCTION", "LOAD", it->text};
    const size_t lengths[] = {8, 4, it->length};
    slotq_error error;
    redisReply *reply = NULL;
    if (slotq_redis_command(server, 3, words, lengths, &reply, &error) != SLOTQ_OK) {
        return complain_error(shown_url(url).text, &error);
    }
    const bool is_there = reply_is_error(reply) && strstr(reply->str, "already exists") != NULL;
    int code = EXIT_CODE_OK;
    if (reply_is_error(reply) && !is_there) {
        code = complain_reply(url, reply);
    } else {
        tell_loaded(it, url, !is_there);
        tell_others(url, server);
    }
    freeReplyObject(reply);
    return code;
}

/* ---- the primaries of a cluster ---- */

/* The same URL with another host. false: it is too long. */
static bool url_of_node(const char *url, const char *host, long long port, char *made)
{
    const char *rest = strstr(url, "://");
    const bool is_unix = strncmp(url, "unix:", 5) == 0;
    if (rest == NULL) {
        return false;
    }
    const char *place = rest + strlen("://");
    const char *tail = place + strcspn(place, is_unix ? "?" : "/?");
    const char *login = place;
    for (const char *at = place; !is_unix && at < tail; at++) {
        login = *at == '@' ? at + 1 : login;
    }
    const bool is_v6 = strchr(host, ':') != NULL;
    const int wanted =
        snprintf(made, URL_BYTES, "%.*s://%.*s%s%s%s:%lld%s", is_unix ? 5 : (int)(rest - url),
                 is_unix ? "redis" : url, (int)(login - place), place, is_v6 ? "[" : "", host,
                 is_v6 ? "]" : "", port, tail);
    return wanted > 0 && wanted < URL_BYTES;
}

static int load_into(const loading *it, const char *url)
{
    command_line there = *it->line;
    slotq_redis_connection *server;
    slotq_error error;
    there.url = url;
    if (open_server(&there, NULL, &server, &error) != SLOTQ_OK) {
        return complain_error(shown_url(url).text, &error);
    }
    const int code = load(it, url, server);
    slotq_redis_close(server);
    return code;
}

/* [first slot, last slot, [host, port, …] of the primary, …] */
static const redisReply *primary_of(const redisReply *slots, size_t at)
{
    const redisReply *range = slots->element[at];
    const bool has = range->type == REDIS_REPLY_ARRAY && range->elements >= 3 &&
                     range->element[2]->type == REDIS_REPLY_ARRAY &&
                     range->element[2]->elements >= 2 &&
                     range->element[2]->element[0]->type == REDIS_REPLY_STRING &&
                     range->element[2]->element[1]->type == REDIS_REPLY_INTEGER;
    return has ? range->element[2] : NULL;
}

static bool is_same_node(const redisReply *one, const redisReply *other)
{
    return one != NULL && other != NULL &&
           strcmp(one->element[0]->str, other->element[0]->str) == 0 &&
           one->element[1]->integer == other->element[1]->integer;
}

static int load_into_nodes(const loading *it, const redisReply *slots)
{
    int code = EXIT_CODE_OK;
    for (size_t i = 0; i < slots->elements; i++) {
        char url[URL_BYTES];
        const redisReply *node = primary_of(slots, i);
        bool is_known = node == NULL;
        for (size_t j = 0; j < i && !is_known; j++) {
            is_known = is_same_node(node, primary_of(slots, j));
        }
        if (is_known) {
            continue;
        }
        if (!url_of_node(it->line->url, node->element[0]->str, node->element[1]->integer, url)) {
            complain("%s: the address of a node is too long", node->element[0]->str);
            code = EXIT_CODE_FAILURE;
        } else {
            code = worse_exit(code, load_into(it, url));
        }
    }
    return code;
}

static int load_everywhere(const loading *it, slotq_redis_connection *server)
{
    redisReply *info = server_ask(server, "INFO", "cluster");
    const bool in_cluster = strcmp(server_info_field(info, "cluster_enabled").text, "1") == 0;
    freeReplyObject(info);
    if (!in_cluster) {
        return load(it, it->line->url, server);
    }
    redisReply *slots = server_ask(server, "CLUSTER", "SLOTS");
    int code = EXIT_CODE_FAILURE;
    if (slots == NULL || slots->type != REDIS_REPLY_ARRAY || slots->elements == 0) {
        complain("%s: the cluster does not tell its nodes; load the library into each primary: "
                 "slotq functions show | redis-cli -h HOST -x FUNCTION LOAD",
                 shown_url(it->line->url).text);
    } else {
        code = load_into_nodes(it, slots);
    }
    freeReplyObject(slots);
    return code;
}

/* ---- the command ---- */

static int run_load(const loading *it)
{
    slotq_redis_connection *server;
    slotq_error error;
    if (!open_is_server(it->line->url)) {
        complain("%s is not a server: functions load is for Redis", shown_url(it->line->url).text);
        return EXIT_CODE_USAGE;
    }
    if (open_server(it->line, NULL, &server, &error) != SLOTQ_OK) {
        return complain_error(shown_url(it->line->url).text, &error);
    }
    const int code = load_everywhere(it, server);
    slotq_redis_close(server);
    return code;
}

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
