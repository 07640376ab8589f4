-- _later_list.lua: the arguments of both lists of scheduled messages, and the messages. Writes
-- nothing.
--@include _later

-- entries from a place of the heap on, and the places of their slots
local function open_later_list(name)
    expect(name .. ' KEY now from n', 3, 3)
    local from = number(2, 'from', 0, 281474976710655)
    local count = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    later.open()
    local listed = {}
    count = math.min(that_fit(count), queue.later_count - from)
    if count > 0 then
        later.read(from, count)
    end
    for place = from, from + count - 1 do
        local due_ms, id = later.at(place)
        local at, slot = later.slot_of(place)
        listed[#listed + 1] = {place = place, due_ms = due_ms, id = id, at = at, slot = slot}
    end
    return listed
end
