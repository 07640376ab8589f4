/* open.c: opens queues for the commands (open.h).
 */
#include "open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../say/report.h"
#include "../say/texts.h"

static int refuse_option(slotq_error *error, const char *text)
{
    error->outcome = SLOTQ_INVALID;
    snprintf(error->text, sizeof error->text, "%s", text);
    return EXIT_CODE_USAGE;
}

/* A worker repeats refused calls, and looks after its commands and signals in between. */
enum { RECONNECT_OF_WORKERS_MS = 200 };

/* A stream into push --block has no other copy of what it carries. */
enum { RECONNECT_OF_STREAMS_MS = 30000 };

static bool stop_at_signal(void *context)
{
    (void)context;
    return report_signal() != 0;
}

int open_options(const command_line *line, open_settings *settings, slotq_error *error)
{
    memset(settings, 0, sizeof *settings);
    memset(error, 0, sizeof *error);
    settings->options.redis = &settings->redis;
    settings->options.should_stop = stop_at_signal;
    settings->redis.force = given(line, OPTION_FORCE);
    settings->redis.wait_replicas = (uint32_t)option_number(line, OPTION_REPLICAS, 0);
    settings->redis.wait_fsynced = (uint32_t)option_number(line, OPTION_FSYNCED, 0);
    if (strcmp(line->command->name, "work") == 0) {
        settings->redis.reconnect_ms = RECONNECT_OF_WORKERS_MS;
    } else if (given(line, OPTION_BLOCK)) {
        settings->redis.reconnect_ms = RECONNECT_OF_STREAMS_MS;
    }
    if (given(line, OPTION_REPLICAS) && !open_is_server(line->url)) {
        return refuse_option(error, "--replicas is for Redis: a file has no replicas");
    }
    if (given(line, OPTION_FSYNCED) && !open_is_server(line->url)) {
        return refuse_option(error, "--fsynced is for Redis: for files there is --sync always");
    }
    if (!given(line, OPTION_SYNC)) {
        return EXIT_CODE_OK;
    }
    const char *how = line->options[OPTION_SYNC].text;
    if (strcmp(how, "always") != 0 && strcmp(how, "os") != 0) {
        return refuse_option(error, "--sync must be os or always");
    }
    if (strcmp(how, "always") == 0) {
        if (open_is_server(line->url) && strcmp(line->command->name, "doctor") != 0) {
            return refuse_option(error, "--sync always is for files: in Redis, durability is what "
                                        "the server is configured for; slotq doctor --sync always "
                                        "checks it");
        }
        settings->options.sync = SLOTQ_SYNC_ALWAYS;
    }
    return EXIT_CODE_OK;
}

int open_server_options(const command_line *line, open_settings *settings, slotq_error *error)
{
    enum { RECONNECT_MS = 10000 };
    const int code = open_options(line, settings, error);
    if (settings->redis.reconnect_ms == 0) {
        settings->redis.reconnect_ms = RECONNECT_MS;
    }
    return code;
}

slotq_outcome open_server(const command_line *line, const char *key,
                          slotq_redis_connection **server, slotq_error *error)
{
    open_settings settings;
    *server = NULL;
    if (open_server_options(line, &settings, error) != EXIT_CODE_OK) {
        return error->outcome;
    }
    return key == NULL
               ? slotq_redis_connect(line->url, &settings.options, server, error)
               : slotq_redis_connect_for(line->url, key, &settings.options, server, error);
}

command_text shown_command(const command_line *line, const char *command, const char *name)
{
    command_text shown;
    const bool has_url = given(line, OPTION_URL);
    snprintf(shown.text, sizeof shown.text, "slotq%s%s %s%s%s", has_url ? " -u " : "",
             has_url ? shell_word(shown_url(line->url).text).text : "", command,
             name != NULL ? " " : "", name != NULL ? shell_word(name).text : "");
    return shown;
}

bool open_is_server(const char *url)
{
    const slotq_place place = slotq_url_kind(url);
    return place != SLOTQ_PLACE_FOLDER && place != SLOTQ_PLACE_UNKNOWN;
}

int complain_at(const char *url, const char *name, const slotq_error *error)
{
    const bool of_folder = error->cause == SLOTQ_CAUSE_FOLDER;
    if (of_folder && error->system_errno == ENOTDIR) {
        complain("%s is not a folder: -u takes the folder of the queues, and a queue's name is its "
                 "file's name without .slotq",
                 shown_url(url).text);
        return slotq_outcome_exit(error->outcome);
    }
    return complain_error(of_folder ? shown_url(url).text : name, error);
}

/* The queue of a file's name, NAME.slotq, if there is one: NAME, to be freed; else NULL. */
static char *queue_of_file(const command_line *line, const char *name)
{
    const size_t ending = strlen(".slotq");
    const size_t length = strlen(name);
    if (open_is_server(line->url) || length <= ending ||
        strcmp(name + length - ending, ".slotq") != 0) {
        return NULL;
    }
    char *queue = strndup(name, length - ending);
    char *path = queue != NULL ? open_path(line->url, queue) : NULL;
    const bool is_there = path != NULL && access(path, F_OK) == 0;
    free(path);
    if (!is_there) {
        free(queue);
        queue = NULL;
    }
    return queue;
}

/* These commands work on a queue that is still empty. */
static bool begins_with_none(const command_line *line)
{
    static const char *const names[] = {"push", "reserve", "work"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        found = found || strcmp(line->command->name, names[i]) == 0;
    }
    return found;
}

command_text absent_remedy(const command_line *line, const char *name)
{
    command_text remedy;
    char *queue = queue_of_file(line, name);
    if (queue != NULL) {
        snprintf(remedy.text, sizeof remedy.text,
                 "did you mean %s? A queue is named without .slotq", shell_word(queue).text);
    } else if (begins_with_none(line)) {
        snprintf(remedy.text, sizeof remedy.text, "create it: %.2080s",
                 shown_command(line, "create", name).text);
    } else {
        snprintf(remedy.text, sizeof remedy.text, "to see which there are: %.2060s",
                 shown_command(line, "ls", NULL).text);
    }
    free(queue);
    return remedy;
}

int complain_open(const command_line *line, const char *name, const slotq_error *error)
{
    if (error->outcome != SLOTQ_NOQUEUE) {
        return complain_at(line->url, name, error);
    }
    complain("there is no queue %s in %s; %s", name, shown_url(line->url).text,
             absent_remedy(line, name).text);
    return slotq_outcome_exit(error->outcome);
}

int judge_time(const command_line *line, const slotq *queue, int option)
{
    const option_value *value = &line->options[option];
    const unsigned tick_ms = slotq_geometry_of(queue)->tick_ms;
    const uint64_t most_ms = (uint64_t)SLOTQ_LEASE_TICKS_MAX * tick_ms;
    if (!value->given || value->number <= most_ms) {
        return EXIT_CODE_OK;
    }
    complain("--%s %s: must be at most %s (%s ms) in %s, whose tick is %s",
             option_table[option].name, value->text, time_text(most_ms).text,
             count_text(most_ms).text, plain_word(line->operands[0]).text, time_text(tick_ms).text);
    return EXIT_CODE_USAGE;
}

int complain_queue(slotq *queue, const char *name)
{
    return complain_error(name, slotq_error_of(queue));
}

/* A journal to be replayed, or a missing one, needs the right to write. Users without it get the
 * error of the read-only open. */
static slotq_outcome open_to_mend(const command_line *line, const char *name,
                                  open_settings *settings, slotq_outcome refused, slotq **queue,
                                  slotq_error *error)
{
    const slotq_error why = *error;
    settings->options.read_only = false;
    const slotq_outcome outcome = slotq_open(line->url, name, &settings->options, queue, error);
    const int number = outcome == SLOTQ_IO ? error->system_errno : 0;
    if (number == EACCES || number == EPERM || number == EROFS) {
        *error = why;
        return refused;
    }
    return outcome;
}

slotq_outcome open_quietly(const command_line *line, const char *name, bool to_look, slotq **queue,
                           slotq_error *error)
{
    open_settings settings;
    *queue = NULL;
    if (open_options(line, &settings, error) != EXIT_CODE_OK) {
        return error->outcome;
    }
    if (to_look) {
        settings.options.read_only = true;
        const slotq_outcome outcome = slotq_open(line->url, name, &settings.options, queue, error);
        if (open_is_server(line->url) || (outcome != SLOTQ_IO && outcome != SLOTQ_UNSUPPORTED)) {
            return outcome;
        }
        return open_to_mend(line, name, &settings, outcome, queue, error);
    }
    return slotq_open(line->url, name, &settings.options, queue, error);
}

static int open_either(const command_line *line, const char *name, bool to_look, slotq **queue)
{
    slotq_error error;
    const slotq_outcome outcome = open_quietly(line, name, to_look, queue, &error);
    if (outcome == SLOTQ_OK) {
        return EXIT_CODE_OK;
    }
    return complain_open(line, name, &error);
}

int open_queue(const command_line *line, const char *name, slotq **queue)
{
    return open_either(line, name, false, queue);
}

int open_to_look(const command_line *line, const char *name, slotq **queue)
{
    return open_either(line, name, true, queue);
}

char *open_path(const char *url, const char *name)
{
    const size_t size = strlen(url) + strlen(name) + sizeof "/.slotq";
    char *path = malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s/%s.slotq", url, name);
    }
    return path;
}
