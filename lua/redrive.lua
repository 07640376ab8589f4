-- redrive: push dead messages again, oldest first, for the group that each died in
-- args: now limit [judged]
-- reply: array: OK, FULL or PAUSED, number pushed, first id (0 = none), number damaged, which stay
-- errors: INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: allow-oom
--@include _push
--@include _dead

local function take_oldest()
    queue.dead_head = (queue.dead_head + 1) % geometry.dead_slots
    queue.dead_count = queue.dead_count - 1
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

local judged_format, judged_bytes = '<I6BB', 8

-- {id u48, group u8, damaged u8} for each message that the caller judged, oldest first, and the
-- place of the next one; nil if the script judges for itself
local judged, judged_at = nil, 1

local function open_judged()
    judged = ARGV[3]
    if judged and (#judged % judged_bytes ~= 0 or
            #judged > judged_bytes * SLOTQ_CALL_MESSAGES_MAX) then
        invalid('judged must be 0 to 4096 times 8 bytes')
    end
    if has(SLOTQ_FLAG_CHECKS) and not judged then
        invalid('the queue has checks, which a script does not compute: pass judged, the list ' ..
            'that says which dead messages are damaged')
    end
end

-- whether the oldest dead message is damaged; nil if it was not judged. Skips messages that have
-- left the section since they were judged
local function is_damaged(head, died_in)
    local damaged = unpack('<H', head, DEAD_ENTRY_BYTES + 1) > geometry.payload_bytes
    if not judged then
        return damaged
    end
    local id = unpack('@dead.id', head, AT_dead_id + 1)
    while judged_at <= #judged do
        local judged_id, judged_group, verdict
        judged_id, judged_group, verdict, judged_at = unpack(judged_format, judged, judged_at)
        if judged_id == id and judged_group == died_in then
            return damaged or verdict ~= 0
        end
    end
    return nil
end

-- a damaged message becomes the newest; in a full section its entry is there already
local function keep_damaged(at)
    local newest = (queue.dead_head + queue.dead_count) % geometry.dead_slots
    if newest ~= queue.dead_head then
        put_copy(dead_at + newest * entry_bytes(), '', at, entry_bytes())
        in_order = true
    end
    take_oldest()
    queue.dead_count = queue.dead_count + 1
end

-- push the oldest dead message: returns 'count', 'damaged' if it stays, nil if it was not judged
local function redrive_one(stamp)
    local at = dead_at + queue.dead_head * entry_bytes()
    local head = bytes_at(at, DEAD_ENTRY_BYTES + LENGTH_BYTES)
    local died_in = unpack('@dead.group', head, AT_dead_group + 1)
    if died_in >= geometry.groups then
        corrupt(at + AT_dead_group, 'dead.group')
    end
    local damaged = is_damaged(head, died_in)
    if damaged then
        keep_damaged(at)
        return 'damaged'
    elseif damaged == nil then
        return nil
    end
    take_oldest()
    local kept = LENGTH_BYTES + #stamp
    put_copy(ring_at + queue.tail * stride, string.sub(head, DEAD_ENTRY_BYTES + 1) .. stamp,
        at + DEAD_ENTRY_BYTES + kept, stride - kept)
    if has(SLOTQ_FLAG_KEYS) then
        put_ring(keys_at, KEY_BYTES, 1, string.rep('\0', KEY_BYTES))
    end
    skip_other_groups(died_in)
    push_header(1)
    return 'count'
end

return answer(function()
    expect('redrive KEY now limit [judged]', 2, 3)
    local limit = number(2, 'limit', 1, SLOTQ_CALL_MESSAGES_MAX)
    open()
    open_judged()
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
    local outcome, done, first_id = 'OK', {count = 0, damaged = 0}, 0
    local left = math.min(limit, queue.dead_count)
    if queue.paused % 2 == SLOTQ_PAUSE_IN then
        outcome = 'PAUSED'
    end
    while outcome == 'OK' and left > 0 do
        if queue.last_id < SLOTQ_ID_MAX then
            clear_ring(1)
        end
        if room() == 0 or queue.last_id == SLOTQ_ID_MAX then
            outcome = 'FULL'
        else
            local what = redrive_one(stamp)
            if not what then
                break
            end
            done[what] = done[what] + 1
            first_id = first_id == 0 and what == 'count' and queue.last_id or first_id
            left = left - 1
        end
    end
    commit()
    return {{ok = outcome}, done.count, integral(first_id), done.damaged}
end)
