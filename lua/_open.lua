-- _open.lua: reads and checks the front: size, magic, geometry, header, shared state.
-- Knows offsets and ranges (FORMAT.md); must not know what verbs do with them.
--@include _arguments

local function corrupt(offset, what)
    refuse('SLOTQCORRUPT ' .. decimal(offset) .. ' ' .. TEXT_CORRUPT .. ': ' .. what)
end

-- the size of the value, and its first bytes
local image_bytes, front_bytes
local geometry, queue = {}, {}
local slots, stride, dead_entry_bytes, tick_ms
local states_at, ring_at, dead_at, rows_bytes
local aside_index_at, aside_words_at, aside_slots_at
-- the later section, and keys: offsets, and what pieces above know of them
local later, keys = {}, {}

local function has(flag_bit)
    return geometry.flags % (2 * flag_bit) >= flag_bit
end

-- how many messages may have a key at a time
local function holders_of_keys()
    return has(SLOTQ_FLAG_KEYS) and
        geometry.ring_slots + geometry.aside_slots + geometry.later_slots or 0
end

local function judge_geometry()
    local fields = geometry
    if fields.ring_slots < SLOTQ_RING_SLOTS_MIN then
        corrupt(AT_geometry_ring_slots, 'ring_slots')
    elseif fields.payload_bytes < 1 then
        corrupt(AT_geometry_payload_bytes, 'payload_bytes')
    elseif fields.groups < 1 or fields.groups > SLOTQ_GROUPS_MAX then
        corrupt(AT_geometry_groups, 'groups')
    elseif fields.flags > SLOTQ_FLAGS_ALL then
        corrupt(AT_geometry_flags, 'flags')
    elseif fields.max_attempts > SLOTQ_MAX_ATTEMPTS_MAX then
        corrupt(AT_geometry_max_attempts, 'max_attempts')
    elseif fields.tick_ms < 1 or fields.tick_ms > SLOTQ_TICK_MS_MAX then
        corrupt(AT_geometry_tick_ms, 'tick_ms')
    elseif fields.aside_slots ~= 0 and has(SLOTQ_FLAG_OVERWRITE) then
        corrupt(AT_geometry_aside_slots, 'aside_slots with overwrite')
    elseif fields.ring_slots + fields.aside_slots > SLOTQ_RING_SLOTS_MAX then
        corrupt(AT_geometry_aside_slots, 'ring_slots and aside_slots')
    elseif holders_of_keys() > SLOTQ_RING_SLOTS_MAX then
        corrupt(AT_geometry_later_slots, 'slots of a queue with keys')
    elseif fields.places > 0 and has(SLOTQ_FLAG_OVERWRITE) then
        corrupt(AT_geometry_places, 'places of a queue that overwrites')
    end
end

local function judge_reserved()
    local fields = geometry
    if fields.reserved_38 ~= 0 then
        corrupt(AT_geometry_reserved_38, 'bytes 38, 39')
    end
end

local function judge_origin()
    local fields = geometry
    if fields.generation == 0 then
        corrupt(AT_geometry_generation, 'generation')
    elseif fields.set == 0 and fields.shard ~= 0 or fields.shard >= SLOTQ_SHARDS_MAX then
        corrupt(AT_geometry_shard, 'shard')
    end
end

-- the offsets of the sections, and the size of all together
local function lay_out()
    slots, tick_ms = geometry.ring_slots, geometry.tick_ms
    stride = LENGTH_BYTES + geometry.payload_bytes
    if has(SLOTQ_FLAG_STAMPS) then
        stride = stride + STAMP_BYTES
    end
    if has(SLOTQ_FLAG_CHECKS) then
        stride = stride + CHECK_BYTES
    end
    local holders = holders_of_keys()
    local keyed = holders > 0 and 1 or 0
    keys.holders = holders
    states_at = GROUPS_OFFSET + GROUP_BYTES * geometry.groups
    keys.ring_at = states_at + geometry.groups * slots * WORD_BYTES
    keys.buckets_at = keys.ring_at + keyed * slots * RING_KEY_BYTES
    ring_at = keys.buckets_at + holders * BUCKET_BYTES
    later.index_at = ring_at + slots * stride
    keys.later_at = later.index_at + geometry.later_slots * LATER_ENTRY_BYTES
    later.slots_at = keys.later_at + keyed * geometry.later_slots * LATER_KEY_BYTES
    aside_index_at = later.slots_at + geometry.later_slots * stride
    aside_words_at = aside_index_at + geometry.aside_slots * ASIDE_ENTRY_BYTES
    keys.aside_at = aside_words_at + geometry.groups * geometry.aside_slots * WORD_BYTES
    aside_slots_at = keys.aside_at + keyed * geometry.aside_slots * ASIDE_KEY_BYTES
    dead_at = aside_slots_at + geometry.aside_slots * stride
    dead_entry_bytes = DEAD_ENTRY_BYTES + geometry.note_bytes + stride
    rows_bytes = geometry.places > 0 and
        (geometry.groups + 1) * (ROW_HEAD_BYTES + WANTS_BYTES * geometry.places) or 0
    return dead_at + geometry.dead_slots * dead_entry_bytes + rows_bytes
end

local function open_geometry()
    local magic = string.sub(front_bytes, AT_geometry_magic + 1, AT_geometry_magic + 4)
    local family = pack('<I4', MAGIC_VERSION_1)
    if string.sub(magic, 1, 3) ~= string.sub(family, 1, 3) then
        corrupt(AT_geometry_magic, 'not a slotq')
    elseif magic ~= family then
        refuse('SLOTQVERSION ' .. TEXT_VERSION .. ': these scripts read version 1')
    end
    geometry.ring_slots, geometry.payload_bytes, geometry.later_slots, geometry.dead_slots,
        geometry.groups, geometry.flags, geometry.max_attempts, geometry.aside_slots,
        geometry.tick_ms, geometry.places, geometry.note_bytes, geometry.generation, geometry.set,
        geometry.shard, geometry.reserved_38 =
        unpack('@geometry.ring_slots..reserved_38', front_bytes, AT_geometry_ring_slots + 1)
    judge_geometry()
    local total = lay_out()
    if total > SLOTQ_IMAGE_BYTES_MAX then
        corrupt(AT_geometry_ring_slots, 'larger than 512 MiB')
    end
    judge_reserved()
    judge_origin()
    if image_bytes ~= total then
        corrupt(math.min(image_bytes, total), 'the size is not what the geometry gives')
    end
end

local function open_queue()
    local low, era_bit
    low, queue.head, queue.tail = unpack('@header.last_id..tail', front_bytes)
    queue.paused, queue.aside_count, queue.stored_era, queue.later_due_ms, queue.later_count,
        queue.later_last_id, queue.dead_head, queue.dead_count, queue.dropped, queue.dead_dropped,
        queue.wake, queue.dead_holes, queue.reserved_78 =
        unpack('@shared.paused..reserved_78', front_bytes, GEOMETRY_END + 1)
    -- the low bit of the era is last_id's top bit; if not, the crossing was interrupted
    era_bit = low >= 2147483648 and 1 or 0
    queue.era = queue.stored_era
    if queue.stored_era % 2 ~= era_bit then
        queue.era = (queue.stored_era + 1) % 65536
    end
    queue.last_id = integral(queue.era / 2) * 4294967296 + low
    if queue.head >= slots then
        corrupt(AT_header_head, 'header.head')
    elseif queue.tail >= slots then
        corrupt(AT_header_tail, 'header.tail')
    elseif (queue.tail - queue.head) % slots > queue.last_id then
        corrupt(AT_header_last_id, 'header.last_id')
    elseif queue.aside_count > geometry.aside_slots then
        corrupt(AT_shared_aside_count, 'aside_count')
    elseif queue.dead_count > geometry.dead_slots then
        corrupt(AT_shared_dead_count, 'dead_count')
    elseif queue.dead_count + queue.dead_holes > geometry.dead_slots then
        corrupt(AT_shared_dead_holes, 'dead_holes')
    elseif queue.dead_head ~= 0 and queue.dead_head >= geometry.dead_slots then
        corrupt(AT_shared_dead_head, 'dead_head')
    end
    queue.step_head = queue.head
end

-- a plain path before this one may have read size, front and time
local function read_already(size, bytes, now)
    image_bytes, front_bytes, clock_ms = size, bytes, now
end

local function geometry_bytes()
    return string.sub(front_bytes, HEADER_BYTES + 1, GEOMETRY_END)
end

local function open()
    image_bytes = image_bytes or call('STRLEN', key)
    if image_bytes == 0 then
        refuse('SLOTQNOQUEUE ' .. TEXT_NOQUEUE .. ': create it first')
    end
    -- the groups of most queues are read with it, those of others when they are needed
    front_bytes = front_bytes or call('GETRANGE', key, '0', END_OF_FOUR_GROUPS)
    if string.sub(front_bytes, 1, AT_geometry_magic + 4) ==
        string.rep('\0', AT_geometry_magic) .. pack('<I4', MAGIC_SHARDED) then
        refuse('SLOTQSHARDED ' .. TEXT_SHARDED .. ': use a client that knows sharded queues')
    elseif image_bytes < SLOTQ_IMAGE_BYTES_MIN then
        corrupt(image_bytes, 'shorter than the smallest queue')
    end
    if known_geometry ~= '' and known_geometry ~= geometry_bytes() then
        refuse('SLOTQREMADE ' .. TEXT_REMADE ..
            ': read its geometry; if its generation is new, drop ids and tokens')
    end
    open_geometry()
    open_queue()
end

local function tick()
    return integral(time_ms() / tick_ms)
end

-- how many of count messages fit into a reply: 1 MiB of slots, but always one
local function that_fit(count)
    return math.min(count, math.max(1, integral(SLOTQ_CALL_BYTES_MAX / stride)))
end

-- bytes of the value
local function bytes_at(offset, length)
    return call('GETRANGE', key, string.format('%d', offset),
        string.format('%d', offset + length - 1))
end

-- where the slot of an index is: that of a message aside is below 0 (see _aside)
local function slot_at(index)
    return index < 0 and aside_slots_at - (index + 1) * stride or ring_at + index * stride
end

-- slots that this call moves, by their new index, until it has written them: their bytes, or where
-- they are in the value
local moving = {}

-- the slot of an index that this call moves, or nil
local function moving_slot(index)
    local slot = moving[index]
    return type(slot) == 'number' and bytes_at(slot, stride) or slot
end

-- count slots from index on, as they will be; of those aside one
local function slots_at(index, count)
    if index < 0 and moving[index] then
        return moving_slot(index)
    end
    local before = math.min(count, slots - index)
    local bytes = bytes_at(slot_at(index), before * stride)
    if before < count then
        bytes = bytes .. bytes_at(ring_at, (count - before) * stride)
    end
    for other in pairs(moving) do
        local skip = (other - index) % slots * stride
        if index >= 0 and other >= 0 and skip < count * stride then
            bytes = string.sub(bytes, 1, skip) .. moving_slot(other) ..
                string.sub(bytes, skip + stride + 1)
        end
    end
    return bytes
end
