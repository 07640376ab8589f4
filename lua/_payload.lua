-- _payload.lua: the payload of a slot. Knows the geometry; must not know where slots are.
--@include _open

-- payload of the slot that begins after `skip` bytes, or nil if its length is above payload_bytes
local function payload_of(bytes, skip)
    local length = unpack('<H', bytes, skip + 1)
    if length > geometry.payload_bytes then
        return nil
    end
    local from = skip + stride - geometry.payload_bytes
    return string.sub(bytes, from + 1, from + length)
end
