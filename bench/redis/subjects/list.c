/* list.c: a Redis list as a work queue, as LMOVE's page tells: LPUSH of many, a message
 * taken by moving it to the worker's own list, finished by removing it there by its value, which
 * the worker finds at the front. Lists have no leases.
 */
#include "subject.h"
#include "draft.h"
#include "../../support/sure.h"

#define LIST "bench:list"
#define TAKEN SUBJECT_TAKEN_KEY

static void list_reset(connection *wire)
{
    wire_do(wire, "DEL " LIST " " TAKEN);
}

static uint32_t list_push(connection *wire, uint32_t count)
{
    static kept_command kept;
    if (!kept_is_for(&kept, count)) {
        const slotq_data *messages = subject_messages();
        draft made = draft_begin();
        draft_command(&made, 2 + count);
        draft_put_text(&made, "LPUSH");
        draft_put_text(&made, LIST);
        for (uint32_t i = 0; i < count; i++) {
            draft_put(&made, messages[i].bytes, messages[i].size);
        }
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return 1;
}

static uint32_t list_take(connection *wire, uint32_t count)
{
    static kept_command kept;
    if (!kept_is_for(&kept, count)) {
        draft made = draft_begin();
        for (uint32_t i = 0; i < count; i++) {
            draft_command(&made, 5);
            draft_put_text(&made, "LMOVE");
            draft_put_text(&made, LIST);
            draft_put_text(&made, TAKEN);
            draft_put_text(&made, "RIGHT");
            draft_put_text(&made, "RIGHT");
        }
        kept_renew(&kept, &made, count);
    }
    kept_send(&kept, wire);
    return count;
}

static uint32_t list_ack(connection *wire, redisReply *const *taken, uint32_t count)
{
    subject_sight seen = {0};
    draft made = draft_begin();
    for (uint32_t i = 0; i < count; i++) {
        bench_need(taken[i]->type == REDIS_REPLY_STRING, "LMOVE of a message");
        subject_look(&seen, taken[i]->str, taken[i]->len);
        draft_command(&made, 4);
        draft_put_text(&made, "LREM");
        draft_put_text(&made, TAKEN);
        draft_put_text(&made, "1");
        draft_put(&made, taken[i]->str, taken[i]->len);
    }
    subject_sight_end(&seen, count, "LMOVE of all that was asked for");
    draft_send(&made, wire);
    return count;
}

static bool list_is_acked(const redisReply *reply, uint32_t count)
{
    (void)count;
    return reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
}

const subject subject_list = {"LIST",    LIST " " TAKEN, NULL,     list_reset,
                              list_push, list_take,      list_ack, list_is_acked};
