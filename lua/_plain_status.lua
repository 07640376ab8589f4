-- _plain_status.lua: the status of one message, before any function is defined, because a caller
-- that waits for its turn polls it. Leaves plain_size and plain_front to the general path.
local plain_size, plain_front
if #KEYS == 1 and #ARGV == 3 then
    plain_size = redis.call('STRLEN', KEYS[1])
    plain_front = redis.call('GETRANGE', KEYS[1], '0',
        ARGV[2] == '0' and END_OF_FIRST_GROUP or END_OF_GROUPS)
end
--@include _plain_now
if plain_front and #given_now <= 14 and #ARGV[2] <= 2 and #ARGV[2] > 0 and #ARGV[3] <= 14 and
    #ARGV[3] > 0 and not string.find(given_now .. ARGV[2] .. ARGV[3], '%D') and
    #plain_front >= GROUPS_OFFSET + GROUP_BYTES * (tonumber(ARGV[2]) + 1) then
    local call, unpack, format, floor = redis.call, struct.unpack, string.format, math.floor
    local key, group, id, front = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), plain_front
    local last_id, least, tail, magic, ring, payload, later, dead, groups, flags, most, aside,
        tick_ms, places, note, held, era, dead_head, dead_count = unpack(
        '@header.last_id..geometry.note_bytes shared.aside_count..era shared.dead_head..dead_count',
        front)
    local head, cursor, ready, leased, waiting, retry_from, sweep, written, due =
        unpack('@group.head..due', front, GROUPS_OFFSET + GROUP_BYTES * group + 1)
    --@include _plain_window
    local dead_holes = unpack('@shared.dead_holes', front, AT_shared_dead_holes + 1)
    local at = id + span - newest - 1
    -- the messages aside are not looked at: this one is none, and none is delivered before it
    if sound and dead_count + dead_holes <= dead and (dead_head == 0 or dead_head < dead) and
        (held == 0 or id == 0 or id > newest or at >= 0 and (ready == 0 or at >= taken)) then
        if id == 0 or id > newest or at < 0 then
            return {(id == 0 or id > newest) and 'NOTFOUND' or 'FINISHED', 0, 0, 0, -1, 0, 0}
        end
        local index, word = (head + at) % ring, 0
        if at < known then
            local word_at = states_at + WORD_BYTES * (ring * group + index)
            word = unpack('<I4', call('GETRANGE', key, format('%d', word_at),
                format('%d', word_at + WORD_BYTES - 1)))
        end
        local state, bits = word % 4, (word - word % 256) / 256
        local name, why, deadline_ms, place = 'LEASED', 0, 0, 0
        if state == SLOTQ_STATE_DONE then
            name, why = 'DONE', bits
        elseif state ~= SLOTQ_STATE_READY then
            deadline_ms = math.min((due + (bits - due) % 16777216) * tick_ms, 9007199254740991)
        end
        if state == SLOTQ_STATE_READY or state == SLOTQ_STATE_WAITING then
            local itself = state == SLOTQ_STATE_READY and 1 or 0
            name = itself == 1 and 'READY' or 'WAITING'
            place = at >= taken and ready + at - taken or
                math.min(ready - itself, math.max(at - behind, 0))
        end
        local pushed, age_ms = 0, -1
        if flags >= SLOTQ_FLAG_STAMPS then
            local now_ms, stamp_at = tonumber(given_now), ring_at + index * stride + LENGTH_BYTES
            if not now_ms then
                local time = call('TIME')
                now_ms = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
            end
            local now = (now_ms - now_ms % tick_ms) / tick_ms
            local stamp = unpack('<I4', call('GETRANGE', key, format('%d', stamp_at),
                format('%d', stamp_at + STAMP_BYTES - 1)))
            local ahead, age = (stamp - now) % 4294967296, (now - stamp) % 4294967296
            if ahead < 268435456 then
                pushed = (now + ahead) * tick_ms
            elseif age <= now then
                pushed = (now - age) * tick_ms
            end
            age_ms = pushed > 0 and math.max(now_ms - pushed, 0) or -1
        end
        return {name, floor(why), floor(word / 4) % 64, floor(deadline_ms), floor(age_ms),
            floor(place), floor(pushed)}
    end
end
