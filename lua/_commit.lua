-- _commit.lua: ends steps, and is the only piece that writes: words and slots first, then the front
-- in one piece, the wake-up last. Knows bytes; must not know why they change.
--@include _groups
--@include _places

-- the front was changed
local front_changed

-- the header's head is the head of the group furthest behind
local function raise_head()
    local least = (group.head - queue.head) % slots
    for index = 0, geometry.groups - 1 do
        if least == 0 then
            return
        end
        least = math.min(least, (group_head(index) - queue.head) % slots)
    end
    queue.head = (queue.head + least) % slots
end

-- a lease ended in a group that had as many as max_leased allows: one of its messages may go
local function limit_frees()
    local before = group.step_leased
    group.step_leased = group.leased
    if group.leased >= before then
        return false
    end
    local most = unpack('@limit.max_leased', front_bytes, group.at + AT_limit_max_leased + 1)
    return group.leased < most and before >= most and
        (group.ready_behind > 0 or group.cursor ~= queue.tail)
end

-- end a step: its changes count from here on
local function end_step(pushes)
    local changed = group and group.changed
    if changed then
        if limit_frees() then
            deliverable = true
            group.made = (group.made or 0) + 1
        end
        raise_head()
        group.changed = false
        group.dirty = true
        front_changed = true
    end
    if queue.head ~= queue.step_head then
        -- the ring was full before, and a message is scheduled: it may be due, and wait for room
        if not pushes and queue.later_due_ms ~= DUE_NONE and
            (queue.tail - queue.step_head) % slots == slots - 1 then
            deliverable = true
            queue.made = (queue.made or 0) + 1
        end
        queue.step_head = queue.head
        front_changed = true
        frees = true
    elseif changed and not frees and queue.wake % (2 * WAKE_FOR_ROOM) >= WAKE_FOR_ROOM then
        frees = may_step_aside()
    end
end

local pieces = {}

-- bytes to be written; bytes that continue the last write join it
local function put(offset, bytes)
    local last = pieces[#pieces]
    if last and last.stop == offset and not last.source then
        last[#last + 1] = bytes
        last.stop = offset + #bytes
    else
        pieces[#pieces + 1] = {bytes, offset = offset, stop = offset + #bytes}
    end
end

-- the same, followed by a copy of bytes of the value; large ones are read only when they are
-- written, so that thousands need no memory
local copied_at_once = 4096

local function put_copy(offset, bytes, source, length)
    if length <= copied_at_once then
        put(offset, bytes .. bytes_at(source, length))
    else
        pieces[#pieces + 1] = {bytes, offset = offset, source = source, length = length}
    end
end

-- the same with a copy of the slot of an index, as it will be
local function put_slot(offset, bytes, index)
    local slot = moving_slot(index)
    if slot then
        put(offset, bytes .. slot)
    else
        put_copy(offset, bytes, slot_at(index), stride)
    end
end

-- pieces must be written in the order of put: one may overwrite the source of an earlier one
local in_order = false
-- the bytes of all changes of the verb, and writing them (a script has room for 200 local names:
-- the others end here)
local gather_changes, write_pieces, try_last_byte

do
    -- words of a group from one index up to another, with the changes of this call
    local function pack_words(words, from, to)
        local parts = {}
        while from < to do
            local word, same = words[from], from + 1
            while same < to and words[same] == word do
                same = same + 1
            end
            parts[#parts + 1] = string.rep(pack('<I4', word), same - from)
            from = same
        end
        return table.concat(parts)
    end

    -- true if all words from one index up to another are known, and few: then one write is enough
    local function is_bridge(words, from, to)
        if to - from > 64 then
            return false
        end
        for i = from, to - 1 do
            if words[i] == nil then
                return false
            end
        end
        return true
    end

    -- runs of changed words may overlap or touch: each stretch is written once
    local function put_words(block)
        local runs, words = block.runs, block.words
        local at = states_at + block.index * slots * WORD_BYTES
        if #runs > 1 then
            table.sort(runs, function(a, b) return a.from < b.from end)
        end
        local i = 1
        while i <= #runs do
            local from, to, zeros = runs[i].from, runs[i].to, runs[i].zeros
            while not zeros and runs[i + 1] and not runs[i + 1].zeros and
                is_bridge(words, to, runs[i + 1].from) do
                i = i + 1
                to = math.max(to, runs[i].to)
            end
            put(at + from * WORD_BYTES, zeros and string.rep('\0', (to - from) * WORD_BYTES) or
                pack_words(words, from, to))
            i = i + 1
        end
    end

    -- the changed words aside of a group: from the first to the last if those between are known
    local function put_words_aside(group_number, words)
        local changed, at = {}, words_aside_at(group_number)
        for index in pairs(words.changed) do
            changed[#changed + 1] = -1 - index
        end
        table.sort(changed)
        for i = 1, words.bytes and 0 or #changed do
            put(at + changed[i] * WORD_BYTES, pack('<I4', words.changed[-1 - changed[i]]))
        end
        if words.bytes and #changed > 0 then
            local parts = {}
            for slot = changed[1], changed[#changed] do
                parts[#parts + 1] = pack('<I4', word_aside(group_number, -1 - slot))
            end
            put(at + changed[1] * WORD_BYTES, table.concat(parts))
        end
    end

    local function put_aside()
        if entries_changed and entries_changed < queue.aside_count then
            local from = entries_changed * ASIDE_ENTRY_BYTES
            put(aside_index_at + from, string.sub(entries, from + 1))
        end
        for group_number = 0, geometry.groups - 1 do
            if words_aside[group_number] then
                put_words_aside(group_number, words_aside[group_number])
            end
        end
    end

    local function encode_group(block)
        return pack('@group.head..died', block.head, block.cursor, block.ready_behind, block.leased,
            block.waiting, block.retry_from, block.sweep, block.written, block.due, block.due_next,
            block.acked % 4294967296, block.redelivered % 4294967296, block.died % 4294967296)
    end

    local function encode_limit(limit)
        return pack('@limit.max_leased..rate_tat_us', limit.max_leased, limit.rate_burst,
            limit.rate_interval, limit.rate_tat_ms, limit.rate_tat_us)
    end

    local function encode_shared()
        local era = front_changed and queue.era or queue.stored_era
        return pack('@shared.paused..reserved_78', queue.paused, queue.aside_count, era,
            queue.later_due_ms, queue.later_count, queue.later_last_id, queue.dead_head,
            queue.dead_count, queue.dropped % 4294967296, queue.dead_dropped % 4294967296,
            queue.wake, queue.dead_holes, queue.reserved_78)
    end

    -- from the first changed part of the front to the last
    local function put_front()
        local parts = {
            pack('@header.last_id..tail', queue.last_id % 4294967296, queue.head, queue.tail),
            string.sub(front_bytes, HEADER_BYTES + 1, GEOMETRY_END), encode_shared(),
        }
        -- a push may never have read the groups
        for index = 0, #front_bytes < states_at and -1 or geometry.groups - 1 do
            local at = GROUPS_OFFSET + GROUP_BYTES * index
            local block = blocks[index]
            parts[#parts + 1] = block and block.dirty and encode_group(block) or
                string.sub(front_bytes, at + 1, at + GROUP_STATE_BYTES)
            parts[#parts + 1] = block and block.limit and block.limit.changed and
                encode_limit(block.limit) or
                string.sub(front_bytes, at + GROUP_STATE_BYTES + 1, at + GROUP_BYTES)
        end
        local from, to, at = nil, nil, 0
        for _, part in ipairs(parts) do
            if part ~= string.sub(front_bytes, at + 1, at + #part) then
                from, to = from or at, at + #part
            end
            at = at + #part
        end
        if from then
            put(from, string.sub(table.concat(parts), from + 1, to))
        end
    end

    local function end_of(piece)
        return piece.stop or piece.offset + #piece[1] + piece.length
    end

    -- the number of the piece that ends last
    local function last_piece()
        local last = 1
        for i = 2, #pieces do
            if end_of(pieces[i]) > end_of(pieces[last]) then
                last = i
            end
        end
        return last
    end

    -- write the last byte of all pieces as it is now, if it is at `least` or behind: a server that
    -- refuses strings of that length (a lower proto-max-bulk-len) refuses it before any other write
    function try_last_byte(least)
        local at = #pieces > 0 and end_of(pieces[last_piece()]) - 1 or 0
        if at >= least then
            call('SETRANGE', key, decimal(at), bytes_at(at, 1))
        end
    end

    -- the piece that ends last is written first, or its last byte is tried, for the same reason
    function write_pieces()
        local last = last_piece()
        if in_order and last > 1 then
            try_last_byte(0)
        elseif last > 1 then
            pieces[1], pieces[last] = pieces[last], pieces[1]
        end
        for _, piece in ipairs(pieces) do
            if piece.source then
                piece[2] = bytes_at(piece.source, piece.length)
            end
            call('SETRANGE', key, string.format('%d', piece.offset),
                piece[2] and table.concat(piece) or piece[1])
            piece[2] = nil
        end
        moving = {}
    end

    function gather_changes()
        for index = 0, geometry.groups - 1 do
            if blocks[index] then
                put_words(blocks[index])
            end
        end
        put_aside()
        if later.put_heap then
            later.put_heap()
        end
        if keys.put_changes then
            keys.put_changes()
        end
        put_front()
    end
end

-- clear the bits of wake of callers that wait for what this call made, and count that
local function wake_those_who_wait()
    local wake = queue.wake
    if deliverable and wake % (2 * WAKE_FOR_MESSAGE) >= WAKE_FOR_MESSAGE then
        wake = wake - WAKE_FOR_MESSAGE + WAKE_COUNT_ONE
    end
    if frees and wake % (2 * WAKE_FOR_ROOM) >= WAKE_FOR_ROOM then
        wake = wake - WAKE_FOR_ROOM + WAKE_COUNT_ONE
    end
    local woken = wake ~= queue.wake
    queue.wake = wake % 4294967296
    return woken
end

-- all that may find damage, up to the bytes that will be written; returns what writes them.
-- waits_for: the bit of what the caller will wait for
local function prepare(waits_for)
    local placed = geometry.places > 0
    local woken = not placed and wake_those_who_wait()
    waits_for = waits_for and (my_place or not placed) and waits_for
    if waits_for and queue.wake % (2 * waits_for) < waits_for then
        queue.wake = queue.wake + waits_for
    end
    local room = room_to_tell()
    gather_changes()
    return function()
        write_pieces()
        if woken then
            redis.pcall('PUBLISH', 'slotq:' .. key, 'wake')
        end
        return placed and settle_places(waits_for, room)
    end
end

-- write all changes of the verb
local function commit(waits_for)
    local write = prepare(waits_for)
    note_owed()
    return write()
end
