-- _dead.lua: entries of the dead section, oldest first (FORMAT.md, "Dead section"). Knows their
-- places; changes nothing.
--@include _open

local function entry_bytes()
    return DEAD_ENTRY_BYTES + stride
end

-- count entries from the skip-th on, as they are in the value
local function entries_at(skip, count)
    local first = (queue.dead_head + skip) % geometry.dead_slots
    local before = math.min(count, geometry.dead_slots - first)
    local bytes = bytes_at(dead_at + first * entry_bytes(), before * entry_bytes())
    if before < count then
        bytes = bytes .. bytes_at(dead_at, (count - before) * entry_bytes())
    end
    return bytes
end

-- the arguments of both lists: the number to skip, and the number of entries after them
local function open_dead_list(name)
    expect(name .. ' KEY now from n', 3, 3)
    local skip = number(2, 'from', 0, 281474976710655)
    local count = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    return skip, math.max(0, math.min(that_fit(count), queue.dead_count - skip))
end
