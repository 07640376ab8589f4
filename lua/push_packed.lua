-- push_packed: push n messages as ring slots, whole or all cut, packed and stamped by the client
-- args: now n slots [mode [keys [wait [place]]]]
-- reply: id of the first message
-- errors: FULL PAUSED TOOBIG INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: allow-oom
local plain_packed = true
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _cut
read_already(plain_size, plain_front)

return answer(function()
    expect('push_packed KEY now n slots [mode [keys [wait [place]]]]', 3, 7)
    local count = number(2, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    local bytes, mode = ARGV[3], ARGV[4] or ''
    if mode ~= '' and mode ~= 'none' then
        invalid("mode must be '' or none")
    elseif (ARGV[5] or '') ~= '' then
        invalid("keys must be ''")
    end
    local waits = flag(6, 'wait')
    open()
    read_place(7, geometry.groups, count)
    local cut = #bytes ~= count * stride and cut_slots(bytes, count)
    if cut == nil then
        invalid('slots must have n times ' .. decimal(stride) ..
            ' bytes, or each must end after its payload')
    elseif count > slots - 1 then
        refuse_too_big('at most ' .. decimal(slots - 1) .. ' messages')
    end
    -- the payload bytes are counted only if they could be too many
    local payload_bytes = cut and #bytes - count * (stride - geometry.payload_bytes) or 0
    for i = 1, not cut and count * geometry.payload_bytes > SLOTQ_CALL_BYTES_MAX and count or 0 do
        payload_bytes = payload_bytes + unpack('<H', bytes, (i - 1) * stride + 1)
    end
    if payload_bytes > SLOTQ_CALL_BYTES_MAX then
        invalid('slots must have at most 1048576 bytes of payload')
    end
    return push_messages(count, waits, function()
        if cut then
            put_cut(cut)
        else
            put_ring(ring_at, stride, count, bytes)
        end
    end)
end)
