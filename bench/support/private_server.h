/* private_server.h: servers of the bench's own, each in a temporary folder, ended with the bench
 * however it ends. Knows processes; no queue and no protocol.
 */
#ifndef SLOTQ_BENCH_PRIVATE_SERVER_H
#define SLOTQ_BENCH_PRIVATE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct private_server private_server;

/* words: the program and its arguments, NULL at the end; it starts in a new temporary folder and
 * is there when the unix socket of that name, relative to the folder, accepts. NULL: the program
 * is not on this machine. Ends the bench where it does not start. */
private_server *private_server_start(const char *const *words, const char *socket_name);
/* The same for a server without such a socket: is_there looks for what the server leaves in its
 * folder once it accepts, and is asked again until it does. */
private_server *private_server_start_until(const char *const *words,
                                           bool (*is_there)(const private_server *self));
/* A redis-server on a unix socket with nothing on disk; options: more words for it, NULL at the
 * end, or NULL. */
private_server *private_redis_start(const char *const *options);
/* Options for an append-only file that is never rewritten, so that its growth is what was sent. */
extern const char *const private_redis_logging[];

/* Its folder, its socket, its process: valid until it is stopped. */
const char *private_server_folder(const private_server *self);
const char *private_server_socket(const private_server *self);
int private_server_pid(const private_server *self);
/* Bytes of its process in memory (RSS), 0 when it cannot be told. */
uint64_t private_server_resident_bytes(const private_server *self);
/* Bytes that its process has written so far, to files and to sockets. */
uint64_t private_server_written_bytes(const private_server *self);

/* Ended by its process id, its folder removed with all in it. NULL is nothing. */
void private_server_stop(private_server *self);

#endif
