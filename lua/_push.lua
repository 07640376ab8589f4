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

-- make room for count messages, or refuse
local function make_room(count, waits)
    if queue.paused % 2 == SLOTQ_PAUSE_IN then
        refuse('SLOTQPAUSED ' .. TEXT_PAUSED .. ' for pushing: resume it')
    end
    ring.define()
    later.promote()
    -- no ids are left: a caller must not wait for that
    if queue.last_id + count > SLOTQ_ID_MAX then
        refuse_full(false)
    end
    if not ring.make_room(count) then
        refuse_full(waits)
    end
end

-- push count messages, which put_slots puts at tail; returns their first id
local function push_messages(count, waits, put_slots)
    make_room(count, waits)
    put_slots()
    if has(SLOTQ_FLAG_KEYS) then
        ring.put(keys_at, KEY_BYTES, count, string.rep('\0', KEY_BYTES * count))
    end
    ring.push_header(count)
    queue.pushed = true
    commit()
    return integral(queue.last_id - count + 1)
end
