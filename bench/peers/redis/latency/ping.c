/* ping.c: what the way to the server and back takes when a PING goes out for each
 * message: no queue, no consumer, a bound.
 */
#include "latency.h"
#include "../../../support/sure.h"
#include "../../../support/wire.h"

static void nothing(const char *socket_path)
{
    (void)socket_path;
}

static void ping(void *own, const latency_load *due)
{
    static const char word[] = "*1\r\n$4\r\nPING\r\n";
    for (uint32_t i = 0; i < due->count; i++) {
        wire_append(own, word, sizeof word - 1);
    }
    for (uint32_t i = 0; i < due->count; i++) {
        wire_skip(own, 1);
        latency_take(due->tray, due->payloads[i], LATENCY_PAYLOAD_BYTES);
    }
}

const latency_peer latency_ping = {nothing, nothing, latency_open_wire, ping, NULL};
