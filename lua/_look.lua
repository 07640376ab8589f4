-- _look.lua: shared by the verbs that only read: push times, positions, messages of the window
-- (FORMAT.md, "status, position, peek, stats"). Writes nothing.
--@include _deadlines

local state_names = {
    [SLOTQ_STATE_READY] = 'READY', [SLOTQ_STATE_LEASED] = 'LEASED',
    [SLOTQ_STATE_WAITING] = 'WAITING', [SLOTQ_STATE_DONE] = 'DONE',
}

-- push time of a ring slot, 0 if not known
local function pushed_ms(index)
    if not has(SLOTQ_FLAG_STAMPS) then
        return 0
    end
    local at = ring_at + index * stride + LENGTH_BYTES
    local stamp, now = unpack('<I4', bytes_at(at, STAMP_BYTES)), tick()
    local ahead = (stamp - now) % 4294967296
    if ahead < 268435456 then
        return integral((now + ahead) * tick_ms)
    end
    local age = (now - stamp) % 4294967296
    return age <= now and integral((now - age) * tick_ms) or 0
end

-- max messages that are delivered before this unfinished one
local function place_in_line(index, word)
    local at, cursor = position(index), position(group.cursor)
    if at >= cursor then
        return group.ready_behind + at - cursor
    end
    local others = group.ready_behind - (word_state(word) == SLOTQ_STATE_READY and 1 or 0)
    return math.min(others, math.max(at - position(group.retry_from), 0))
end

-- payload of the slot that begins after `skip` bytes, or nil if its length is above payload_bytes
local function payload_of(bytes, skip)
    local length = unpack('<H', bytes, skip + 1)
    if length > geometry.payload_bytes then
        return nil
    end
    local from = skip + stride - geometry.payload_bytes
    return string.sub(bytes, from + 1, from + length)
end

-- the arguments of both peeks: the index to begin at, and the number of messages
local function open_peek(name)
    expect(name .. ' KEY now group from n', 4, 4)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    local from = ARGV[3] == '' and 0 or number(3, 'from', 0, 281474976710655)
    local count = number(4, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    expect_group(index)
    local first = group.head
    if from ~= 0 then
        local at, outcome = find(from)
        if outcome == 'NOTFOUND' then
            return queue.tail, 0
        end
        first = at or first
    end
    return first, math.min(that_fit(count), (queue.tail - first) % slots)
end

-- for each of count messages from index on: tell(id, word, bytes, skip), with its slot after skip
-- bytes; slots are read 64 KiB at a time
local function each_message(index, count, tell)
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
