-- _plain_push.lua: a push if there is room and no era is crossed, before any function is defined.
-- The verb says in plain_reads whether the number of arguments is one of its, in plain_packed
-- whether they are slots, in plain_first where payloads begin, in plain_serves whether it may be
-- plain, in plain_key the key of its one message, or ''. Leaves plain_size and plain_front to the
-- general path, and to _plain_push_ring what it needs if clients wait at places.
local plain_size, plain_front, plain_rest
if #KEYS == 1 and plain_reads then
    plain_size = redis.call('STRLEN', KEYS[1])
    plain_front = redis.call('GETRANGE', KEYS[1], '0', END_OF_SHARED)
end
--@include _plain_now
if plain_front and #plain_front == GROUPS_OFFSET and #given_now <= 14 and plain_serves and
    not string.find(given_now, '%D') and (not plain_packed or
        #ARGV[2] <= 4 and not string.find(ARGV[2], '%D')) then
    local call, unpack = redis.call, struct.unpack
    local key, count, slots, front = KEYS[1], #ARGV + 1 - plain_first, '', plain_front
    local last_id, head, tail, magic, ring, payload, later, dead, groups, flags, most, aside,
        tick_ms, places, note, _, set, paused, held, era, later_due_ms = unpack(
        '@header.last_id..geometry.set shared.paused..later_due_ms', front)
    --@include _plain_geometry
    local fits, now_ms
    -- a scheduled message may be due
    if later_due_ms ~= DUE_NONE or not plain_packed and flags >= SLOTQ_FLAG_STAMPS then
        now_ms = tonumber(given_now)
        if not now_ms then
            local time = call('TIME')
            now_ms = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
        end
    end
    if plain_packed then
        count, slots = tonumber(ARGV[2]) or 0, ARGV[3]
        fits = #slots == count * stride or count == 1 and #slots < stride and
            #slots >= stride - payload and #slots == stride - payload + unpack('<H', slots)
    else
        fits = flags % (2 * SLOTQ_FLAG_CHECKS) < SLOTQ_FLAG_CHECKS and tick_ms >= 1
        local stamp = ''
        if fits and flags >= SLOTQ_FLAG_STAMPS then
            stamp = struct.pack('<I4', (now_ms - now_ms % tick_ms) / tick_ms % 4294967296)
        end
        local left = count * payload
        for i = plain_first, #ARGV do
            fits = fits and #ARGV[i] <= payload
            left = left - #ARGV[i]
        end
        if fits and count == 1 then
            slots = struct.pack('<H', #ARGV[plain_first]) .. stamp .. ARGV[plain_first]
        elseif fits and left <= count * SLOT_GAP_BYTES_MAX then
            local parts = {}
            for i = 2, count + 1 do
                parts[i - 1] = struct.pack('<H', #ARGV[i]) .. stamp .. ARGV[i] ..
                    string.rep('\0', payload - #ARGV[i])
            end
            slots = table.concat(parts)
        else
            fits = false
        end
    end
    local used = tail - head
    if used < 0 then
        used = used + ring
    end
    served = served and head < ring and tail < ring and used <= last_id and
        count >= 1 and count < ring - used and count <= SLOTQ_CALL_MESSAGES_MAX and
        fits and count * payload <= SLOTQ_CALL_BYTES_MAX and
        (later_due_ms == DUE_NONE or later_due_ms > now_ms) and
        (paused == 0 or paused == SLOTQ_PAUSE_OUT) and
        last_id >= 2147483648 * (era % 2) and
        last_id + count < 2147483648 * (1 + era % 2)
    if served and (holders > 0 or plain_key ~= '') then
        --@include _plain_key
    end
    if served then
        local at = string.format('%d', ring_at + tail * stride)
        local before = ring - tail
        tail = tail + count
        if count <= before then
            call('SETRANGE', key, at, slots)
        else
            call('SETRANGE', key, at, string.sub(slots, 1, before * stride))
            call('SETRANGE', key, string.format('%d', ring_at),
                string.sub(slots, before * stride + 1))
        end
        if tail >= ring then
            tail = tail - ring
        end
        call('SETRANGE', key, '0',
            struct.pack('@header.last_id..tail', last_id + count, head, tail))
        local id, bits = math.floor((era - era % 2) * 2147483648 + last_id + 1),
            string.byte(front, AT_shared_wake + 1)
        local shard = set > 0 and {id, math.floor(used + count), 0}
        id = shard or id
        if places == 0 and bits % 2 == WAKE_FOR_MESSAGE then
            local wake = unpack('@shared.wake', front, AT_shared_wake + 1) - WAKE_FOR_MESSAGE
            call('SETRANGE', key, OFFSET_OF_WAKE,
                struct.pack('@shared.wake', (wake + WAKE_COUNT_ONE) % 4294967296))
            redis.pcall('PUBLISH', 'slotq:' .. key, 'wake')
        end
        if bits % (2 * WAKE_RING_BELL) >= WAKE_RING_BELL then
            local counter = math.floor(unpack('@shared.wake', front, AT_shared_wake + 1) /
                WAKE_COUNT_ONE)
            if places == 0 and bits % 2 == WAKE_FOR_MESSAGE then
                counter = (counter + 1) % 536870912
            end
            id = {{ok = 'RING'}, counter, groups == 1 and 0 or {ok = 'all'}, count, id}
        end
        if places == 0 or bits % (2 * WAKE_FOR_ROOM) == 0 then
            return id
        end
        plain_rest = {reply = id, shard = shard, set = set, wake = bits, places = places,
            rows_at = plain_size - rows, groups = groups, count = count,
            room = ring - 1 - used - count}
    end
end
