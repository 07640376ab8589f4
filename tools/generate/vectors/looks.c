/* looks.c: see verbs.h. Here: the verbs that look, and those for people who run a queue. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verbs.h"

void ask_status(void)
{
    const uint8_t group = any_group();
    uint64_t ids[2];
    const uint32_t count = 1 + below(2);
    begin_line("status");
    argue(group);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = any_id();
        argue(ids[i]);
    }
    printf("],\"reply\":");
    for (uint32_t i = 0; i < count; i++) {
        slotq_call call = fresh(SLOTQ_STATUS);
        call.status.id = ids[i];
        call.status.group = group;
        const slotq_outcome outcome = slotq_core_run(image, &queue_view, &call, &queue_step);
        if (outcome == SLOTQ_INVALID) {
            put_refusal(outcome);
            return;
        }
        slotq_status status = call.status.status;
        if (outcome != SLOTQ_OK) {
            memset(&status, 0, sizeof status);
        }
        const bool is_done = outcome == SLOTQ_OK && status.state == SLOTQ_STATE_DONE;
        const uint64_t pushed_ms = status.pushed_ms;
        printf(i == 0 ? "[" : ",");
        printf("\"%s\",%d", outcome == SLOTQ_OK ? state_names[status.state] : name_of(outcome),
               is_done ? (int)status.why : 0);
        put_item(",", status.attempts);
        put_item(",", status.deadline_ms);
        printf(",%" PRId64,
               pushed_ms == 0 ? -1 : (int64_t)(now_ms - (pushed_ms < now_ms ? pushed_ms : now_ms)));
        put_item(",", status.position);
        put_item(",", pushed_ms);
    }
    printf("]");
}

void ask_stats(void)
{
    slotq_call call = fresh(SLOTQ_STATS);
    call.stats.group = any_group();
    begin_line("stats");
    argue(call.stats.group);
    const slotq_outcome outcome = run(&call);
    if (outcome != SLOTQ_OK) {
        put_refusal(outcome);
        return;
    }
    const slotq_stats *stats = &call.stats.stats;
    const slotq_holder *holder = &stats->holder;
#define IS(name)                                                                                   \
    {                                                                                              \
#name, stats->name                                                                         \
    }
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        IS(last_id),
        IS(capacity),
        IS(used),
        IS(group),
        IS(ready),
        IS(undelivered),
        IS(leased),
        IS(waiting),
        IS(unfinished),
        IS(acked),
        IS(redelivered),
        IS(died),
        IS(next_due_ms),
        IS(oldest_ms),
        IS(aside),
        IS(aside_capacity),
        IS(later),
        IS(later_capacity),
        IS(later_due_ms),
        IS(dead),
        IS(dead_capacity),
        IS(dropped),
        IS(dead_dropped),
        IS(paused),
        {"max_leased", stats->limits.max_leased},
        {"rate_burst", stats->limits.rate_burst},
        {"rate_interval_us", stats->limits.rate_interval_us},
        IS(limited_until_ms),
        {"holder_id", holder->id},
        {"holder_held", holder->held},
        {"holder_unfinished", holder->unfinished},
        {"holder_group", holder->group},
        {"holder_state", (uint64_t)holder->state},
        {"holder_steps_aside", holder->steps_aside},
        {"holder_dead_full", holder->dead_full},
    };
#undef IS
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        printf("%s\"%s\",%" PRIu64, i == 0 ? "[" : ",", numbers[i].name, numbers[i].number);
    }
    printf("]");
}

static uint64_t any_later_id(void)
{
    return 1 + below(last_later_id + 2);
}

void cancel(void)
{
    slotq_call call = fresh(SLOTQ_CANCEL);
    call.cancel.later_id = any_later_id();
    begin_line("cancel");
    argue(call.cancel.later_id);
    put_simple(run(&call));
}

void kick(bool is_later)
{
    slotq_call call = fresh(SLOTQ_KICK);
    call.kick.is_later = is_later;
    call.kick.id = is_later ? any_later_id() : any_id();
    call.kick.group = any_group();
    begin_line("kick");
    argue(call.kick.id);
    if (is_later) {
        argue_text("later");
    } else {
        argue(call.kick.group);
    }
    put_simple(run(&call));
}

void find(void)
{
    slotq_call call = fresh(SLOTQ_FIND);
    any_keys(1);
    call.find.key = keys[0];
    begin_line("find");
    argue_key(call.find.key);
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
        return;
    }
    static const slotq_key_holder none;
    printf("[");
    put_status(name_of(outcome));
    put_holder_of_key(outcome == SLOTQ_OK ? &call.find.holder : &none);
}

void finish_message(void)
{
    slotq_call call = fresh(SLOTQ_REMOVE);
    call.remove.id = any_id();
    call.remove.group = one_in(3) ? SLOTQ_ALL_GROUPS : any_group();
    begin_line("remove");
    argue(call.remove.id);
    argue_group(call.remove.group);
    put_simple(run(&call));
}

void reclaim(void)
{
    slotq_call call = fresh(SLOTQ_RECLAIM);
    call.reclaim.group = any_group();
    begin_line("reclaim");
    argue(call.reclaim.group);
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
        return;
    }
    printf("[");
    put_status(name_of(outcome));
    printf(",%" PRIu32 ",%" PRIu32 "]", call.reclaim.ready_count, call.reclaim.dead_count);
}

void redrive(void)
{
    slotq_call call = fresh(SLOTQ_REDRIVE);
    call.dead.limit = 1 + below(3);
    begin_line("redrive");
    argue(call.dead.limit);
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
        return;
    }
    if (call.dead.count > 0) {
        last_id = call.dead.first_id + call.dead.count - 1;
    }
    printf("[");
    put_status(name_of(outcome));
    printf(",%" PRIu32 ",%" PRIu64 ",%" PRIu32 "]", call.dead.count, call.dead.first_id,
           call.dead.damaged);
}

void dead_remove(void)
{
    slotq_call call = fresh(SLOTQ_DEAD_REMOVE);
    call.dead.id = any_id();
    call.dead.group = SLOTQ_ALL_GROUPS;
    begin_line("dead_remove");
    argue(call.dead.id);
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
        return;
    }
    printf("[");
    put_status(name_of(outcome));
    printf(",%" PRIu32 "]", call.dead.count);
}

void dead_list(void)
{
    slotq_item items[MESSAGES_MAX];
    slotq_call call = fresh(SLOTQ_DEAD_LIST);
    call.look.items = items;
    call.look.capacity = MESSAGES_MAX;
    call.look.group = SLOTQ_ALL_GROUPS;
    begin_line("dead_list");
    argue(call.look.from);
    argue(call.look.capacity);
    (void)run(&call);
    printf("[");
    for (uint32_t i = 0; i < call.look.count; i++) {
        const slotq_item *item = &items[i];
        put_item(i == 0 ? "" : ",", item->id);
        put_item(",", item->died_at_ms);
        put_item(",", item->attempts);
        put_item(",", item->group);
        put_item(",", item->reason);
        put_payload(item->slot_offset);
        putchar(',');
        put_bytes(image + item->slot_offset - now_in->geometry.note_bytes, item->note_bytes);
    }
    printf("]");
}

void later_list(void)
{
    slotq_item items[MESSAGES_MAX];
    slotq_call call = fresh(SLOTQ_LATER_LIST);
    call.look.items = items;
    call.look.capacity = MESSAGES_MAX;
    begin_line("later_list");
    argue(call.look.from);
    argue(call.look.capacity);
    (void)run(&call);
    printf("[");
    for (uint32_t i = 0; i < call.look.count; i++) {
        put_item(i == 0 ? "" : ",", items[i].id);
        put_item(",", items[i].due_ms);
        put_payload(items[i].slot_offset);
    }
    printf("]");
}

void peek(void)
{
    slotq_item items[MESSAGES_MAX];
    slotq_call call = fresh(SLOTQ_PEEK);
    call.look.items = items;
    call.look.capacity = MESSAGES_MAX;
    call.look.from = one_in(2) ? 0 : any_id();
    call.look.group = any_group();
    begin_line("peek");
    argue(call.look.group);
    argue(call.look.from);
    argue(call.look.capacity);
    const slotq_outcome outcome = run(&call);
    if (outcome == SLOTQ_INVALID) {
        put_refusal(outcome);
        return;
    }
    printf("[");
    for (uint32_t i = 0; i < call.look.count; i++) {
        put_item(i == 0 ? "" : ",", items[i].id);
        printf(",\"%s\"", state_names[items[i].state]);
        put_item(",", items[i].attempts);
        put_payload(items[i].slot_offset);
    }
    printf("]");
}

void limit(void)
{
    slotq_call call = fresh(SLOTQ_LIMIT);
    call.limit.group = any_group();
    call.limit.what = SLOTQ_LIMIT_ALL;
    call.limit.limits.max_leased = one_in(2) ? 0 : (uint16_t)(1 + below(2));
    call.limit.limits.rate_interval_us = one_in(2) ? 0 : 1000u * now_in->geometry.tick_ms;
    call.limit.limits.rate_burst = call.limit.limits.rate_interval_us > 0 ? 2 : 0;
    begin_line("limit");
    argue(call.limit.group);
    argue(call.limit.what);
    argue(call.limit.limits.max_leased);
    argue(call.limit.limits.rate_interval_us);
    argue(call.limit.limits.rate_burst);
    put_simple(run(&call));
}

void pause_or_resume(slotq_verb verb)
{
    slotq_call call = fresh(verb);
    call.pause.what = verb == SLOTQ_RESUME ? SLOTQ_PAUSE_ALL : (uint8_t)(1 + below(4));
    begin_line(verb == SLOTQ_RESUME ? "resume" : "pause");
    argue(call.pause.what);
    put_simple(run(&call));
}

void empty(slotq_verb verb)
{
    slotq_call call = fresh(verb);
    begin_line(verb == SLOTQ_PURGE ? "purge" : "dead_purge");
    const slotq_outcome outcome = run(&call);
    if (verb == SLOTQ_PURGE) {
        put_simple(outcome);
    } else {
        put_item("", call.dead.count);
    }
}
