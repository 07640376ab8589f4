-- _later.lua: the heap of scheduled messages, as it is and as it will be (FORMAT.md, "Later").
-- _commit writes the changes. Knows entries; must not know verbs.
--@include _commit

-- What other pieces use is in `later`. It is defined when a call needs it, because each definition
-- costs the other calls time.
do
    -- by place, of the entries that were read or changed: the three fields, as in the value; places
    -- of those that changed
    local dues, ids, fields, changed = {}, {}, {}, {}
    local heap_at, need, set, move, rise, sink

    local function define_entries()
        local eight = '<' .. string.rep('I6I4H', HEAP_CHILDREN)

        function heap_at(place)
            return later.index_at + place * LATER_ENTRY_BYTES
        end

        local function learn(from, count, bytes, at)
            local values = {unpack(count == HEAP_CHILDREN and eight or
                '<' .. string.rep('I6I4H', count), bytes, at)}
            for i = 0, count - 1 do
                if not ids[from + i] then
                    dues[from + i], ids[from + i], fields[from + i] = values[3 * i + 1],
                        values[3 * i + 2], values[3 * i + 3]
                end
            end
        end

        -- read count entries from a place on, up to the end of the index
        function later.read(from, count)
            count = math.min(count, geometry.later_slots - from)
            local bytes = bytes_at(heap_at(from), count * LATER_ENTRY_BYTES)
            for i = 0, count - 1, HEAP_CHILDREN do
                learn(from + i, math.min(HEAP_CHILDREN, count - i), bytes,
                    i * LATER_ENTRY_BYTES + 1)
            end
        end

        -- the entry at a place of the heap is known and sound; its siblings are read with it
        function need(place)
            if not ids[place] then
                local first = math.max(place - (place - 1) % HEAP_CHILDREN, 0)
                later.read(first, place > 0 and HEAP_CHILDREN or 1)
            end
            if dues[place] > SLOTQ_NOW_MS_MAX then
                corrupt(heap_at(place) + AT_later_due_ms, 'later.due_ms')
            elseif ids[place] == 0 then
                corrupt(heap_at(place) + AT_later_later_id, 'later.later_id')
            end
        end

        -- the slot number of the entry at a place is judged when its slot is used
        function later.slot_of(place)
            local slot = bit.bxor(fields[place], place)
            if slot >= geometry.later_slots then
                corrupt(heap_at(place) + AT_later_slot, 'later.slot')
            end
            return later.slots_at + slot * stride, slot
        end
    end

    local function define_order()
        function set(place, due_ms, id, slot)
            dues[place], ids[place], fields[place] = due_ms, id, bit.bxor(slot, place)
            changed[place] = true
        end

        function move(from, to)
            dues[to], ids[to] = dues[from], ids[from]
            fields[to] = bit.bxor(bit.bxor(fields[from], from), to)
            changed[to] = true
        end

        -- an entry goes up from a place, to where its parent comes before it; true if it moved
        function rise(place, due_ms, id, slot)
            local from = place
            while place > 0 do
                local parent = integral((place - 1) / HEAP_CHILDREN)
                need(parent)
                if dues[parent] < due_ms or dues[parent] == due_ms and ids[parent] < id then
                    break
                end
                move(parent, place)
                place = parent
            end
            set(place, due_ms, id, slot)
            return place ~= from
        end

        function sink(place, due_ms, id, slot)
            while true do
                local first, least_due, least_id, least = HEAP_CHILDREN * place + 1, due_ms, id, nil
                for child = first, math.min(first + HEAP_CHILDREN, queue.later_count) - 1 do
                    need(child)
                    local due = dues[child]
                    if due < least_due or due == least_due and ids[child] < least_id then
                        least_due, least_id, least = due, ids[child], child
                    end
                end
                if not least then
                    break
                end
                move(least, place)
                place = least
            end
            set(place, due_ms, id, slot)
        end
    end

    local function define_changes()
        -- when the next message is due
        local function root_due()
            if queue.later_count == 0 then
                return DUE_NONE
            end
            need(0)
            return dues[0]
        end

        function later.judge()
            if queue.later_count > geometry.later_slots then
                corrupt(AT_shared_later_count, 'later_count')
            elseif queue.later_due_ms ~= root_due() then
                corrupt(AT_shared_later_due_ms, 'later_due_ms')
            end
        end

        -- the step is done: sleepers look again if a message is due earlier than they were told
        local function end_heap_step()
            local due_ms = root_due()
            if due_ms < queue.later_due_ms then
                later.fell = true
                deliverable = true
            end
            queue.later_due_ms = due_ms
        end

        -- put in an entry: it takes the free slot number at the end of the heap, which is returned
        function later.put_in(due_ms, id)
            local place = queue.later_count
            if not ids[place] then
                later.read(place, 1)
            end
            if ids[place] ~= 0 then
                corrupt(heap_at(place) + AT_later_later_id, 'later.later_id')
            end
            local _, slot = later.slot_of(place)
            queue.later_count = place + 1
            rise(place, due_ms, id, slot)
            end_heap_step()
            return slot
        end

        -- take out the entry at a place
        function later.take_out(place)
            local last = queue.later_count - 1
            need(place)
            need(last)
            local slot = bit.bxor(fields[place], place)
            local due_ms, id, moved = dues[last], ids[last], bit.bxor(fields[last], last)
            queue.later_count = last
            set(last, 0, 0, slot)
            if place ~= last and not rise(place, due_ms, id, moved) then
                sink(place, due_ms, id, moved)
            end
            end_heap_step()
        end

        -- the entry at a place is due at another time, which is earlier
        function later.make_due(place, due_ms)
            rise(place, due_ms, ids[place], bit.bxor(fields[place], place))
            end_heap_step()
        end
    end

    local function define_rest()
        -- due time and id of the entry at a place
        function later.at(place)
            need(place)
            return dues[place], ids[place]
        end

        -- count entries from a place on, in pieces of at most `most`: visit(bytes, from)
        function later.each_piece(most, visit)
            for from = 0, queue.later_count - 1, most do
                local count = math.min(most, queue.later_count - from)
                local found = visit(bytes_at(heap_at(from), count * LATER_ENTRY_BYTES), from, count)
                if found then
                    return found
                end
            end
            return nil
        end

        -- the place of an id, or nil
        function later.find(id)
            if id > 4294967295 then
                return nil
            end
            local wanted = pack('@later.later_id', id)
            return later.each_piece(5000, function(bytes, from)
                local at = string.find(bytes, wanted, 1, true)
                while at and (at - 1) % LATER_ENTRY_BYTES ~= AT_later_later_id do
                    at = string.find(bytes, wanted, at + 1, true)
                end
                return at and from + integral((at - 1) / LATER_ENTRY_BYTES)
            end)
        end

        -- true if all entries from a place up to another are known, and few: one write is enough
        local function is_bridge(from, to)
            for place = from, to - from <= HEAP_CHILDREN and to - 1 or from do
                if not ids[place] then
                    return false
                end
            end
            return to - from <= HEAP_CHILDREN
        end

        -- for _commit: write the entries that changed
        function later.put_heap()
            local places, stop = {}, nil
            for place in pairs(changed) do
                places[#places + 1] = place
            end
            table.sort(places)
            for _, from in ipairs(places) do
                local first = stop and is_bridge(stop, from) and stop or from
                for place = first, from do
                    put(heap_at(place), pack('@later.due_ms..slot', dues[place], ids[place],
                        fields[place]))
                end
                stop = from + 1
            end
        end
    end

    -- before anything is done with the heap
    function later.open()
        if not need then
            define_entries()
            define_order()
            define_changes()
            define_rest()
        end
        later.judge()
    end
end
