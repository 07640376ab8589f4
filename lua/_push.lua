-- _push.lua: pushes messages of the caller (FORMAT.md, "push"). Must not know how the slots were
-- packed.
--@include _promote
--@include _holder

local function refuse_full(waits)
    local it = holder()
    commit(waits and WAKE_FOR_ROOM)
    refuse(string.format('SLOTQFULL %.0f %d %d %d %d %d: ', it.id, it.held, it.unfinished,
        it.group, it.state, it.dead_full) .. TEXT_FULL)
end

-- push count messages, which put_slots puts at tail; returns their first id, and whether clients
-- slept here before. keyed: the keys of a call that has some
local function push_messages(count, waits, put_slots, keyed)
    if queue.paused % (2 * SLOTQ_PAUSE_CLOSED) >= SLOTQ_PAUSE_CLOSED then
        refuse('SLOTQCLOSED ' .. TEXT_CLOSED)
    elseif queue.paused % 2 == SLOTQ_PAUSE_IN then
        refuse('SLOTQPAUSED ' .. TEXT_PAUSED .. ' for pushing: resume it')
    end
    ring.define()
    later.promote()
    -- no ids are left: a caller must not wait for that
    if queue.last_id + count > SLOTQ_ID_MAX then
        refuse_full(false)
    end
    if keys.holders > 0 then
        keys.expect_many(count)
    end
    local taken = keyed and keys.judge(keyed)
    if taken then
        return taken -- judge has committed
    end
    if not ring.make_room(count) then
        refuse_full(waits)
    end
    if keys.holders > 0 then
        if keyed then
            keys.forget(keyed)
        end
        keys.free_ring(queue.tail, count)
    end
    put_slots()
    for i = 1, keyed and count or 0 do
        if keyed[i] then
            keys.put_in((queue.tail + i - 1) % slots, keyed[i])
        end
    end
    ring.push_header(count)
    queue.pushed = true
    local sleep = geometry.places > 0 and queue.wake % (2 * WAKE_FOR_MESSAGE) == WAKE_FOR_MESSAGE
    commit()
    return integral(queue.last_id - count + 1), sleep
end

-- the same, as the reply of a push: a shard also says how full it is, and whether clients slept
local function reply_push(count, waits, put_slots, keyed)
    local id, sleep = push_messages(count, waits, put_slots, keyed)
    if geometry.set == 0 or type(id) == 'table' then
        return id
    end
    return {id, integral((queue.tail - queue.head) % slots),
        sleep and rows.serve_any(geometry.groups) and 1 or 0}
end
