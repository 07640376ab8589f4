-- _later.lua: the heap of scheduled messages, as it is and as it will be (FORMAT.md, "Later").
-- _commit writes the changes. Knows entries; must not know verbs.
--@include _commit

-- What other pieces use is in `later`. It is defined when a call needs it, because each definition
-- costs the other calls time.
do
    -- Entries that were read or changed, by families: the children of a place, three fields each,
    -- as in the value. The root is in family -1. Places of those that changed.
    local families, changed = {}, {}
    local family_of, need, set, rise, sink

    -- the place of an entry's parent, and where its fields are in the family
    local function address_of(place)
        local nth = (place - 1) % HEAP_CHILDREN
        return (place - 1 - nth) / HEAP_CHILDREN, 3 * nth + 1
    end

    local function heap_at(place)
        return later.index_at + place * LATER_ENTRY_BYTES
    end

    local function refuse_entry(place, due_ms)
        if due_ms > SLOTQ_NOW_MS_MAX then
            corrupt(heap_at(place) + AT_later_due_ms, 'later.due_ms')
        end
        corrupt(heap_at(place) + AT_later_later_id, 'later.later_id')
    end

    local function define_entries()
        local three = 'I6I4H'
        local eight = '<' .. string.rep(three, HEAP_CHILDREN)

        -- the children of a place, as far as there are any, whose bytes begin at `at`
        local function learn(parent, count, bytes, at)
            families[parent] = families[parent] or {unpack(count == HEAP_CHILDREN and eight or
                '<' .. string.rep(three, count), bytes, at)}
        end

        -- the families with the entries of count places from one on, in one read
        function later.read(from, count)
            local first = math.max(address_of(from), 0)
            local last = math.max(address_of(math.min(from + count, geometry.later_slots) - 1), 0)
            local place = first * HEAP_CHILDREN + 1
            local stop = math.min((last + 1) * HEAP_CHILDREN + 1, geometry.later_slots)
            local bytes = stop > place and
                bytes_at(heap_at(place), (stop - place) * LATER_ENTRY_BYTES)
            for parent = first, bytes and last or -1 do
                learn(parent, math.min(HEAP_CHILDREN, stop - place), bytes,
                    (parent - first) * HEAP_CHILDREN * LATER_ENTRY_BYTES + 1)
                place = place + HEAP_CHILDREN
            end
        end

        -- the family of a parent
        function family_of(parent)
            if not families[parent] and parent >= 0 then
                later.read(parent * HEAP_CHILDREN + 1, HEAP_CHILDREN)
            elseif not families[parent] then
                local root = {}
                for i = 1, 3 * (HEAP_CHILDREN - 1) do
                    root[i] = 0
                end
                local _, at = address_of(0)
                root[at], root[at + 1], root[at + 2] = unpack('@later.due_ms..slot',
                    bytes_at(heap_at(0), LATER_ENTRY_BYTES))
                families[parent] = root
            end
            return families[parent]
        end

        -- due time, id and slot field of the entry at a place, which is sound
        function need(place)
            local parent, at = address_of(place)
            local family = family_of(parent)
            local due_ms, id = family[at], family[at + 1]
            if due_ms > SLOTQ_NOW_MS_MAX or id == 0 then
                refuse_entry(place, due_ms)
            end
            return due_ms, id, family[at + 2]
        end

        -- the slot number of the entry at a place is judged when its slot is used
        function later.slot_of(place)
            local parent, at = address_of(place)
            local slot = bit.bxor(family_of(parent)[at + 2], place)
            if slot >= geometry.later_slots then
                corrupt(heap_at(place) + AT_later_slot, 'later.slot')
            end
            return later.slots_at + slot * stride, slot
        end
    end

    local function define_order()
        function set(place, due_ms, id, slot)
            local parent, at = address_of(place)
            local family = family_of(parent)
            family[at], family[at + 1], family[at + 2] = due_ms, id, bit.bxor(slot, place)
            changed[place] = true
        end

        -- an entry goes up from a place, to where its parent comes before it; true if it moved
        function rise(place, due_ms, id, slot)
            local from = place
            while place > 0 do
                local parent = address_of(place)
                local parent_due, parent_id, field = need(parent)
                if parent_due < due_ms or parent_due == due_ms and parent_id < id then
                    break
                end
                set(place, parent_due, parent_id, bit.bxor(field, parent))
                place = parent
            end
            set(place, due_ms, id, slot)
            return place ~= from
        end

        -- an entry goes down from a place, the least of the children up; written out, as it is most
        -- of what a promotion costs
        function sink(place, due_ms, id, slot)
            local parent, at = address_of(place)
            local here = family_of(parent)
            while true do
                local first = HEAP_CHILDREN * place + 1
                local count = math.min(HEAP_CHILDREN, queue.later_count - first)
                local family = count > 0 and (families[place] or family_of(place))
                local least_due, least_id, least = due_ms, id, nil
                for i = 1, 3 * count, 3 do
                    local due, this = family[i], family[i + 1]
                    if due > SLOTQ_NOW_MS_MAX or this == 0 then
                        refuse_entry(first + (i - 1) / 3, due)
                    elseif due < least_due or due == least_due and this < least_id then
                        least_due, least_id, least = due, this, i
                    end
                end
                if not least then
                    break
                end
                local child = first + (least - 1) / 3
                here[at], here[at + 1] = least_due, least_id
                here[at + 2] = bit.bxor(bit.bxor(family[least + 2], child), place)
                changed[place] = true
                place, here, at = child, family, least
            end
            here[at], here[at + 1], here[at + 2] = due_ms, id, bit.bxor(slot, place)
            changed[place] = true
        end
    end

    local function define_changes()
        -- when the next message is due
        local function root_due()
            if queue.later_count == 0 then
                return DUE_NONE
            end
            return (need(0))
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
            local parent, at = address_of(place)
            if family_of(parent)[at + 1] ~= 0 then
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
            local _, _, field = need(place)
            local due_ms, id, last_field = need(last)
            local slot, moved = bit.bxor(field, place), bit.bxor(last_field, last)
            queue.later_count = last
            set(last, 0, 0, slot)
            if place ~= last and not rise(place, due_ms, id, moved) then
                sink(place, due_ms, id, moved)
            end
            end_heap_step()
        end

        -- the entry at a place is due at another time, which is earlier
        function later.make_due(place, due_ms)
            local _, id, field = need(place)
            rise(place, due_ms, id, bit.bxor(field, place))
            end_heap_step()
        end
    end

    local function define_rest()
        -- due time and id of the entry at a place
        function later.at(place)
            local due_ms, id = need(place)
            return due_ms, id
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

        -- for _commit: write the entries that changed, and those between two of a family
        function later.put_heap()
            local places, before, stop = {}, nil, nil
            for place in pairs(changed) do
                places[#places + 1] = place
            end
            table.sort(places)
            for _, place in ipairs(places) do
                local parent, at = address_of(place)
                local from = parent == before and stop or at
                local family, bytes = families[parent], ''
                for i = from, at, 3 do
                    bytes = bytes .. pack('@later.due_ms..slot', family[i], family[i + 1],
                        family[i + 2])
                end
                put(heap_at(place - (at - from) / 3), bytes)
                before, stop = parent, at + 3
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
