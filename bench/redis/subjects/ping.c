/* ping.c: the bound of whatever is a command: each verb is one PING, no byte is kept.
 */
#include "subject.h"
#include "../../support/sure.h"

#include <string.h>

static void ping_reset(connection *wire)
{
    (void)wire;
}

static uint32_t ping_send(connection *wire, uint32_t count)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    (void)count;
    wire_append(wire, ping, sizeof ping - 1);
    return 1;
}

static uint32_t ping_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    bench_need(taken[0]->type == REDIS_REPLY_STATUS && strcmp(taken[0]->str, "PONG") == 0, "PING");
    return ping_send(wire, count);
}

static bool ping_is_acked(const redisReply *reply, uint32_t count)
{
    (void)count;
    return reply->type == REDIS_REPLY_STATUS;
}

const subject subject_ping = {"PING",    "bench:nothing", NULL,     ping_reset,
                              ping_send, ping_send,       ping_ack, ping_is_acked};
