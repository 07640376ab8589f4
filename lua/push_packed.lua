-- push_packed: push n messages as ring slots, whole or all cut, packed and stamped by the client
-- args: now n slots [wait [place]]
-- reply: as push
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed, plain_first, plain_key = true, 3, ''
local plain_reads, plain_serves = #ARGV >= 3 and #ARGV <= 5, #ARGV == 3
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _push_slots
read_already(plain_size, plain_front)

return answer(function()
    expect('push_packed KEY now n slots [wait [place]]', 3, 5)
    return push_slots(4)
end)
