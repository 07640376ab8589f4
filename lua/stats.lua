-- stats: the numbers of a queue and of one group in it; changes nothing
-- args: now group
-- reply: flat array name, value, ...
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _look
--@include _holder
--@include _limit

return answer(function()
    expect('stats KEY now group', 2, 2)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    open()
    expect_group(index)
    local of = group
    load_limit()
    local limit, interval_ms, interval_us = group.limit, rate_interval()
    local until_ms = 0
    if limit_room(1) == 0 then
        limit_set_back()
        until_ms = limit_next_ms()
    end
    local undelivered = (queue.tail - of.cursor) % slots
    local ready = of.ready_behind + undelivered
    local oldest = has(SLOTQ_FLAG_STAMPS) and unfinished_aside(0, 1)[1]
    local oldest_ms = oldest and pushed_ms(oldest.index) or
        of.head ~= queue.tail and pushed_ms(of.head) or 0
    local it = holder()
    local values = {
        {'last_id', queue.last_id}, {'capacity', slots - 1},
        {'used', (queue.tail - queue.head) % slots}, {'group', index}, {'ready', ready},
        {'undelivered', undelivered}, {'leased', of.leased}, {'waiting', of.waiting},
        {'unfinished', ready + of.leased + of.waiting}, {'acked', of.acked},
        {'redelivered', of.redelivered}, {'died', of.died},
        {'next_due_ms', of.due == DUE_NONE and 0 or
            math.min(of.due * tick_ms, 9007199254740991)},
        {'oldest_ms', oldest_ms},
        {'aside', queue.aside_count}, {'aside_capacity', geometry.aside_slots},
        {'later', queue.later_count}, {'later_capacity', geometry.later_slots},
        {'later_due_ms', queue.later_due_ms == DUE_NONE and 0 or queue.later_due_ms},
        {'dead', queue.dead_count}, {'dead_capacity', geometry.dead_slots},
        {'dropped', queue.dropped}, {'dead_dropped', queue.dead_dropped},
        {'paused', queue.paused}, {'max_leased', limit.max_leased},
        {'rate_burst', limit.rate_burst}, {'rate_interval_us', interval_ms * 1000 + interval_us},
        {'limited_until_ms', until_ms},
        {'holder_id', it.id}, {'holder_held', it.held},
        {'holder_unfinished', it.unfinished}, {'holder_group', it.group},
        {'holder_state', it.state}, {'holder_steps_aside', it.steps_aside and 1 or 0},
        {'holder_dead_full', it.dead_full},
    }
    local reply = {}
    for i, value in ipairs(values) do
        reply[2 * i - 1], reply[2 * i] = value[1], integral(value[2])
    end
    return reply
end)
