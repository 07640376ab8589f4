-- _sent.lua: messages that a client sent, as payloads or as slots: their limits, and their slots
-- (FORMAT.md, "push"). Knows the geometry; must not know where they go.
--@include _cut

local function refuse_too_big(what)
    refuse('SLOTQTOOBIG ' .. TEXT_TOOBIG .. ': ' .. what)
end

-- payloads are refused by a queue with checks
local function expect_no_checks(instead)
    if has(SLOTQ_FLAG_CHECKS) then
        invalid('the queue has checks, which a script does not compute: use ' .. instead)
    end
end

-- cut slots of the payloads that are arguments from a place on, each, or one of `step`; most:
-- messages that fit at all
local function pack_payloads(place, most, step)
    local payload_bytes, parts = 0, {}
    step = step or 1
    for i = place, #ARGV, step do
        if #ARGV[i] > geometry.payload_bytes then
            refuse_too_big('a payload has at most ' .. decimal(geometry.payload_bytes) .. ' bytes')
        end
        payload_bytes = payload_bytes + #ARGV[i]
    end
    if (#ARGV - place) / step + 1 > most then
        refuse_too_big('at most ' .. decimal(most) .. ' messages')
    elseif payload_bytes > SLOTQ_CALL_BYTES_MAX then
        invalid('payloads must have at most 1048576 bytes together')
    end
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
    for i = place, #ARGV, step do
        parts[#parts + 1] = pack('<H', #ARGV[i]) .. stamp .. ARGV[i]
    end
    return parts
end

-- judge count slots; the cut ones, or false if all are whole
local function cut_or_whole(bytes, count, most)
    local cut = #bytes ~= count * stride and cut_slots(bytes, count)
    if cut == nil then
        invalid('slots must have n times ' .. decimal(stride) ..
            ' bytes, or each must end after its payload')
    elseif count > most then
        refuse_too_big('at most ' .. decimal(most) .. ' messages')
    end
    -- the payload bytes are counted only if they could be too many
    local payload_bytes = cut and #bytes - count * (stride - geometry.payload_bytes) or 0
    for i = 1, not cut and count * geometry.payload_bytes > SLOTQ_CALL_BYTES_MAX and count or 0 do
        payload_bytes = payload_bytes + unpack('<H', bytes, (i - 1) * stride + 1)
    end
    if payload_bytes > SLOTQ_CALL_BYTES_MAX then
        invalid('slots must have at most 1048576 bytes of payload')
    end
    return cut
end
