/* tls.h: the transport of a socket whose bytes are encrypted. tls.c does it with OpenSSL; a build
 * without it has no_tls.c instead. Knows certificates and time; no protocol behind them.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_TLS_H
#define SLOTQ_BACKEND_REDIS_WIRE_TLS_H

#include "address.h"
#include "transport.h"

/* Before there is a socket: read the files that the address names. *transport has no descriptor
 * yet; close it in any case after OK. OK, INVALID (a file, a name), UNSUPPORTED (no TLS in this
 * build), NOMEMORY. */
slotq_outcome redis_tls_make(const redis_address *address, uint32_t timeout_ms,
                             redis_transport *transport, store_fault *fault);

/* Shake hands over a connected socket, which the transport owns from now on, and verify the server.
 * OK, CONNECT with the reason. */
slotq_outcome redis_tls_start(redis_transport *transport, const redis_address *address,
                              int socket_fd, uint32_t within_ms, store_fault *fault);

/* Of a transport of TLS, after its start; facts is all 0. */
void redis_tls_look(const redis_transport *transport, slotq_redis_tls_facts *facts);

/* Its name and version, or NULL: there is none in this build. */
const char *redis_tls_library(void);

#endif
