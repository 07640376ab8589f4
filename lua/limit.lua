-- limit: set what limits a group; what = 1 max_leased + 2 rate + 4 burst; 0 ends a limit
-- args: now group what max_leased rate_interval_us rate_burst
-- reply: status OK
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _commit
--@include _limit
--@include _deadlines

-- true if the part of what is asked for
local function asks(what, part)
    return what % (2 * part) >= part
end

-- an interval as it is stored: in microseconds, or in milliseconds, rounded up
local function stored_interval(us)
    return us < RATE_IN_MS and us or RATE_IN_MS + math.ceil(us / 1000)
end

return answer(function()
    expect('limit KEY now group what max_leased rate_interval_us rate_burst', 6, 6)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    local what = number(3, 'what', 1, SLOTQ_LIMIT_ALL)
    local max_leased = number(4, 'max_leased', 0, 65535)
    local interval_us = number(5, 'rate_interval_us', 0, SLOTQ_RATE_INTERVAL_US_MAX)
    local burst = number(6, 'rate_burst', 0, 65535)
    open()
    expect_group(index)
    load_limit()
    local limit = group.limit
    local old_leased, old_interval, old_burst = limit.max_leased, limit.rate_interval,
        limit.rate_burst
    limit.max_leased = asks(what, SLOTQ_LIMIT_LEASED) and max_leased or old_leased
    limit.rate_interval = asks(what, SLOTQ_LIMIT_RATE) and stored_interval(interval_us) or
        old_interval
    limit.rate_burst = asks(what, SLOTQ_LIMIT_BURST) and burst or old_burst
    if limit.rate_interval ~= 0 then
        limit.rate_burst = math.max(limit.rate_burst, 1)
    elseif asks(what, SLOTQ_LIMIT_BURST) and burst > 0 then
        invalid('a burst needs a rate, and the group has none: set a rate with it')
    else
        limit.rate_burst = 0
    end
    if limit.max_leased ~= old_leased or limit.rate_interval ~= old_interval or
        limit.rate_burst ~= old_burst then
        limit.changed, group.changed, deliverable = true, true, true
        group.made = group.ready_behind + (queue.tail - group.cursor) % slots
        if limit.rate_interval == 0 then
            set_tat(0, 0)
        else
            limit_set_back()
        end
    end
    end_step()
    commit()
    return redis.status_reply('OK')
end)
