/* open.h: queues opened as the command line says, with messages that name the remedy. Knows
 * where a folder keeps a queue, not what is in it.
 */
#ifndef SLOTQ_TOOLS_VERBS_OPEN_H
#define SLOTQ_TOOLS_VERBS_OPEN_H

#include "../line/command_line.h"
#include "slotq_redis.h"

/* Options for the library from the command line; they point into each other: not to be copied. */
typedef struct open_settings {
    slotq_options options;
    slotq_redis_options redis;
} open_settings;

/* EXIT_CODE_OK, or EXIT_CODE_USAGE and error filled. */
int open_options(const command_line *line, open_settings *settings, slotq_error *error);

/* The same for a plain connection: refusals that pass are waited for. */
int open_server_options(const command_line *line, open_settings *settings, slotq_error *error);

/* A plain connection to the server of the URL, in a cluster to the node that serves a key
 * (NULL: to the node of the URL). Refusals that pass are waited for, here and by
 * slotq_redis_command on it, for as long as calls on queues do. */
slotq_outcome open_server(const command_line *line, const char *key,
                          slotq_redis_connection **server, slotq_error *error);

/* Open to change or only to look at; EXIT_CODE_OK, or another after a message. To look asks
 * for no right to write where that can be done. */
int open_queue(const command_line *line, const char *name, slotq **queue);
int open_to_look(const command_line *line, const char *name, slotq **queue);

/* The same without a message: the outcome, and error filled. */
slotq_outcome open_quietly(const command_line *line, const char *name, bool to_look, slotq **queue,
                           slotq_error *error);

/* A lease or delay of the line that this queue's ticks can count; EXIT_CODE_OK, or another after
 * a message in the units of the line. */
int judge_time(const command_line *line, const slotq *queue, int option);

/* Say why a call on a queue failed; returns the exit code. */
int complain_queue(slotq *queue, const char *name);

/* The same of a call that has no handle, where it may be the folder that is not there; name may be
 * NULL. */
int complain_at(const char *url, const char *name, const slotq_error *error);

/* The same of opening; for NOQUEUE with absent_remedy. */
int complain_open(const command_line *line, const char *name, const slotq_error *error);

/* FOLDER/NAME.slotq, to be freed; NULL without memory. */
char *open_path(const char *url, const char *name);

/* A command to be shown to people, on this line's URL (its password hidden): "slotq -u URL push
 * 'my jobs'"; name NULL = none. */
typedef struct command_text {
    char text[2100];
} command_text;
command_text shown_command(const command_line *line, const char *command, const char *name);

/* What to do about a name that no queue has: the queue of a file's name, the line that creates it,
 * or the one that lists queues. */
command_text absent_remedy(const command_line *line, const char *name);

/* The URL is a server's, not a folder. */
bool open_is_server(const char *url);

#endif
