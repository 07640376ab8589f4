-- _look.lua: shared by the verbs that only read: push times, positions, messages of the window
-- (FORMAT.md, "status, position, peek, stats"). Writes nothing.
--@include _deadlines
--@include _payload

local state_names = {
    [SLOTQ_STATE_READY] = 'READY', [SLOTQ_STATE_LEASED] = 'LEASED',
    [SLOTQ_STATE_WAITING] = 'WAITING', [SLOTQ_STATE_DONE] = 'DONE',
}

-- push time of a slot, 0 if not known
local function pushed_ms(index)
    if not has(SLOTQ_FLAG_STAMPS) then
        return 0
    end
    local at = slot_at(index) + LENGTH_BYTES
    local stamp, now = unpack('<I4', bytes_at(at, STAMP_BYTES)), tick()
    local ahead = (stamp - now) % 4294967296
    if ahead < 268435456 then
        return integral((now + ahead) * tick_ms)
    end
    local age = (now - stamp) % 4294967296
    return age <= now and integral((now - age) * tick_ms) or 0
end

-- READY messages of the loaded group aside, before a place
local function ready_aside(stop)
    local count = 0
    for place = 0, stop - 1 do
        local _, index = entry_at(place)
        if word_at(index) % 4 == SLOTQ_STATE_READY then
            count = count + 1
        end
    end
    return count
end

-- max messages that are delivered before this unfinished one
local function place_in_line(id, index, word)
    if index < 0 then
        return ready_aside(place_aside(id))
    end
    local at, cursor = position(index), position(group.cursor)
    if at >= cursor then
        return group.ready_behind + at - cursor
    end
    local aside = ready_aside(queue.aside_count)
    local others = group.ready_behind - aside - (word_state(word) == SLOTQ_STATE_READY and 1 or 0)
    if others < 0 then
        corrupt(group.at + AT_group_ready_behind, 'group.ready_behind')
    end
    return aside + math.min(others, math.max(at - position(group.retry_from), 0))
end

-- the indexes of the messages aside that the loaded group has not finished, at most `most`, with
-- their ids, from an id on
local function unfinished_aside(from, most)
    local found = {}
    for place = place_aside(from), queue.aside_count - 1 do
        local id, index = entry_at(place)
        if #found < most and word_at(index) % 4 ~= SLOTQ_STATE_DONE then
            found[#found + 1] = {id = id, index = index}
        end
    end
    return found
end

-- the arguments of both peeks: the id to begin at, 0 = the first, and the number of messages
local function open_peek(name)
    expect(name .. ' KEY now group from n', 4, 4)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    local from = ARGV[3] == '' and 0 or number(3, 'from', 0, 281474976710655)
    local count = number(4, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    expect_group(index)
    return from, that_fit(count)
end

-- for each of count messages of the ring from index on: tell(id, word, bytes, skip), with its slot
-- after skip bytes; slots are read 64 KiB at a time
local function each_in_ring(index, count, tell)
    local most = math.max(1, integral(65536 / stride))
    local bytes, first, last = '', 0, 0
    for i = 0, count - 1 do
        if i >= last then
            first, last = i, math.min(i + most, count)
            bytes = slots_at((index + i) % slots, last - first)
        end
        local at = (index + i) % slots
        tell(id_at(at), word_at(at), bytes, (i - first) * stride)
    end
end

-- the same for at most `most` messages from an id on: those aside, then those of the ring
local function each_message(from, most, tell)
    local first = from == 0 and group.head or find(from)
    if not first and from > queue.last_id then
        return
    elseif from == 0 or not first or first < 0 then
        first = group.head
        for _, message in ipairs(unfinished_aside(from, most)) do
            tell(message.id, word_at(message.index), slots_at(message.index, 1), 0)
            most = most - 1
        end
    end
    each_in_ring(first, math.min(most, (queue.tail - first) % slots), tell)
end
