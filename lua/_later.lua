-- _later.lua: the heap of scheduled messages, as it is and as it will be (FORMAT.md, "Later").
-- _commit writes the changes. Knows entries; must not know verbs.
--@include _commit

-- What other pieces use is in `later`. It is defined when a call needs it, because each definition
-- costs the other calls time.
do
    local children = 8
    -- entries that were read or changed, by place; places of those that changed
    local heap, changed = {}, {}
    local heap_at, get, set, rise, sink

    local function define_entries()
        function heap_at(place)
            return later.index_at + place * LATER_ENTRY_BYTES
        end

        -- read count entries from a place on, up to the end of the index
        function later.read(from, count)
            count = math.min(count, geometry.later_slots - from)
            local bytes = bytes_at(heap_at(from), count * LATER_ENTRY_BYTES)
            for place = from, from + count - 1 do
                if not heap[place] then
                    local due_ms, id, slot = unpack('@later.due_ms..slot', bytes,
                        (place - from) * LATER_ENTRY_BYTES + 1)
                    heap[place] = {due_ms = due_ms, id = id, slot = bit.bxor(slot, place)}
                end
            end
        end

        -- the entry at a place of the heap; its siblings are read with it
        function get(place)
            if not heap[place] then
                local first = math.max(place - (place - 1) % children, 0)
                later.read(first, place > 0 and children or 1)
            end
            local entry = heap[place]
            if entry.due_ms > SLOTQ_NOW_MS_MAX then
                corrupt(heap_at(place) + AT_later_due_ms, 'later.due_ms')
            elseif entry.id == 0 then
                corrupt(heap_at(place) + AT_later_later_id, 'later.later_id')
            end
            return entry
        end

        function set(place, entry)
            heap[place] = entry
            changed[place] = true
        end

        -- where the slot of an entry is; its slot number is judged when it is used
        function later.slot_of(place)
            local slot = heap[place].slot
            if slot >= geometry.later_slots then
                corrupt(heap_at(place) + AT_later_slot, 'later.slot')
            end
            return later.slots_at + slot * stride, slot
        end

        function later.judge()
            if queue.later_count > geometry.later_slots then
                corrupt(AT_shared_later_count, 'later_count')
            end
            local due_ms = queue.later_count > 0 and get(0).due_ms or DUE_NONE
            if queue.later_due_ms ~= due_ms then
                corrupt(AT_shared_later_due_ms, 'later_due_ms')
            end
        end
    end

    local function define_order()
        local function comes_before(one, other)
            return one.due_ms < other.due_ms or one.due_ms == other.due_ms and one.id < other.id
        end

        -- the entry goes up from a place, to where its parent comes before it; true if it moved
        function rise(place, entry)
            local from = place
            while place > 0 do
                local parent = integral((place - 1) / children)
                local above = get(parent)
                if not comes_before(entry, above) then
                    break
                end
                set(place, above)
                place = parent
            end
            set(place, entry)
            return place ~= from
        end

        function sink(place, entry)
            while true do
                local first, least, least_at = children * place + 1, entry, nil
                for child = first, math.min(first + children, queue.later_count) - 1 do
                    local here = get(child)
                    if comes_before(here, least) then
                        least, least_at = here, child
                    end
                end
                if not least_at then
                    break
                end
                set(place, least)
                place = least_at
            end
            set(place, entry)
        end
    end

    local function define_changes()
        -- the step is done: sleepers look again if a message is due earlier than they were told
        local function end_heap_step()
            local due_ms = queue.later_count > 0 and get(0).due_ms or DUE_NONE
            if due_ms < queue.later_due_ms then
                later.fell = true
                deliverable = true
            end
            queue.later_due_ms = due_ms
        end

        -- put in an entry: it takes the free slot number at the end of the heap, which is returned
        function later.put_in(due_ms, id)
            local place = queue.later_count
            if not heap[place] then
                later.read(place, 1)
            end
            if heap[place].id ~= 0 then
                corrupt(heap_at(place) + AT_later_later_id, 'later.later_id')
            end
            local _, slot = later.slot_of(place)
            queue.later_count = place + 1
            rise(place, {due_ms = due_ms, id = id, slot = slot})
            end_heap_step()
            return slot
        end

        -- take out the entry at a place
        function later.take_out(place)
            local last = queue.later_count - 1
            local taken, moved = get(place), get(last)
            queue.later_count = last
            set(last, {due_ms = 0, id = 0, slot = taken.slot})
            if place ~= last and not rise(place, moved) then
                sink(place, moved)
            end
            end_heap_step()
        end

        -- the entry at a place is due at another time, which is earlier
        function later.make_due(place, due_ms)
            local entry = get(place)
            rise(place, {due_ms = due_ms, id = entry.id, slot = entry.slot})
            end_heap_step()
        end

        -- due time and id of the entry at a place
        function later.at(place)
            local entry = get(place)
            return entry.due_ms, entry.id
        end

        -- the place of an id, or nil; reads up to 60 KiB at a time
        function later.find(id)
            local wanted, read_at_once = pack('@later.later_id', id), 5120
            for from = 0, queue.later_count - 1, read_at_once do
                local count = math.min(read_at_once, queue.later_count - from)
                local bytes = bytes_at(heap_at(from), count * LATER_ENTRY_BYTES)
                local at = string.find(bytes, wanted, 1, true)
                while at do
                    if (at - 1) % LATER_ENTRY_BYTES == AT_later_later_id then
                        return from + integral((at - 1) / LATER_ENTRY_BYTES)
                    end
                    at = string.find(bytes, wanted, at + 1, true)
                end
            end
            return nil
        end

        -- for _commit: write the entries that changed
        function later.put_heap()
            local places = {}
            for place in pairs(changed) do
                places[#places + 1] = place
            end
            table.sort(places)
            for _, place in ipairs(places) do
                local entry = heap[place]
                put(heap_at(place), pack('@later.due_ms..slot', entry.due_ms, entry.id,
                    bit.bxor(entry.slot, place)))
            end
        end
    end

    -- before anything is done with the heap
    function later.open()
        if not get then
            define_entries()
            define_order()
            define_changes()
        end
        later.judge()
    end
end
