/* no_tls.c: a build without TLS refuses it. See tls.h.
 */
#include "tls.h"

slotq_outcome redis_tls_make(const redis_address *address, uint32_t timeout_ms,
                             redis_transport *transport, store_fault *fault)
{
    (void)address;
    (void)timeout_ms;
    (void)transport;
    return fault_say(fault, SLOTQ_UNSUPPORTED,
                     "this build has no TLS (rediss://, valkeys://): use redis:// or unix://, and "
                     "a tunnel if the network is not trusted");
}

slotq_outcome redis_tls_start(redis_transport *transport, const redis_address *address,
                              int socket_fd, uint32_t within_ms, store_fault *fault)
{
    (void)socket_fd;
    (void)within_ms;
    return redis_tls_make(address, 0, transport, fault);
}

void redis_tls_look(const redis_transport *transport, slotq_redis_tls_facts *facts)
{
    (void)transport;
    (void)facts;
}

const char *redis_tls_library(void)
{
    return NULL;
}
