/* private_server.h: a redis-server of the example's own: a socket in a temporary folder, no port,
 * ended with the program. Knows processes and one server; must not know queues.
 */
#ifndef EXAMPLES_SERVER_PRIVATE_SERVER_H
#define EXAMPLES_SERVER_PRIVATE_SERVER_H

#include <sys/types.h>

/* Start the server (SLOTQ_REDIS_SERVER, or redis-server on the PATH) and return its URL when it
 * answers. The server and its folder go at exit, and after SIGINT, SIGTERM, SIGHUP or SIGPIPE;
 * SIGKILL leaves the folder. Without such a program the example says so and exits with 3; if the
 * server does not start, it exits with 1. Once per program. Nothing is
 * on disk. */
const char *private_server_start(void);

/* The same with an append-only file in the folder, synced before each reply: what the server has
 * confirmed is still there after private_server_kill (SIGKILL) and private_server_restart. The URL
 * stays. A restart exits as a start does. */
const char *private_server_start_durable(void);
void private_server_kill(void);
void private_server_restart(void);

/* fork for the example's own processes: the child dies with its parent, and leaves the server
 * alone. It must end by _exit. Exits with 1 if there are too many processes. */
pid_t private_server_fork(void);

#endif
