-- redrive: push dead messages again, oldest first, for the group that each died in
-- args: now limit
-- reply: array: OK, FULL or PAUSED, number of pushed messages, id of the first (0 = none)
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

-- finish the new message in the groups in which the old one did not die
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

-- push the oldest dead message; a damaged one is dropped. Returns whether it was pushed
local function redrive_one(stamp)
    local at = dead_at + queue.dead_head * entry_bytes()
    local head = bytes_at(at, DEAD_ENTRY_BYTES + LENGTH_BYTES)
    local died_in = unpack('B', head, AT_dead_group + 1)
    if died_in >= geometry.groups then
        corrupt(at + AT_dead_group, 'dead.group')
    end
    take_oldest()
    if unpack('<H', head, DEAD_ENTRY_BYTES + 1) > geometry.payload_bytes then
        queue.dead_dropped = queue.dead_dropped + 1
        return false
    end
    local kept = LENGTH_BYTES + #stamp
    put_copy(ring_at + queue.tail * stride, string.sub(head, DEAD_ENTRY_BYTES + 1) .. stamp,
        at + DEAD_ENTRY_BYTES + kept, stride - kept)
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
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
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
    commit()
    return {{ok = outcome}, count, integral(first_id)}
end)
