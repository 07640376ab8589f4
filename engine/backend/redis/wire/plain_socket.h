/* plain_socket.h: the transport of a connected socket whose bytes are those of the protocol. Knows
 * the system's sockets; no address.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_PLAIN_SOCKET_H
#define SLOTQ_BACKEND_REDIS_WIRE_PLAIN_SOCKET_H

#include "transport.h"

/* Over a socket that blocks; its SO_RCVTIMEO is the time-out of reads that may wait. */
redis_transport redis_plain_socket(int socket_fd);

#endif
