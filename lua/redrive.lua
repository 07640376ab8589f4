-- redrive: push dead messages again, oldest first or by id, for the group that each died in
-- args: now limit [judged [id [group]]]
-- reply: array: OK, FULL, PAUSED or NOTFOUND, number pushed, first id (0 = none), number damaged
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _room
--@include _dead_leave

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
    -- with an id and without checks, '' means that the script judges for itself
    judged = ARGV[3]
    if judged == '' and ARGV[4] and not has(SLOTQ_FLAG_CHECKS) then
        judged = nil
    end
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
local function is_damaged(head, length, died_in)
    local damaged = unpack('<H', length) > geometry.payload_bytes
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

-- the oldest message is damaged and becomes the newest; in a full span its entry is there already
local function keep_damaged(at)
    local newest = dead_entry_at(queue.dead_count + queue.dead_holes)
    if newest ~= at then
        put_copy(newest, '', at, dead_entry_bytes)
        in_order = true
    end
    take_out(at)
    queue.dead_count = queue.dead_count + 1
end

-- push the dead message of an entry: returns 'count', 'damaged' if it stays, nil if it was not
-- judged
local function redrive_one(at, stamp, named)
    local slot_from = at + DEAD_ENTRY_BYTES + geometry.note_bytes
    local head = bytes_at(at, DEAD_ENTRY_BYTES)
    local length = bytes_at(slot_from, LENGTH_BYTES)
    local died_in = unpack('@dead.group', head, AT_dead_group + 1)
    if died_in >= geometry.groups then
        corrupt(at + AT_dead_group, 'dead.group')
    end
    local damaged = is_damaged(head, length, died_in)
    if damaged then
        if not named then
            keep_damaged(at)
        end
        return 'damaged'
    elseif damaged == nil then
        return nil
    end
    local kept = LENGTH_BYTES + #stamp
    put_copy(ring_at + queue.tail * stride, length .. stamp, slot_from + kept, stride - kept)
    take_out(at)
    if keys.holders > 0 then
        keys.free(queue.tail)
    end
    skip_other_groups(died_in)
    ring.push_header(1, blocks[died_in])
    queue.pushed = true
    return 'count'
end

-- offsets of the entries to look at: those with the id; the oldest is found each time
local function open_named(id, of_group, limit)
    if not id then
        return nil
    end
    local entries_named = find_dead(id, of_group, 0, limit)
    for i, nth in ipairs(entries_named) do
        entries_named[i] = dead_entry_at(nth)
    end
    return entries_named
end

return answer(function()
    expect('redrive KEY now limit [judged [id [group]]]', 2, 5)
    local limit = number(2, 'limit', 1, SLOTQ_CALL_MESSAGES_MAX)
    local id, of_group = read_dead_id(4, 1)
    open()
    open_judged()
    expect_dead_group(of_group)
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
    ring.define()
    local outcome, done, first_id = 'OK', {count = 0, damaged = 0}, 0
    local named = open_named(id, of_group, limit)
    local left = named and #named or math.min(limit, queue.dead_count)
    if queue.paused % 2 == SLOTQ_PAUSE_IN then
        outcome = 'PAUSED'
    elseif named and #named == 0 then
        outcome = 'NOTFOUND'
    end
    while outcome == 'OK' and left > 0 do
        if queue.last_id < SLOTQ_ID_MAX then
            ring.clear(1)
        end
        if ring.room() == 0 or queue.last_id == SLOTQ_ID_MAX then
            outcome = 'FULL'
        else
            local at = named and named[#named - left + 1] or dead_entry_at(0)
            local what = redrive_one(at, stamp, named)
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
