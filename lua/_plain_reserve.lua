-- _plain_reserve.lua: reserve and reserve_packed (plain_packed) of new messages if no message is
-- given back, due or removed, before any function is defined. Leaves plain_size, plain_front and
-- plain_now_ms to the general path, and to _plain_reserve_ring what it needs if clients wait at
-- places.
local plain_size, plain_front, plain_now_ms, plain_rest
if #KEYS == 1 and #ARGV >= 4 and #ARGV <= 6 then
    plain_size = redis.call('STRLEN', KEYS[1])
    plain_front = redis.call('GETRANGE', KEYS[1], '0',
        ARGV[2] == '0' and END_OF_FIRST_GROUP or END_OF_GROUPS)
end
--@include _plain_now
if plain_front and #given_now <= 14 and #ARGV[2] <= 2 and #ARGV[3] <= 4 and #ARGV[4] <= 12 and
    not string.find(given_now .. ARGV[2] .. ARGV[3] .. ARGV[4], '%D') and
    (not ARGV[5] or ARGV[5] == '1' or ARGV[5] == '2' and not ARGV[6]) and
    (not ARGV[6] or #ARGV[6] <= 3 and #ARGV[6] > 0 and not string.find(ARGV[6], '%D')) then
    local call, unpack, format = redis.call, struct.unpack, string.format
    local key, front, group = KEYS[1], plain_front, tonumber(ARGV[2]) or SLOTQ_GROUPS_MAX
    local limit, lease_ms = tonumber(ARGV[3]) or 0, tonumber(ARGV[4]) or 0
    local group_at = GROUPS_OFFSET + GROUP_BYTES * group
    local last_id, least, tail, magic, ring, payload, later, dead, groups, flags, tick_ms, paused,
        era, places, later_due_ms, most, aside, note, held =
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
    local head, cursor, ready, leased, waiting, retry_from, sweep, written, due, most_leased, rate
    if #front >= group_at + GROUP_BYTES then
        last_id, least, tail, magic, ring, payload, later, dead, groups, flags, most, aside,
            tick_ms, places, note, paused, held, era, later_due_ms = unpack(
            '@header.last_id..geometry.note_bytes shared.paused..later_due_ms', front)
        head, cursor, ready, leased, waiting, retry_from, sweep, written, due, most_leased, rate =
            unpack('@group.head..due limit.max_leased limit.rate_interval', front, group_at + 1)
    end
    --@include _plain_geometry
    if served and group < groups and
        (not ARGV[6] or ARGV[6] + 0 < places) and
        (plain_packed or flags % (2 * SLOTQ_FLAG_CHECKS) < SLOTQ_FLAG_CHECKS) and
        least < ring and tail < ring and head < ring and cursor < ring and
        ready == 0 and retry_from == cursor and most_leased + rate == 0 and
        written == cursor and sweep == SWEEP_NONE and
        paused % SLOTQ_PAUSE_CLOSED < SLOTQ_PAUSE_OUT and
        limit >= 1 and limit <= SLOTQ_CALL_MESSAGES_MAX and
        (limit == 1 or limit * stride <= SLOTQ_CALL_BYTES_MAX) and
        lease_ms >= 1 and lease_ms <= SLOTQ_LEASE_TICKS_MAX * tick_ms and
        last_id >= 2147483648 * (era % 2) and last_id < 2147483648 * (1 + era % 2) then
        local fresh, taken, done, used = tail - cursor, cursor - head, head - least, tail - least
        fresh = fresh < 0 and fresh + ring or fresh
        taken = taken < 0 and taken + ring or taken
        done = done < 0 and done + ring or done
        used = used < 0 and used + ring or used
        local now_ms = tonumber(given_now)
        if not now_ms then
            local time = call('TIME')
            now_ms = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
        end
        plain_now_ms = now_ms
        local deadline = now_ms + lease_ms + tick_ms - 1
        deadline = (deadline - deadline % tick_ms) / tick_ms
        -- due has not passed, the clock did not go back, and no scheduled message is due
        local quiet = later_due_ms > now_ms and done + taken + fresh == used and
            leased + waiting <= taken + held and used <= last_id and
            (due == DUE_NONE or due * tick_ms > now_ms and
                due <= now_ms / tick_ms + (HALF_RANGE_TICKS + TOKEN_NEAR_TICKS - 1))
        -- no message, and no head would move: the usual reply to a worker that polls
        if quiet and fresh == 0 and (taken == 0 or string.byte(call('GETRANGE', key,
            format('%d', states_at + (group * ring + head) * WORD_BYTES),
            format('%d', states_at + (group * ring + head) * WORD_BYTES + 3)), 1) % 4 ~=
            SLOTQ_STATE_DONE) then
            if not ARGV[5] then
                return {}
            end
            local wake = unpack('@shared.wake', front, AT_shared_wake + 1)
            local due_ms = due == DUE_NONE and -1 or math.floor(due * tick_ms)
            if later_due_ms ~= DUE_NONE and paused % 2 == 0 and
                (due_ms < 0 or later_due_ms < due_ms) then
                due_ms = math.floor(later_due_ms)
            end
            if ARGV[5] == '2' then
                wake = wake % (2 * WAKE_RING_BELL) < WAKE_RING_BELL and wake + WAKE_RING_BELL or
                    wake
                call('SETRANGE', key, OFFSET_OF_WAKE,
                    struct.pack('@shared.wake', (wake + WAKE_COUNT_ONE) % 4294967296))
                return due_ms
            elseif not ARGV[6] then
                if places == 0 and wake % 2 == 0 then
                    call('SETRANGE', key, OFFSET_OF_WAKE,
                        string.char(wake % 256 + WAKE_FOR_MESSAGE))
                end
                return due_ms
            end
            plain_rest = {due_ms = due_ms, wake = wake % 256, rows_at = plain_size - rows,
                places = places, set = unpack('@geometry.set', front, AT_geometry_set + 1)}
        -- a caller that waits for room may find some after it, if a message may step aside
        elseif quiet and fresh > 0 and ARGV[5] ~= '2' and (held >= aside or
            string.byte(front, AT_shared_wake + 1) % (2 * WAKE_FOR_ROOM) < WAKE_FOR_ROOM) then
            local word = deadline % 16777216 * 256 + (4 + SLOTQ_STATE_LEASED)
            local token = struct.pack('<I4', word)
            local count, before = limit < fresh and limit or fresh, ring - cursor
            local at = ring_at + cursor * stride
            local words_at = states_at + (group * ring + cursor) * WORD_BYTES
            local id = (era - era % 2) * 2147483648 + last_id + 1 - fresh
            local reply, sound = {struct.pack('<I6I4H', id, word, count)}, true
            if plain_packed and stride >= SLOT_CUT_FROM_BYTES then
                for i = 0, count - 1 do
                    local slot_at = ring_at + (cursor + i - (i < before and 0 or ring)) * stride
                    local bytes = unpack('<H', call('GETRANGE', key, format('%d', slot_at),
                        format('%d', slot_at + LENGTH_BYTES - 1)))
                    reply[i + 2] = call('GETRANGE', key, format('%d', slot_at), format('%d',
                        slot_at + stride - payload - 1 + (bytes <= payload and bytes or 0)))
                end
            else
                reply[2] = call('GETRANGE', key, format('%d', at),
                    format('%d', at + (count < before and count or before) * stride - 1))
            end
            if count > before and not reply[3] then
                reply[3] = call('GETRANGE', key, format('%d', ring_at),
                    format('%d', ring_at + (count - before) * stride - 1))
            end
            if not plain_packed then
                local slots, head_bytes = reply[2] .. (reply[3] or ''), stride - payload
                for i = 0, count - 1 do
                    local low, high = string.byte(slots, i * stride + 1, i * stride + LENGTH_BYTES)
                    local from = i * stride + head_bytes
                    sound = sound and low + 256 * high <= payload
                    reply[4 * i + 1], reply[4 * i + 2] = math.floor(id + i), math.floor(word)
                    reply[4 * i + 3] = 1
                    reply[4 * i + 4] = string.sub(slots, from + 1, from + low + 256 * high)
                end
            end
            if sound then
                call('SETRANGE', key, format('%d', words_at),
                    string.rep(token, count < before and count or before))
                if count > before then
                    call('SETRANGE', key, format('%d', words_at - cursor * WORD_BYTES),
                        string.rep(token, count - before))
                end
                cursor = cursor + count
                if cursor >= ring then
                    cursor = cursor - ring
                end
                call('SETRANGE', key, format('%d', group_at + AT_group_cursor),
                    struct.pack('@group.cursor..due', cursor, 0, leased + count, waiting, cursor,
                        sweep, cursor, deadline < due and deadline or due))
                local bits = string.byte(front, AT_shared_wake + 1)
                local near_ms = now_ms + NUDGE_DUE_MS
                if bits % (2 * WAKE_RING_BELL) >= WAKE_RING_BELL and (count < fresh or
                    due ~= DUE_NONE and due * tick_ms < near_ms or
                    later_due_ms < near_ms and paused % 2 == 0) then
                    reply = {{ok = 'RING'}, math.floor(unpack('@shared.wake', front,
                        AT_shared_wake + 1) / WAKE_COUNT_ONE), group, 1, reply}
                end
                if places == 0 or bits % 2 == 0 or not ARGV[6] and count == fresh then
                    return reply
                end
                plain_rest = {reply = reply, left = fresh - count, rows_at = plain_size - rows,
                    places = places, set = unpack('@geometry.set', front, AT_geometry_set + 1)}
            end
        end
    end
end
