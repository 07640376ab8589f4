-- _cut.lua: slots that end after their payloads: what travels of large slots with little in them.
-- Knows the geometry and the ring; must not know verbs.
--@include _commit

-- the cut slots that a client sent, or nil if they are not count slots
local function cut_slots(bytes, count)
    local head, from, parts = stride - geometry.payload_bytes, 1, {}
    for i = 1, count do
        local length = from + head - 1 <= #bytes and unpack('<H', bytes, from)
        if not length or length > geometry.payload_bytes then
            return nil
        end
        parts[i] = string.sub(bytes, from, from + head + length - 1)
        from = from + head + length
    end
    return from == #bytes + 1 and parts or nil
end

-- put cut slots, the i-th at offset_of(i); a few bytes between two that are adjacent are written
-- too: that costs less than a write
local function put_cut_at(parts, offset_of)
    local before, stop
    for i, part in ipairs(parts) do
        local at = offset_of(i)
        if before and at == before + stride and stop < at and at - stop <= SLOT_GAP_BYTES_MAX then
            put(stop, string.rep('\0', at - stop))
        end
        put(at, part)
        before, stop = at, at + #part
    end
end

-- put cut slots at tail
local function put_cut(parts)
    put_cut_at(parts, function(i)
        return ring_at + (queue.tail + i - 1) % slots * stride
    end)
end

-- add count slots from index on to a reply, each up to the end of its payload; of one that is
-- damaged only what stands before it
local function read_cut(reply, index, count)
    for i = 0, count - 1 do
        local at = slot_at(index < 0 and index or (index + i) % slots)
        local length = unpack('<H', bytes_at(at, LENGTH_BYTES))
        local used = length <= geometry.payload_bytes and length or 0
        reply[#reply + 1] = bytes_at(at, stride - geometry.payload_bytes + used)
    end
end
