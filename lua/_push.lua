-- _push.lua: makes room for messages, if possible, and the header after them (FORMAT.md, "push").
-- Knows the ring; must not know how the slots were packed.
--@include _commit
--@include _heads
--@include _holder

local function room()
    return slots - 1 - (queue.tail - queue.head) % slots
end

-- move the heads of the groups, one after another, until there is room
local function move_heads(count)
    local index = 0
    while index < geometry.groups and count > room() do
        other_done = 0
        load_group(index)
        if move_head() then
            end_step()
        else
            index = index + 1
        end
    end
end

-- the message at the header's head moves to the section aside
local function step_aside()
    local at, least = queue.head, slots
    local index = add_entry(id_at(at))
    put_copy(slot_at(index), '', slot_at(at), stride)
    -- the push may overwrite the source of a copy that is read only when it is written
    in_order = in_order or stride > copied_at_once
    if has(SLOTQ_FLAG_KEYS) then
        put_copy(aside_keys_at - (index + 1) * KEY_BYTES, '', keys_at + at * KEY_BYTES, KEY_BYTES)
    end
    for group_number = 0, geometry.groups - 1 do
        load_group(group_number)
        local word = WORD_ACKED
        if group.head == at then
            word = word_at(at)
            advance_head(1)
            other_done = 0
            move_head()
            group.changed = false
            group.dirty = true
        end
        set_word_aside(group_number, index, word)
        least = math.min(least, (group.head - at) % slots)
    end
    queue.head = (at + least) % slots
    end_step()
end

-- make room for count messages as far as heads can move and messages can step aside
local function clear_ring(count)
    while count > room() do
        move_heads(count)
        if count > room() then
            if not may_step_aside() then
                break
            end
            step_aside()
        end
    end
end

-- subtract the drop oldest messages from the loaded group's counts, and note them in unfinished
local function drop_from_group(drop, unfinished)
    local cursor = (group.cursor - queue.head) % slots
    local names = {[0] = 'ready_behind', 'leased', 'waiting'}
    local fields = {[0] = AT_group_ready_behind, AT_group_leased, AT_group_waiting}
    for i = (group.head - queue.head) % slots, drop - 1 do
        local state = word_at((queue.head + i) % slots) % 4
        if state ~= SLOTQ_STATE_DONE then
            unfinished[i] = true
            if i < cursor then
                take(names[state], 1, fields[state])
            end
        end
    end
    for _, name in ipairs({'cursor', 'written', 'retry_from', 'sweep', 'head'}) do
        if group[name] ~= SWEEP_NONE and (group[name] - queue.head) % slots < drop then
            group[name] = (queue.head + drop) % slots
        end
    end
    move_head()
    group.changed = false
    group.dirty = true
end

-- with overwrite: drop the oldest messages
local function drop_oldest(drop)
    local unfinished, least = {}, slots
    for index = 0, geometry.groups - 1 do
        other_done = 0
        load_group(index)
        drop_from_group(drop, unfinished)
        least = math.min(least, (group.head - queue.head) % slots)
    end
    for i = 0, drop - 1 do
        if unfinished[i] then
            queue.dropped = queue.dropped + 1
        end
    end
    queue.head = (queue.head + least) % slots
    front_changed = true
    end_step()
end

local function refuse_full(waits)
    local it = holder()
    commit(waits and WAKE_FOR_ROOM)
    refuse(string.format('SLOTQFULL %.0f %d %d %d %d %d: ', it.id, it.held, it.unfinished,
        it.group, it.state, it.dead_full) .. TEXT_FULL)
end

-- put count slots at tail, in one piece or two
local function put_ring(at, bytes_each, count, bytes)
    local before = math.min(count, slots - queue.tail)
    put(at + queue.tail * bytes_each, string.sub(bytes, 1, before * bytes_each))
    if before < count then
        put(at, string.sub(bytes, before * bytes_each + 1))
    end
end

-- the header after count more messages, for all groups or for the one that is given
local function push_header(count, only)
    local made = only or queue
    made.made = (made.made or 0) + count
    queue.pushed = true
    queue.last_id = queue.last_id + count
    queue.era = integral(queue.last_id / 2147483648)
    queue.tail = (queue.tail + count) % slots
    front_changed = true
    deliverable = true
    end_step()
end

-- make room for count messages, or refuse
local function make_room(count, waits)
    if queue.paused % 2 == SLOTQ_PAUSE_IN then
        refuse('SLOTQPAUSED ' .. TEXT_PAUSED .. ' for pushing: resume it')
    end
    -- no ids are left: a caller must not wait for that
    if queue.last_id + count > SLOTQ_ID_MAX then
        refuse_full(false)
    end
    clear_ring(count)
    if count > room() and has(SLOTQ_FLAG_OVERWRITE) then
        drop_oldest(count - room())
    end
    if count > room() then
        refuse_full(waits)
    end
end

-- push count messages, which put_slots puts at tail; returns their first id
local function push_messages(count, waits, put_slots)
    make_room(count, waits)
    put_slots()
    if has(SLOTQ_FLAG_KEYS) then
        put_ring(keys_at, KEY_BYTES, count, string.rep('\0', KEY_BYTES * count))
    end
    push_header(count)
    commit()
    return integral(queue.last_id - count + 1)
end

local function refuse_too_big(what)
    refuse('SLOTQTOOBIG ' .. TEXT_TOOBIG .. ': ' .. what)
end
