-- _schedule.lua: puts messages into the later section (FORMAT.md, "schedule"). Must not know how
-- the slots were packed.
--@include _later
--@include _keys
--@include _sent

-- the first of count later ids: the next ones, or those of a block in which no message has its id
local function next_later_ids(count)
    local last = queue.later_last_id
    if last % 65536 + count <= 65535 then
        return last + 1
    end
    local taken, block = {}, integral(last / 65536)
    local most, high_half = 100, 'xxxxxxxxHxx'
    later.each_piece(most, function(bytes, _, here)
        local blocks_here = {unpack('<' .. string.rep(high_half, here), bytes)}
        for i = 1, here do
            taken[blocks_here[i]] = true
        end
    end)
    repeat
        block = (block + 1) % 65536
    until not taken[block]
    return block == 0 and 1 or block * 65536
end

-- put slots, whole or cut, where the entries have theirs
local function put_later(places, parts)
    put_cut_at(parts, function(i)
        return later.slots_at + places[i] * stride
    end)
end

-- schedule messages that are due at one time, with the keys of a call that has some: their first
-- later id, or EMPTY or DUPLICATE
local function schedule_messages(due_ms, not_past, parts, keyed)
    if queue.paused % (2 * SLOTQ_PAUSE_CLOSED) >= SLOTQ_PAUSE_CLOSED then
        refuse('SLOTQCLOSED ' .. TEXT_CLOSED)
    elseif queue.paused % 2 == SLOTQ_PAUSE_IN then
        refuse('SLOTQPAUSED ' .. TEXT_PAUSED .. ' for pushing: resume it')
    elseif not_past and due_ms <= time_ms() then
        return redis.status_reply('EMPTY')
    end
    later.open()
    if keyed then
        keys.define()
        keys.expect_many(keyed.count)
        local taken = keys.judge(keyed)
        if taken then
            return taken
        end
    end
    if #parts > geometry.later_slots - queue.later_count then
        refuse('SLOTQFULL 0 0 0 0 0 0: ' .. TEXT_FULL .. ': ' .. decimal(queue.later_count) ..
            ' messages are scheduled, the limit is ' .. decimal(geometry.later_slots))
    end
    local first, places = next_later_ids(#parts), {}
    later.read(queue.later_count, #parts)
    for i = 1, #parts do
        places[i] = later.put_in(due_ms, first + i - 1)
    end
    if keyed then
        keys.forget(keyed)
    end
    for i = 1, keyed and #parts or 0 do
        if keyed[i] then
            keys.put_in(keys.of_later(places[i]), keyed[i], first + i - 1)
        end
    end
    put_later(places, parts)
    queue.later_last_id = first + #parts - 1
    commit()
    return integral(first)
end
