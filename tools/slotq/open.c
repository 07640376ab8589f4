/* open.c: opens queues for the commands (open.h).
 */
#include "open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

int open_options(const command_line *line, slotq_options *options)
{
    memset(options, 0, sizeof *options);
    if (given(line, OPTION_SYNC)) {
        const char *how = line->options[OPTION_SYNC].text;
        if (strcmp(how, "always") == 0) {
            options->sync = SLOTQ_SYNC_ALWAYS;
        } else if (strcmp(how, "os") != 0) {
            complain("--sync %s: must be os or always", how);
            return EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_OK;
}

const char *open_url_words(const command_line *line, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (given(line, OPTION_URL)) {
        snprintf(buffer, size, " -u %s", line->url);
    }
    return buffer;
}

/* Texts that name the queue need no prefix. */
int complain_about(const char *name, const slotq_error *error)
{
    return complain_error(strstr(error->text, name) == NULL ? name : NULL, error);
}

int complain_open(const command_line *line, const char *name, const slotq_error *error)
{
    char words[256];
    const int code = complain_about(name, error);
    if (error->outcome == SLOTQ_NOQUEUE && strstr(error->text, "slotq create") == NULL) {
        complain("make it: slotq%s create %s", open_url_words(line, words, sizeof words), name);
    }
    return code;
}

int complain_queue(const slotq *queue, const char *name)
{
    return complain_about(name, slotq_error_of(queue));
}

slotq_outcome open_quietly(const command_line *line, const char *name, bool to_look, slotq **queue,
                           slotq_error *error)
{
    slotq_options options;
    if (open_options(line, &options) != EXIT_CODE_OK) {
        memset(error, 0, sizeof *error);
        error->outcome = SLOTQ_INVALID;
        snprintf(error->text, sizeof error->text, "--sync must be os or always");
        return SLOTQ_INVALID;
    }
    if (to_look) {
        options.read_only = true;
        const slotq_outcome outcome = slotq_open(line->url, name, &options, queue, error);
        if (outcome != SLOTQ_IO && outcome != SLOTQ_UNSUPPORTED) {
            return outcome;
        }
        /* a journal to be replayed, or none yet: that takes the right to write */
        options.read_only = false;
    }
    return slotq_open(line->url, name, &options, queue, error);
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
