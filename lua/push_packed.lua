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
--@include _sent
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
    local cut = cut_or_whole(bytes, count, slots - 1)
    return push_messages(count, waits, function()
        if cut then
            put_cut(cut)
        else
            ring.put(ring_at, stride, count, bytes)
        end
    end)
end)
