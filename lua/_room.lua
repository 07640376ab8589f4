-- _room.lua: room in the ring: how it is made, and messages put at tail (FORMAT.md, "Making room").
-- Knows the ring; must not know where the messages come from.
--@include _keys
--@include _heads

-- What other pieces use. It is defined when a call needs it, because each definition costs the
-- other calls time.
local ring = {}

do
    local function define_clear()
        function ring.room()
            return slots - 1 - (queue.tail - queue.head) % slots
        end

        -- move the heads of the groups, one after another, until there is room
        local function move_heads(count)
            local index = 0
            while index < geometry.groups and count > ring.room() do
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
            put_slot(slot_at(index), '', at)
            moving[index] = moving[at] or slot_at(at)
            -- the push may overwrite the source of a copy that is read only when it is written
            in_order = in_order or stride > copied_at_once
            if keys.holders > 0 then
                keys.step_aside(at, index)
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
        function ring.clear(count)
            while count > ring.room() do
                move_heads(count)
                if count > ring.room() then
                    if not may_step_aside() then
                        break
                    end
                    step_aside()
                end
            end
        end
    end

    local function define_drop()
        -- subtract the drop oldest messages from the loaded group's counts, and note them in
        -- unfinished
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
        function ring.drop_oldest(drop)
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
    end

    local function define_push()
        -- make room for count messages as far as the rules go; true if there is
        function ring.make_room(count)
            ring.clear(count)
            if count > ring.room() and has(SLOTQ_FLAG_OVERWRITE) then
                ring.drop_oldest(count - ring.room())
            end
            return count <= ring.room()
        end

        -- put count slots at tail, in one piece or two
        function ring.put(at, bytes_each, count, bytes)
            local before = math.min(count, slots - queue.tail)
            put(at + queue.tail * bytes_each, string.sub(bytes, 1, before * bytes_each))
            if before < count then
                put(at, string.sub(bytes, before * bytes_each + 1))
            end
        end

        -- the header after count more messages, for all groups or for the one that is given
        function ring.push_header(count, only)
            local made = only or queue
            made.made = (made.made or 0) + count
            queue.last_id = queue.last_id + count
            queue.era = integral(queue.last_id / 2147483648)
            queue.tail = (queue.tail + count) % slots
            front_changed = true
            deliverable = true
            end_step(true)
        end
    end

    function ring.define()
        keys.define()
        define_clear()
        define_drop()
        define_push()
    end
end
