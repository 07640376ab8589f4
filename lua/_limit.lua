-- _limit.lua: what limits a group: messages leased at a time, and a rate (FORMAT.md, "Limits").
-- Times are pairs of milliseconds and microseconds: in one number of microseconds a time is not
-- exact. Must not know which messages go.
--@include _groups

-- the interval as milliseconds and microseconds
local function rate_interval()
    local stored = group.limit.rate_interval
    if stored >= RATE_IN_MS then
        return stored - RATE_IN_MS, 0
    end
    return integral(stored / 1000), stored % 1000
end

-- what other pieces use: a script has room for 200 local names
local load_limit, limit_room, set_tat, limit_take, limit_set_back, limit_next_ms

do
    -- n intervals after a time, or before it with a negative n
    local function intervals_from(ms, us, n)
        local interval_ms, interval_us = rate_interval()
        us = us + n * interval_us
        return ms + n * interval_ms + integral(us / 1000), us % 1000
    end

    local function is_later(ms, us, other_ms, other_us)
        return ms > other_ms or ms == other_ms and us > other_us
    end

    local function judge_limit(limit)
        local at = group.at
        local stored = limit.rate_interval
        if stored >= RATE_IN_MS and (stored - RATE_IN_MS) * 1000 < RATE_IN_MS then
            corrupt(at + AT_limit_rate_interval, 'group.rate_interval')
        elseif (limit.rate_burst == 0) ~= (stored == 0) then
            corrupt(at + AT_limit_rate_burst, 'group.rate_burst')
        elseif limit.rate_tat_us > 999 then
            corrupt(at + AT_limit_rate_tat_us, 'group.rate_tat_us')
        end
        local most_ms, most_us = 0, 0
        if stored ~= 0 then
            most_ms, most_us = intervals_from(SLOTQ_NOW_MS_MAX, 0, limit.rate_burst)
        end
        if is_later(limit.rate_tat_ms, limit.rate_tat_us, most_ms, most_us) then
            corrupt(at + AT_limit_rate_tat_ms, 'group.rate_tat')
        end
    end

    -- the limits of the loaded group
    function load_limit()
        if group.limit then
            return
        end
        local limit = {}
        limit.max_leased, limit.rate_burst, limit.rate_interval, limit.rate_tat_ms,
            limit.rate_tat_us =
            unpack('@limit.max_leased..rate_tat_us', front_bytes,
                group.at + AT_limit_max_leased + 1)
        group.limit = limit
        judge_limit(limit)
    end

    -- tat, or now if that is later
    local function rate_from()
        local limit = group.limit
        if limit.rate_tat_ms < time_ms() then
            return time_ms(), 0
        end
        return limit.rate_tat_ms, limit.rate_tat_us
    end

    -- how many messages the rate lets go now
    local function rate_room()
        local most_ms, most_us = intervals_from(time_ms(), 0, group.limit.rate_burst)
        local from_ms, from_us = rate_from()
        if not is_later(most_ms, most_us, from_ms, from_us) then
            return 0
        end
        local interval_ms, interval_us = rate_interval()
        local ms, us = most_ms - from_ms, most_us - from_us
        if group.limit.rate_interval >= RATE_IN_MS then
            return integral((us < 0 and ms - 1 or ms) / interval_ms)
        end
        return integral((ms * 1000 + us) / (interval_ms * 1000 + interval_us))
    end

    -- how many of the wanted messages the limits let go now
    function limit_room(wanted)
        local limit = group.limit
        if limit.max_leased ~= 0 then
            wanted = math.min(wanted, math.max(limit.max_leased - group.leased, 0))
        end
        if limit.rate_interval ~= 0 and wanted > 0 then
            wanted = math.min(wanted, rate_room())
        end
        return wanted
    end

    function set_tat(ms, us)
        group.limit.rate_tat_ms, group.limit.rate_tat_us = ms, us
        group.limit.changed = true
        group.changed = true
    end

    -- count of them are leased in this step
    function limit_take(count)
        if group.limit.rate_interval ~= 0 then
            local ms, us = rate_from()
            set_tat(intervals_from(ms, us, count))
        end
    end

    -- the clock went back: tat is at most a full burst ahead
    function limit_set_back()
        local limit = group.limit
        local most_ms, most_us = intervals_from(time_ms(), 0, limit.rate_burst)
        if is_later(limit.rate_tat_ms, limit.rate_tat_us, most_ms, most_us) then
            set_tat(most_ms, most_us)
        end
    end

    -- the time from which the limits, which let none go now, may let one go
    function limit_next_ms()
        local limit, next_ms = group.limit, 0
        if limit.rate_interval ~= 0 then
            local ms, us =
                intervals_from(limit.rate_tat_ms, limit.rate_tat_us, 1 - limit.rate_burst)
            next_ms = math.max(us > 0 and ms + 1 or ms, 0)
        end
        if limit.max_leased ~= 0 and group.leased >= limit.max_leased then
            next_ms = math.max(next_ms, math.min(group.due * tick_ms, 9007199254740991))
        end
        return next_ms
    end
end
