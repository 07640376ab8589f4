/* private_server.h: a redis-server of the bench's own: a temporary folder, a unix socket, no port,
 * nothing on disk. Knows processes; no queue and no stream.
 */
#ifndef SLOTQ_BENCH_PRIVATE_SERVER_H
#define SLOTQ_BENCH_PRIVATE_SERVER_H

#include <stdbool.h>

/* Started and answering; ended with the bench, however it ends. false: there is no redis-server
 * on this machine. */
bool private_server_start(void);
const char *private_server_socket(void);
/* Ended by its process id, its folder removed. */
void private_server_stop(void);

#endif
