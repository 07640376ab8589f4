/* dial.h: a connected socket to an address, within a time. Knows sockets; not what is said on
 * them.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_DIAL_H
#define SLOTQ_BACKEND_REDIS_WIRE_DIAL_H

#include "address.h"

/* OK, or CONNECT with the reason. The socket blocks, but at most timeout_ms a read or write. */
slotq_outcome redis_dial(const redis_address *address, uint32_t connect_timeout_ms,
                         uint32_t timeout_ms, int *socket_fd, store_fault *fault);

#endif
