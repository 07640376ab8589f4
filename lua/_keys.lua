-- _keys.lua: keys of messages, and the chains that lead to them, as they are and as they will be
-- (FORMAT.md, "Keys"). _commit writes the changes. Knows entries and buckets; must not know verbs.
--@include _commit

-- A holder is a number: of a ring slot, then of a slot aside, then of a later slot. What other
-- pieces use is in `keys`. It is defined when a call needs it, because each definition costs the
-- other calls time.
do
    local no_key = string.rep('\0', KEY_BYTES)
    -- reading as many bytes costs as much as another read
    local bytes_worth_a_read = 512
    -- by holder, of the entries that were read or changed: key, next, id; those that changed. By
    -- bucket: its first holder + 1; those that changed
    local key_of, next_of, id_of, changed = {}, {}, {}, {}
    local first_of, changed_buckets = {}, {}
    -- by key, its bucket
    local buckets = {}
    -- the bytes of all ring entries and of all buckets, if the call needs many of them: one long
    -- read costs less than many
    local ring_bytes, bucket_bytes
    local most_keys = 1
    -- the first holder that is a later slot
    local aside_end
    local holder_at, need, set, bucket_of, first, walk, is_unfinished, id_at_holder

    local function define_entries()
        local function is_worth_it(length)
            return most_keys * bytes_worth_a_read >= length
        end

        -- the call uses so many slots or keys
        function keys.expect_many(count)
            most_keys = count
        end

        -- where a holder's entry is, and its bytes
        function holder_at(holder)
            if holder < slots then
                return keys.ring_at + holder * RING_KEY_BYTES, RING_KEY_BYTES
            elseif holder < aside_end then
                return keys.aside_at + (holder - slots) * ASIDE_KEY_BYTES, ASIDE_KEY_BYTES
            end
            return keys.later_at + (holder - aside_end) * LATER_KEY_BYTES, LATER_KEY_BYTES
        end

        -- a holder's entry is known, from its bytes if they are given
        function need(holder, bytes, from)
            if key_of[holder] then
                return
            elseif not bytes and holder < slots and is_worth_it(slots * RING_KEY_BYTES) then
                ring_bytes = ring_bytes or bytes_at(keys.ring_at, slots * RING_KEY_BYTES)
                bytes, from = ring_bytes, holder * RING_KEY_BYTES + 1
            elseif not bytes then
                bytes, from = bytes_at(holder_at(holder)), 1
            end
            key_of[holder], next_of[holder] = unpack('@key.key..next', bytes, from)
            if holder >= aside_end then
                id_of[holder] = unpack('@later_key.later_id', bytes, from + RING_KEY_BYTES)
            elseif holder >= slots then
                id_of[holder] = unpack('@aside_key.id', bytes, from + RING_KEY_BYTES)
            end
        end

        function first(bucket)
            local at, length = bucket * BUCKET_BYTES, keys.holders * BUCKET_BYTES
            if not first_of[bucket] and is_worth_it(length) then
                bucket_bytes = bucket_bytes or bytes_at(keys.buckets_at, length)
                first_of[bucket] = unpack('<H', bucket_bytes, at + 1)
            elseif not first_of[bucket] then
                first_of[bucket] = unpack('<H', bytes_at(keys.buckets_at + at, BUCKET_BYTES))
            end
            return first_of[bucket]
        end

        function set(holder, key_bytes, following, id)
            key_of[holder], next_of[holder], id_of[holder] = key_bytes, following, id
            changed[holder] = true
        end
    end

    local function define_chains()
        function bucket_of(key_bytes)
            local bucket = buckets[key_bytes] or unpack('<I4', key_bytes) % keys.holders
            buckets[key_bytes] = bucket
            return bucket
        end

        -- the holder of a key, or the one that is named, which must be there; the holder before it
        -- (nil: its bucket points at it); how many holders the chain has up to it, or, `whole`, in
        -- all
        function walk(key_bytes, named, whole)
            local bucket = bucket_of(key_bytes)
            local at, link = keys.buckets_at + bucket * BUCKET_BYTES, first(bucket)
            local found, before_found, before, length = nil, nil, nil, 0
            while link > 0 and (whole or not found) do
                local holder = link - 1
                length = length + 1
                if holder >= keys.holders or length > KEY_CHAIN_MAX then
                    corrupt(at, 'a chain of keys')
                end
                need(holder)
                if not found and (holder == named or not named and key_of[holder] == key_bytes) then
                    found, before_found = holder, before
                end
                before, link = holder, next_of[holder]
                at = holder_at(holder) + AT_key_next
            end
            if named and not found then
                corrupt(at, 'a key that is not in its chain')
            end
            return found, before_found, length
        end

        -- what points at a holder of a chain points elsewhere
        local function point(key_bytes, before, link)
            if before then
                set(before, key_of[before], link, id_of[before])
            else
                local bucket = bucket_of(key_bytes)
                first_of[bucket] = link
                changed_buckets[bucket] = true
            end
        end

        -- the holder loses its key, if it has one
        function keys.free(holder)
            need(holder)
            local key_bytes = key_of[holder]
            if key_bytes ~= no_key then
                local _, before = walk(key_bytes, holder)
                point(key_bytes, before, next_of[holder])
                set(holder, no_key, 0, 0)
            end
        end

        -- a holder without a key gets one; id: of its message, if it is aside or scheduled
        function keys.put_in(holder, key_bytes, id)
            set(holder, key_bytes, first(bucket_of(key_bytes)), id)
            point(key_bytes, nil, holder + 1)
        end

        -- a key goes to another holder, which has none
        function keys.hand_over(from, to, id)
            need(from)
            local key_bytes = key_of[from]
            if key_bytes ~= no_key then
                local _, before = walk(key_bytes, from)
                point(key_bytes, before, to + 1)
                set(to, key_bytes, next_of[from], id)
                set(from, no_key, 0, 0)
            end
        end

        -- the holders of the keys of these, which were judged, lose them
        function keys.forget(keyed)
            for i = 1, keyed.are_held and keyed.count or 0 do
                local holder = keyed[i] and walk(keyed[i])
                if holder then
                    keys.free(holder)
                end
            end
        end
    end

    local function define_holders()
        -- the holder of a later slot number
        function keys.of_later(slot)
            return aside_end + slot
        end

        -- the message of a ring slot steps aside, to the slot of an index
        function keys.step_aside(at, index)
            local holder = slots - 1 - index
            keys.free(holder)
            keys.hand_over(at, holder, id_at(at))
        end

        -- count ring slots from index on lose the keys that they hold
        function keys.free_ring(index, count)
            local before, held = math.min(count, slots - index), {}
            local bytes = bytes_at(keys.ring_at + index * RING_KEY_BYTES, before * RING_KEY_BYTES)
            if before < count then
                bytes = bytes .. bytes_at(keys.ring_at, (count - before) * RING_KEY_BYTES)
            end
            for holder in pairs(changed) do
                held[#held + 1] = holder < slots and (holder - index) % slots < count and holder
                    or nil
            end
            local at = string.find(bytes, '%Z')
            while at do
                local nth = integral((at - 1) / RING_KEY_BYTES)
                held[#held + 1] = (index + nth) % slots
                need(held[#held], bytes, nth * RING_KEY_BYTES + 1)
                at = string.find(bytes, '%Z', (nth + 1) * RING_KEY_BYTES + 1)
            end
            for _, holder in ipairs(held) do
                keys.free(holder)
            end
        end

        -- whether some group has not finished the message of a ring slot
        local function is_unfinished_in_ring(index)
            local back, loaded, unfinished = (queue.tail - index) % slots, group, false
            if back == 0 or back > (queue.tail - queue.head) % slots then
                return false
            end
            for number_of_group = 0, geometry.groups - 1 do
                load_group(number_of_group)
                if back <= (queue.tail - group.head) % slots then
                    local word = position(index) < position(group.written) and
                        (group.words[index] or read_words(index, 1)) or 0
                    unfinished = unfinished or word % 4 ~= SLOTQ_STATE_DONE
                end
            end
            group = loaded
            return unfinished
        end

        function is_unfinished(holder)
            if holder >= aside_end then
                return true
            elseif holder < slots then
                return is_unfinished_in_ring(holder)
            end
            for place = 0, queue.aside_count - 1 do
                local _, index = entry_at(place)
                if slots - 1 - index == holder then
                    return true
                end
            end
            return false
        end

        -- the id of a holder's message; of one that is scheduled its later id
        function id_at_holder(holder)
            if holder >= slots then
                return id_of[holder]
            end
            local back = (queue.tail - holder) % slots
            local id = queue.last_id + 1 - (back > 0 and back or slots)
            if id < 1 then
                corrupt(holder_at(holder), 'a key of a slot that never had a message')
            end
            return id
        end
    end

    local function define_rest()
        -- where a holder is; its message's id; whether that is unfinished
        local function tell(holder)
            local place = holder >= aside_end and SLOTQ_KEY_SCHEDULED or
                holder >= slots and SLOTQ_KEY_ASIDE or SLOTQ_KEY_IN_RING
            return place, integral(id_at_holder(holder)), is_unfinished(holder) and 1 or 0
        end

        -- the reply of find
        function keys.find(key_bytes)
            local holder = walk(key_bytes)
            if not holder then
                return {redis.status_reply('NOTFOUND'), 0, 0, 0}
            end
            return {redis.status_reply('OK'), tell(holder)}
        end

        local function is_taken(holder, mode, message)
            if mode == 'unique' then
                return is_unfinished(holder)
            end
            return mode == 'once' or message == 1
        end

        -- judge the key of a message, from 1: the reply if it is taken. more: holders that the call
        -- puts into a bucket's chain
        local function judge_key(keyed, message, more)
            local key_bytes = keyed[message]
            local holder, _, length = walk(key_bytes, nil, true)
            keyed.are_held = keyed.are_held or holder
            if holder and is_taken(holder, keyed.mode, message) then
                commit()
                return {redis.status_reply('DUPLICATE'), message - 1, tell(holder)}
            end
            local bucket = bucket_of(key_bytes)
            more[bucket] = (more[bucket] or 0) + 1
            if length + more[bucket] > KEY_CHAIN_MAX then
                commit()
                refuse('SLOTQFULL 0 0 0 0 0 0: ' .. TEXT_FULL .. ': too many of its keys are alike')
            end
            return nil
        end

        -- judge the keys of a call: the reply if one is taken. A refusal ends the call: it has
        -- committed what the call did before
        function keys.judge(keyed)
            local more = {}
            for i = 1, keyed.count do
                local taken = keyed[i] and judge_key(keyed, i, more)
                if taken then
                    return taken
                end
            end
            return nil
        end

        local function in_order_of(set_of)
            local sorted = {}
            for number_in_set in pairs(set_of) do
                sorted[#sorted + 1] = number_in_set
            end
            table.sort(sorted)
            return sorted
        end

        -- for _commit
        function keys.put_changes()
            local stop
            for _, bucket in ipairs(in_order_of(changed_buckets)) do
                local at = bucket * BUCKET_BYTES
                -- few bytes between two changes are written too: that costs less than a write
                if bucket_bytes and stop and at - stop <= SLOT_GAP_BYTES_MAX then
                    put(keys.buckets_at + stop, string.sub(bucket_bytes, stop + 1, at))
                end
                put(keys.buckets_at + at, pack('<H', first_of[bucket]))
                stop = at + BUCKET_BYTES
            end
            for _, holder in ipairs(in_order_of(changed)) do
                local at = holder_at(holder)
                local bytes = pack('@key.key..next', key_of[holder], next_of[holder])
                if holder >= aside_end then
                    bytes = bytes .. pack('@later_key.later_id', id_of[holder])
                elseif holder >= slots then
                    bytes = bytes .. pack('@aside_key.id', id_of[holder])
                end
                put(at, bytes)
            end
        end
    end

    -- before anything is done with keys, in a queue that has them
    function keys.define()
        if keys.holders > 0 and not need then
            aside_end = slots + geometry.aside_slots
            define_entries()
            define_chains()
            define_holders()
            define_rest()
        end
    end
end
