-- create: make a queue
-- args: now ring_slots payload_bytes later_slots dead_slots groups flags max_attempts tick_ms
--   aside_slots places note_bytes generation [set [shard]]
-- reply: status OK, also if a queue with this geometry exists already, of any generation
-- errors: EXISTS INVALID SHARDED CORRUPT VERSION
-- flags: none
--@include _open

-- the product modulo 2^32, in steps that a double holds
local function multiply(a, b)
    return (a % 65536 * b + integral(a / 65536) * b % 65536 * 65536) % 4294967296
end

local function rotate(value, bits)
    local high = 2 ^ (32 - bits)
    return value % high * 2 ^ bits + integral(value / high)
end

local function exclusive_or(a, b)
    return bit.bxor(a, b) % 4294967296
end

-- XXH32, seed 0, of 32 bytes
local function checksum(bytes)
    local prime_1, prime_2, prime_3 = 2654435761, 2246822519, 3266489917
    local lanes = {prime_1 + prime_2, prime_2, 0, 4294967296 - prime_1}
    local turns = {1, 7, 12, 18}
    for i = 0, 7 do
        local lane = lanes[i % 4 + 1] + multiply(unpack('<I4', bytes, 4 * i + 1), prime_2)
        lanes[i % 4 + 1] = multiply(rotate(lane % 4294967296, 13), prime_1)
    end
    local hash = 32
    for i = 1, 4 do
        hash = hash + rotate(lanes[i], turns[i])
    end
    hash = hash % 4294967296
    hash = multiply(exclusive_or(hash, integral(hash / 32768)), prime_2)
    hash = multiply(exclusive_or(hash, integral(hash / 8192)), prime_3)
    return exclusive_or(hash, integral(hash / 65536))
end

-- what a shorter call leaves out is 0
local function optional(index, name, highest)
    return ARGV[index] and number(index, name, 0, highest) or 0
end

local function read_geometry()
    geometry.ring_slots = number(2, 'ring_slots', SLOTQ_RING_SLOTS_MIN, SLOTQ_RING_SLOTS_MAX)
    geometry.payload_bytes = number(3, 'payload_bytes', 1, SLOTQ_PAYLOAD_BYTES_MAX)
    geometry.later_slots = number(4, 'later_slots', 0, 65535)
    geometry.dead_slots = number(5, 'dead_slots', 0, 65535)
    geometry.groups = number(6, 'groups', 1, SLOTQ_GROUPS_MAX)
    geometry.flags = number(7, 'flags', 0, SLOTQ_FLAGS_ALL)
    geometry.max_attempts = number(8, 'max_attempts', 0, SLOTQ_MAX_ATTEMPTS_MAX)
    geometry.tick_ms = number(9, 'tick_ms', 1, SLOTQ_TICK_MS_MAX)
    geometry.aside_slots = number(10, 'aside_slots', 0, 255)
    geometry.places = number(11, 'places', 0, SLOTQ_PLACES_MAX)
    geometry.note_bytes = number(12, 'note_bytes', 0, SLOTQ_NOTE_BYTES_MAX)
    geometry.generation = number(13, 'generation', 1, 4294967295)
    geometry.set = optional(14, 'set', 4294967295)
    geometry.shard = optional(15, 'shard', geometry.set > 0 and SLOTQ_SHARDS_MAX - 1 or 0)
    if holders_of_keys() > SLOTQ_RING_SLOTS_MAX then
        invalid('ring_slots, aside_slots and later_slots must be at most 65535 together with keys')
    elseif has(SLOTQ_FLAG_OVERWRITE) and geometry.aside_slots > 0 then
        invalid('aside_slots must be 0 with overwrite')
    elseif geometry.ring_slots + geometry.aside_slots > SLOTQ_RING_SLOTS_MAX then
        invalid('ring_slots and aside_slots must be at most 65535 together')
    elseif geometry.places > 0 and has(SLOTQ_FLAG_OVERWRITE) then
        invalid('places must be 0 in a queue that overwrites')
    end
    local total = lay_out()
    if total > SLOTQ_IMAGE_BYTES_MAX then
        invalid('the queue would have ' .. decimal(total) .. ' bytes, the limit is 536870912')
    end
    return total
end

local function pack_geometry()
    local bytes = pack('@geometry.magic..reserved_38', MAGIC_VERSION_1, geometry.ring_slots,
        geometry.payload_bytes, geometry.later_slots, geometry.dead_slots, geometry.groups,
        geometry.flags, geometry.max_attempts, geometry.aside_slots, geometry.tick_ms,
        geometry.places, geometry.note_bytes, geometry.generation, geometry.set, geometry.shard, 0)
    return bytes .. pack('@geometry.geometry_check', checksum(bytes))
end

-- of the bytes of a geometry, those that a queue of that name must share
local function without_generation(bytes)
    return string.sub(bytes, 1, AT_geometry_generation - HEADER_BYTES) ..
        string.sub(bytes, AT_geometry_set - HEADER_BYTES + 1, AT_geometry_reserved_38 -
            HEADER_BYTES)
end

return answer(function()
    expect('create KEY now ring_slots payload_bytes later_slots dead_slots groups flags ' ..
        'max_attempts tick_ms aside_slots places note_bytes generation [set [shard]]', 13, 15)
    local total, wanted = read_geometry(), pack_geometry()
    if call('STRLEN', key) > 0 then
        open()
        local there = geometry_bytes()
        if string.sub(there, -4) ~= pack('<I4', checksum(there)) then
            corrupt(AT_geometry_geometry_check, 'geometry_check')
        elseif without_generation(there) ~= without_generation(wanted) then
            refuse('SLOTQEXISTS ' .. TEXT_EXISTS .. ': use it, or remove it first')
        end
        return redis.status_reply('OK')
    end
    local none = string.rep('\255', 6)
    local shared = string.rep('\0', AT_shared_later_due_ms - GEOMETRY_END) .. none ..
        string.rep('\0', GROUPS_OFFSET - AT_shared_later_count)
    local one_group = string.rep('\0', AT_group_sweep) .. '\255\255\0\0' .. none .. none ..
        string.rep('\0', GROUP_BYTES - AT_group_acked)
    -- the last byte first: the server allocates the whole value at once, as zeros
    call('SETRANGE', key, decimal(total - 1), '\0')
    call('SETRANGE', key, 0, string.rep('\0', HEADER_BYTES) .. wanted .. shared ..
        string.rep(one_group, geometry.groups))
    return redis.status_reply('OK')
end)
