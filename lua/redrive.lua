-- redrive: push dead messages again, oldest first, for the group that each died in
-- args: now limit
-- reply: array: OK, FULL or PAUSED, how many were pushed, id of the first (0 = none)
-- errors: INVALID NOQUEUE CORRUPT VERSION
-- flags: allow-oom
--@include _push
--@include _dead

local function take_oldest()
    queue.dead_head = (queue.dead_head + 1) % geometry.dead_slots
    queue.dead_count = queue.dead_count - 1
    queue.reserved_51 = 0
    front_changed = true
end

-- the new message is not for the groups that it did not die in
local function skip_other_groups(died_in)
    local least = slots
    for index = 0, geometry.groups - 1 do
        load_group(index)
        if index ~= died_in then
            other_done = 0
            finish(queue.tail, 1, WORD_OTHER_GROUP)
            group.changed = false
            group.dirty = true
        end
        least = math.min(least, (group.head - queue.head) % slots)
    end
    queue.head = (queue.head + least) % slots
end

-- the oldest dead message; a damaged one has nothing to push, and is dropped. Whether it went
local function redrive_one(stamp)
    local entry = entries_at(0, 1)
    local died_in = unpack('B', entry, AT_dead_group + 1)
    if died_in >= geometry.groups then
        corrupt(dead_at + queue.dead_head * #entry + AT_dead_group, 'dead.group')
    end
    local slot = string.sub(entry, DEAD_ENTRY_BYTES + 1)
    take_oldest()
    if unpack('<H', slot) > geometry.payload_bytes then
        queue.dead_dropped = queue.dead_dropped + 1
        return false
    end
    if stamp then
        slot = string.sub(slot, 1, LENGTH_BYTES) .. stamp ..
            string.sub(slot, LENGTH_BYTES + STAMP_BYTES + 1)
    end
    put_ring(ring_at, stride, 1, slot)
    if has(SLOTQ_FLAG_KEYS) then
        put_ring(keys_at, KEY_BYTES, 1, string.rep('\0', KEY_BYTES))
    end
    skip_other_groups(died_in)
    push_header(1)
    return true
end

return answer(function()
    expect('redrive KEY now limit', 2, 2)
    local limit = number(2, 'limit', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296)
    local outcome, count, first_id = 'OK', 0, 0
    if queue.paused % 2 == SLOTQ_PAUSE_IN then
        outcome = 'PAUSED'
    end
    while outcome == 'OK' and count < limit and queue.dead_count > 0 do
        if room() == 0 or queue.last_id == SLOTQ_ID_MAX then
            outcome = 'FULL'
        elseif redrive_one(stamp) then
            count = count + 1
            first_id = count == 1 and queue.last_id or first_id
        end
    end
    commit(false)
    return {{ok = outcome}, count, integral(first_id)}
end)
