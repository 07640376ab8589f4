/* wire.h: one connection to the bench's server, through hiredis: commands made once and sent many
 * times, replies in order. Knows the protocol; no queue and no stream.
 */
#ifndef SLOTQ_BENCH_WIRE_H
#define SLOTQ_BENCH_WIRE_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

typedef struct connection {
    redisContext *context;
} connection;

/* All end the bench with a message when the server does not do its part. */
void wire_open(connection *self, const char *socket_path);
void wire_close(connection *self);

/* A command in protocol bytes, owned by the caller: wire_command_free. */
typedef struct wire_command {
    char *bytes;
    size_t length;
} wire_command;

wire_command wire_format(const char *const *words, const size_t *lengths, int count);
void wire_command_free(wire_command *command);

/* Sent when a reply is asked for that is not there yet, together with all before it. */
void wire_append(connection *self, const char *bytes, size_t length);

/* The next reply, no error; wire_reply_free. */
redisReply *wire_reply(connection *self);
/* The next so many replies, no errors, thrown away. */
void wire_skip(connection *self, uint32_t count);

/* One command of words without blanks in them, its reply. */
redisReply *wire_ask(connection *self, const char *line);
void wire_do(connection *self, const char *line);
void wire_set(connection *self, const char *key, const void *bytes, size_t length);
/* SHA-1 of a script now loaded; 41 bytes. */
void wire_load(connection *self, const char *text, size_t length, char *sha1);

/* A number that INFO tells: section "stats", field "total_commands_processed". */
double wire_info(connection *self, const char *section, const char *field);
/* CPU seconds that the server's main thread has used so far. */
double wire_server_seconds(connection *self);
/* Commands that the server has run so far. */
double wire_server_commands(connection *self);

#endif
