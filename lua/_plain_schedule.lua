-- _plain_schedule.lua: the scheduling of one message without a key, before any function is defined,
-- if the heap has room, the id's block too, and no consumer must look again. The verb says in
-- plain_packed whether it sends a slot. Leaves plain_size and plain_front to the general path.
local plain_size, plain_front
local plain_due, plain_flag, plain_payload = ARGV[2], ARGV[3], ARGV[4]
if plain_packed then
    plain_flag = ARGV[5] or ''
end
if #KEYS == 1 and #ARGV >= 4 and (#ARGV == 4 or plain_packed and #ARGV == 5) and
    #plain_due >= 1 and #plain_due <= 14 and not string.find(plain_due, '%D') and
    (plain_flag == '' and plain_packed or plain_flag == '0' or plain_flag == '1') and
    (not plain_packed or ARGV[3] == '1') then
    plain_size = redis.call('STRLEN', KEYS[1])
    plain_front = redis.call('GETRANGE', KEYS[1], '0', END_OF_SHARED)
end
--@include _plain_now
if plain_front and #plain_front == GROUPS_OFFSET and #given_now <= 14 and
    not string.find(given_now, '%D') then
    local call, unpack, pack, format = redis.call, struct.unpack, struct.pack, string.format
    local key, front, due_ms = KEYS[1], plain_front, tonumber(plain_due)
    local wake = string.byte(front, AT_shared_wake + 1)
    local last_id, head, tail, magic, ring, payload, later, dead, groups, flags, most, aside,
        tick_ms, places, note = unpack('@header.last_id..geometry.note_bytes', front)
    local paused, held, era, first_due_ms, later_count, last_later_id = unpack(
        '@shared.paused..later_last_id', front, AT_shared_paused + 1)
    --@include _plain_geometry
    local now_ms = tonumber(given_now)
    if not now_ms and (plain_flag == '1' or not plain_packed and flags >= SLOTQ_FLAG_STAMPS) then
        local time = call('TIME')
        now_ms = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
    end
    local slot = plain_payload
    if plain_packed then
        served = served and #slot <= stride and #slot >= stride - payload and
            (#slot == stride or #slot == stride - payload + unpack('<H', slot))
    else
        served = served and flags % (2 * SLOTQ_FLAG_CHECKS) < SLOTQ_FLAG_CHECKS and #slot <= payload
        local stamp = ''
        if served and flags >= SLOTQ_FLAG_STAMPS then
            stamp = pack('<I4', (now_ms - now_ms % tick_ms) / tick_ms % 4294967296)
        end
        slot = pack('<H', served and #slot or 0) .. stamp .. slot
    end
    served = served and head < ring and tail < ring and (tail - head) % ring <= last_id and
        due_ms <= SLOTQ_NOW_MS_MAX and (paused == 0 or paused == SLOTQ_PAUSE_OUT) and
        later_count < later and
        last_later_id % 65536 < 65535 and (plain_flag ~= '1' or due_ms > now_ms) and
        (due_ms >= first_due_ms and wake % 4 < WAKE_FOR_ROOM or wake % WAKE_COUNT_ONE == 0) and
        (later_count > 0 or first_due_ms == DUE_NONE)
    if served then
        local index_at, id = ring_at + ring * stride, last_later_id + 1
        -- the free entry, then those that come after the new one, up to the first that does not;
        -- where each was, and what goes there
        local place, at = later_count, index_at + later_count * LATER_ENTRY_BYTES
        local function entry_at(offset)
            return unpack('@later.due_ms..slot', call('GETRANGE', key, format('%d', offset),
                format('%d', offset + LATER_ENTRY_BYTES - 1)))
        end
        local _, free_id, free = entry_at(at)
        local root_due, root_id, root_slot = first_due_ms, 1, 0
        if place > 0 then
            root_due, root_id, root_slot = entry_at(index_at)
        end
        free = bit.bxor(free, place)
        served = free_id == 0 and free < later and root_id > 0 and root_due == first_due_ms and
            (place == 0 or root_due <= SLOTQ_NOW_MS_MAX)
        local offsets, entries, moved = {}, {}, 0
        while served and place > 0 do
            local parent = (place - 1 - (place - 1) % HEAP_CHILDREN) / HEAP_CHILDREN
            local parent_at = index_at + parent * LATER_ENTRY_BYTES
            local parent_due, parent_id, parent_slot = root_due, root_id, root_slot
            if parent > 0 then
                parent_due, parent_id, parent_slot = entry_at(parent_at)
            end
            served = parent_id > 0 and parent_due <= SLOTQ_NOW_MS_MAX
            if parent_due < due_ms or parent_due == due_ms and parent_id < id then
                break
            end
            moved = moved + 1
            offsets[moved], entries[moved] = at, pack('@later.due_ms..slot', parent_due, parent_id,
                bit.bxor(bit.bxor(parent_slot, parent), place))
            place, at = parent, parent_at
        end
        if served then
            local slots_at = index_at + later * LATER_ENTRY_BYTES
            if holders > 0 then
                slots_at = slots_at + later * LATER_KEY_BYTES
            end
            call('SETRANGE', key, format('%d', slots_at + free * stride), slot)
            for i = 1, moved do
                call('SETRANGE', key, format('%d', offsets[i]), entries[i])
            end
            call('SETRANGE', key, format('%d', at),
                pack('@later.due_ms..slot', due_ms, id, bit.bxor(free, place)))
            call('SETRANGE', key, OFFSET_OF_LATER_DUE, pack('@shared.later_due_ms..later_last_id',
                math.min(due_ms, first_due_ms), later_count + 1, id))
            return math.floor(id)
        end
    end
end
