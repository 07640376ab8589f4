/* limit.c: the limits of a group; see limit.h. The rate is a bucket that is kept as one time: tat,
 * the time at which the bucket would be full again, is one interval later for each message.
 */
#include "limit.h"

#include "../layout/assert.h"
#include "../layout/fields.h"
#include "verbs.h"
#include "wakes.h"

static uint64_t interval_us(const verb_frame *frame)
{
    return front_interval_us(frame->limit.rate_interval);
}

/* A full bucket's time. */
static uint64_t burst_us(const verb_frame *frame)
{
    return frame->limit.rate_burst * interval_us(frame);
}

static uint64_t now_us(const verb_frame *frame)
{
    return frame->call->now_ms * 1000;
}

static uint64_t tat_us(const verb_frame *frame)
{
    return frame->limit.rate_tat_ms * 1000 + frame->limit.rate_tat_us;
}

static void set_tat(verb_frame *frame, uint64_t us)
{
    frame->limit.rate_tat_ms = us / 1000;
    frame->limit.rate_tat_us = (uint32_t)(us % 1000);
    frame->limit_changed = true;
    frame->group_changed = true;
}

bool limit_load(verb_frame *frame)
{
    return front_load_limit(frame->view, frame->group_index, &frame->limit, &frame->call->damage);
}

uint32_t limit_room(const verb_frame *frame, uint32_t wanted)
{
    const limit_block *limit = &frame->limit;
    const uint32_t leased = frame->group.leased;
    if (limit->max_leased != 0) {
        const uint32_t left = leased < limit->max_leased ? limit->max_leased - leased : 0;
        wanted = wanted < left ? wanted : left;
    }
    if (limit->rate_interval != 0) {
        const uint64_t now = now_us(frame);
        const uint64_t ahead = tat_us(frame) > now ? tat_us(frame) - now : 0;
        const uint64_t full = burst_us(frame);
        const uint64_t left = ahead < full ? (full - ahead) / interval_us(frame) : 0;
        wanted = wanted < left ? wanted : (uint32_t)left;
    }
    return wanted;
}

void limit_take(verb_frame *frame, uint32_t count)
{
    if (frame->limit.rate_interval != 0) {
        SLOTQ_ASSERT(count <= frame->limit.rate_burst);
        const uint64_t now = now_us(frame);
        const uint64_t from = tat_us(frame) > now ? tat_us(frame) : now;
        set_tat(frame, from + count * interval_us(frame));
    }
}

bool limit_set_back(verb_frame *frame)
{
    const uint64_t most = now_us(frame) + burst_us(frame);
    if (tat_us(frame) <= most) {
        return false;
    }
    set_tat(frame, most);
    return true;
}

uint64_t limit_next_ms(const verb_frame *frame)
{
    const limit_block *limit = &frame->limit;
    uint64_t next_ms = 0;
    if (limit->rate_interval != 0) {
        const uint64_t next = tat_us(frame) + interval_us(frame);
        const uint64_t full = burst_us(frame);
        next_ms = next > full ? (next - full + 999) / 1000 : 0;
    }
    if (limit->max_leased != 0 && frame->group.leased >= limit->max_leased) {
        const uint64_t due_ms = frame->group.due * frame->view->geometry.tick_ms;
        next_ms = next_ms > due_ms ? next_ms : due_ms;
    }
    return next_ms;
}

/* ---- the verb ---- */

static bool limit_valid(const slotq_view *view, const slotq_call_limit *call)
{
    return call->group < view->geometry.groups && call->what >= 1 &&
           call->what <= SLOTQ_LIMIT_ALL &&
           call->limits.rate_interval_us <= SLOTQ_RATE_INTERVAL_US_MAX;
}

/* The limits as they will be. False: a burst without a rate. */
static bool change(limit_block *limit, const slotq_call_limit *call)
{
    if (call->what & SLOTQ_LIMIT_LEASED) {
        limit->max_leased = call->limits.max_leased;
    }
    if (call->what & SLOTQ_LIMIT_RATE) {
        limit->rate_interval = front_rate_interval(call->limits.rate_interval_us);
    }
    if (call->what & SLOTQ_LIMIT_BURST) {
        limit->rate_burst = call->limits.rate_burst;
    }
    if (limit->rate_interval != 0) {
        limit->rate_burst = limit->rate_burst > 0 ? limit->rate_burst : 1;
        return true;
    }
    const bool burst = (call->what & SLOTQ_LIMIT_BURST) && limit->rate_burst > 0;
    limit->rate_burst = 0;
    return !burst;
}

slotq_outcome limit_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    if (!limit_valid(view, &call->limit)) {
        return SLOTQ_INVALID;
    }
    if (!frame_load(frame, call->limit.group) || !limit_load(frame)) {
        return SLOTQ_CORRUPT;
    }
    const limit_block before = frame->limit;
    if (!change(&frame->limit, &call->limit)) {
        return SLOTQ_INVALID;
    }
    frame->limit_changed = before.max_leased != frame->limit.max_leased ||
                           before.rate_interval != frame->limit.rate_interval ||
                           before.rate_burst != frame->limit.rate_burst;
    if (frame->limit_changed) {
        frame->group_changed = true;
        wakes_deliver(frame, wakes_own_group(frame), WAKES_MANY); /* more may go now */
        if (frame->limit.rate_interval == 0) {
            set_tat(frame, 0);
        } else {
            limit_set_back(frame);
        }
    }
    return frame_commit(frame, SLOTQ_OK);
}
