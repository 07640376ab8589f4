/* recovery.c: messages of a worker whose connection is gone, given to the next worker: each by
 * the means it has. Knows how each gives them out again.
 */
#include "redis.h"
#include "stage.h"
#include "../../support/samples.h"
#include "../../support/sure.h"

#include <string.h>
#include <unistd.h>

enum {
    LEASE_MS = 5000, /* longer than all are taken, on a busy machine too */
    NEXT_LEASE_MS = 600000,
    PAUSE_US = 1000,
    WAIT_MS = 60000
};

/* Appends what gives up to STAGE_CALL_MOST messages of the dead worker to another one; the number
 * of replies. */
typedef uint32_t ask_again(connection *wire, const char *cursor);

/* Reserving is enough. */
static uint32_t slotq_again(connection *wire, const char *cursor)
{
    (void)cursor;
    return subject_packed.take(wire, STAGE_CALL_MOST);
}

static uint32_t streams_again(connection *wire, const char *cursor)
{
    char line[160];
    snprintf(line, sizeof line, "XAUTOCLAIM " SUBJECT_STREAM_KEY " g another %d %s COUNT %d",
             LEASE_MS, cursor, STAGE_CALL_MOST);
    bench_need(redisAppendCommand(wire->context, line) == REDIS_OK, "redisAppendCommand");
    return 1;
}

/* Another worker, told by other means that the first is dead, takes over its list. */
static uint32_t list_again(connection *wire, const char *cursor)
{
    static const char move[] = "LMOVE " SUBJECT_TAKEN_KEY " bench:again LEFT RIGHT";
    (void)cursor;
    for (int i = 0; i < STAGE_CALL_MOST; i++) {
        bench_need(redisAppendCommand(wire->context, move) == REDIS_OK, "redisAppendCommand");
    }
    return STAGE_CALL_MOST;
}

static uint32_t leases_again(connection *wire, const char *cursor)
{
    (void)cursor;
    subject_leases_recover(wire, STAGE_CALL_MOST);
    return 1 + subject_leases.take(wire, STAGE_CALL_MOST);
}

static ask_again *means_of(const subject *queue)
{
    static const struct {
        const subject *queue;
        ask_again *again;
    } means[] = {
        {&subject_packed, slotq_again},
        {&subject_streams, streams_again},
        {&subject_list, list_again},
        {&subject_leases, leases_again},
    };
    for (uint32_t i = 0; i < sizeof means / sizeof *means; i++) {
        if (means[i].queue == queue) {
            return means[i].again;
        }
    }
    bench_need(false, "knowing how messages are given again");
    return NULL;
}

/* Pushes all, then takes them on a connection that ends; when its last lease runs out. */
static uint64_t let_worker_die(const subject *queue, redis_stage *stage, uint32_t messages)
{
    connection worker;
    queue->reset(&stage->wire);
    stage_push_all(&stage->wire, queue, messages);
    wire_open(&worker, private_server_socket(stage->server));
    stage_take_all(&worker, queue, messages);
    const uint64_t end_ns = clock_ns() + (uint64_t)LEASE_MS * 1000000;
    wire_close(&worker);
    return end_ns;
}

/* The messages in so many replies; XAUTOCLAIM's next cursor. */
static uint32_t read_again(connection *wire, uint32_t replies, char *cursor, uint32_t room)
{
    uint32_t messages = 0;
    for (; replies > 0; replies--) {
        redisReply *reply = wire_reply(wire);
        messages += stage_messages_in(reply);
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) { /* XAUTOCLAIM's */
            snprintf(cursor, room, "%s", reply->element[0]->str);
        }
        freeReplyObject(reply);
    }
    return messages;
}

static void take_again(const subject *queue, connection *wire, uint32_t messages,
                       recovery_times *times)
{
    ask_again *ask = means_of(queue);
    char cursor[64] = "0-0";
    slow_times server;
    uint32_t replies = 0;
    uint32_t seen = 0;
    slow_begin(wire);
    const uint64_t start_ns = clock_ns();
    while (seen < messages) {
        const uint32_t asked = ask(wire, cursor);
        const uint32_t count = read_again(wire, asked, cursor, sizeof cursor);
        const double passed_ms = (double)(clock_ns() - start_ns) / 1e6;
        if (seen == 0 && count > 0) {
            times->first_ms = passed_ms;
        }
        seen += count;
        replies += asked;
        times->all_ms = passed_ms;
        bench_need(passed_ms < WAIT_MS, "giving all messages again");
        if (count == 0) {
            usleep(PAUSE_US);
        }
    }
    bench_need(seen == messages, "giving each message again once");
    slow_end(wire, replies, &server);
    times->server_most_us = server.most_us;
}

void redis_recover(const contender *self, uint32_t messages, recovery_times *times)
{
    const subject *queue = redis_own_of(self)->subject;
    redis_stage stage;
    stage_open(&stage, queue, NULL);
    subject_shape_set(32, messages);
    subject_lease_set(LEASE_MS);
    const uint64_t end_ns = let_worker_die(queue, &stage, messages);
    subject_lease_set(NEXT_LEASE_MS);
    while (clock_ns() < end_ns) {
        usleep(PAUSE_US);
    }
    take_again(queue, &stage.wire, messages, times);
    stage_close(&stage);
}
