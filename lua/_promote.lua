-- _promote.lua: scheduled messages that are due become messages of the ring (FORMAT.md,
-- "Promotion"). Must not know which verb found them.
--@include _later
--@include _room

-- the root of the heap, copied to tail
local function promote_root()
    later.open()
    local from, slot = later.slot_of(0)
    local bytes = bytes_at(from, stride)
    if has(SLOTQ_FLAG_STAMPS) then
        bytes = string.sub(bytes, 1, LENGTH_BYTES) .. pack('<I4', tick() % 4294967296) ..
            string.sub(bytes, LENGTH_BYTES + STAMP_BYTES + 1)
    end
    moving[queue.tail] = bytes
    in_order = true
    put(ring_at + queue.tail * stride, bytes)
    if keys.holders > 0 then
        keys.free(queue.tail)
        keys.hand_over(keys.of_later(slot), queue.tail)
    end
    later.take_out(0)
    ring.push_header(1)
end

-- promote those that are due, as far as there is room
function later.promote()
    local left = PROMOTIONS_MAX
    while left > 0 and queue.later_due_ms ~= DUE_NONE and queue.later_due_ms <= time_ms() and
        queue.paused % 2 ~= SLOTQ_PAUSE_IN and queue.last_id < SLOTQ_ID_MAX do
        ring.define()
        if not ring.make_room(1) then
            return
        end
        promote_root()
        left = left - 1
    end
end

-- the time of an EMPTY, or when a scheduled message is due, if that is earlier; now, if one is due
-- and a head has made room since it was found; -1 is never
function later.or_due(ms)
    local due_ms = queue.later_due_ms
    if due_ms == DUE_NONE or queue.paused % 2 == SLOTQ_PAUSE_IN then
        return ms
    elseif due_ms <= time_ms() then
        local is_free = (queue.tail - queue.head) % slots < slots - 1
        return is_free and queue.last_id < SLOTQ_ID_MAX and time_ms() or ms
    end
    return (ms < 0 or due_ms < ms) and due_ms or ms
end
