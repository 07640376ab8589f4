-- _plain_settle.lua: an ack of one run (plain_packed) or of one message, leased as a whole, before
-- any function is defined. Leaves plain_size and plain_front to the general path.
local plain_size, plain_front
if #KEYS == 1 and #ARGV == (plain_packed and 6 or 7) then
    plain_size = redis.call('STRLEN', KEYS[1])
    -- reading more of the front than needed costs time: Lua hashes every byte of a string
    plain_front = redis.call('GETRANGE', KEYS[1], '0', END_OF_FOUR_GROUPS)
    if (string.byte(plain_front, AT_geometry_groups + 1) or 0) > 4 then
        plain_front = redis.call('GETRANGE', KEYS[1], '0', END_OF_GROUPS)
    end
end
--@include _plain_now
if plain_front and ARGV[2] == 'ack' and #given_now <= 14 and ARGV[4] == '0' and ARGV[5] == '0' and
    #ARGV[3] <= 2 and not string.find(given_now .. ARGV[3], '%D') and (plain_packed and
        #ARGV[6] == 12 or not plain_packed and #ARGV[6] <= 15 and #ARGV[7] <= 10 and
        #ARGV[6] > 0 and #ARGV[7] > 0 and not string.find(ARGV[6] .. ARGV[7], '%D')) and
    #plain_front >= GROUPS_OFFSET + GROUP_BYTES * (tonumber(ARGV[3]) or SLOTQ_GROUPS_MAX) +
        GROUP_BYTES then
    local call, unpack, sub, format = redis.call, struct.unpack, string.sub, string.format
    local key, group, front = KEYS[1], tonumber(ARGV[3]), plain_front
    local group_at = GROUPS_OFFSET + GROUP_BYTES * group
    local id, token, count, token_bytes
    if plain_packed then
        id, token, count = unpack('<I6I4H', ARGV[6])
        token_bytes = sub(ARGV[6], 7, 10)
    else
        id, token, count = tonumber(ARGV[6]), tonumber(ARGV[7]), 1
        token_bytes = struct.pack('<I4', token % 4294967296)
    end
    local last_id, least, tail, magic, ring, payload, later, dead, groups, flags, most, aside,
        tick_ms, places, note, held, era =
        unpack('@header.last_id..geometry.note_bytes shared.aside_count..era', front)
    local head, cursor, ready, leased, waiting, retry_from, sweep, written, most_leased =
        unpack('@group.head..written limit.max_leased', front, group_at + 1)
    --@include _plain_window
    local position = id + span - newest - 1
    local index = (head + position) % ring
    -- the words from index on may continue at the begin of the ring
    local begin_at = states_at + WORD_BYTES * ring * group
    local words_at, to_end = begin_at + WORD_BYTES * index, ring - index
    if not (sound and most_leased == 0 and count >= 1 and count <= SLOTQ_CALL_MESSAGES_MAX and
        count <= leased and position >= 0 and position + count <= taken and
        token % 4 == SLOTQ_STATE_LEASED and token < 4294967296) then
        position = -1
    end
    local acked = WORD_ACKED_BYTES
    local counted = unpack('@group.acked', front, group_at + AT_group_acked + 1) + count
    local counts = sub(front, group_at + AT_group_due + 1, group_at + AT_group_acked) ..
        struct.pack('@group.acked', counted % 4294967296)
    -- a caller waits for room: this ack may make some, at head or because a message may step aside
    local wake = string.byte(front, AT_shared_wake + 1)
    local awaited = wake % (2 * WAKE_FOR_ROOM) >= WAKE_FOR_ROOM
    -- or one waits for a message, and one that is scheduled may wait for room
    local held_up = wake % WAKE_COUNT_ONE > 0 and used == ring - 1 and
        unpack('@shared.later_due_ms', front, AT_shared_later_due_ms + 1) ~= DUE_NONE
    if position > 0 and (held >= aside or not awaited) then
        local first = math.min(count, to_end)
        local words = call('GETRANGE', key, format('%d', words_at),
            format('%d', words_at + first * WORD_BYTES - 1))
        if first < count then
            words = words .. call('GETRANGE', key, format('%d', begin_at),
                format('%d', begin_at + (count - first) * WORD_BYTES - 1))
        end
        if words == string.rep(token_bytes, count) then
            call('SETRANGE', key, format('%d', words_at), string.rep(acked, first))
            if first < count then
                call('SETRANGE', key, format('%d', begin_at), string.rep(acked, count - first))
            end
            call('SETRANGE', key, format('%d', group_at + AT_group_leased),
                struct.pack('@group.leased..written', leased - count, waiting, retry_from, sweep,
                    written) .. counts)
            return plain_packed and string.rep('\0', count) or {{ok = 'OK'}}
        end
    end
    if position == 0 and not awaited and not held_up then
        -- the words after the run are read with it: head moves over those acked before
        local wanted = math.min(known, count + 16)
        local first = math.min(wanted, to_end)
        local words = call('GETRANGE', key, format('%d', words_at),
            format('%d', words_at + first * WORD_BYTES - 1))
        if first < wanted then
            words = words .. call('GETRANGE', key, format('%d', begin_at),
                format('%d', begin_at + (wanted - first) * WORD_BYTES - 1))
        end
        local reach, at = count, count * WORD_BYTES + 1
        while sub(words, at, at + 3) == acked do
            reach, at = reach + 1, at + WORD_BYTES
        end
        local next_is_done = reach ~= known and
            (string.byte(words, at) or SLOTQ_STATE_DONE) % 4 == SLOTQ_STATE_DONE
        local new_head = (head + reach) % ring
        local moved = (new_head - least) % ring
        for other = 0, groups - 1 do
            local other_head = unpack('@group.head', front, GROUPS_OFFSET + GROUP_BYTES * other + 1)
            local distance = (other_head - least) % ring
            if other_head >= ring or distance > used then
                next_is_done = true
            elseif other ~= group and distance < moved then
                moved = distance
            end
        end
        -- a substring for the comparison would be hashed once more
        if not next_is_done and
            string.find(words, string.rep(token_bytes, count), 1, true) == 1 then
            if reach > taken then
                cursor = new_head
            end
            if behind < reach then
                retry_from = new_head
            end
            if sweep ~= SWEEP_NONE and (sweep - head) % ring < reach then
                sweep = new_head
            end
            call('SETRANGE', key, OFFSET_OF_HEAD,
                struct.pack('@header.head', (least + moved) % ring) ..
                sub(front, AT_header_tail + 1, group_at) ..
                struct.pack('@group.head..written', new_head, cursor, ready, leased - count,
                    waiting, retry_from, sweep, written) .. counts)
            return plain_packed and string.rep('\0', count) or {{ok = 'OK'}}
        end
    end
end
