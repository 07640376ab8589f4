-- push_keyed_packed: push_packed with keys, all or none, if no key is taken
-- args: now n slots mode keys [wait [place]]
-- reply: as push_keyed
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed, plain_first, plain_key, plain_mode = true, 3, ARGV[5], ARGV[4]
local plain_reads = #ARGV >= 5 and #ARGV <= 7
local plain_serves = #ARGV == 5 and
    (plain_mode == 'unique' or plain_mode == 'once' or plain_mode == 'resend')
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _push_slots
--@include _keyed
read_already(plain_size, plain_front)

return answer(function()
    expect('push_keyed_packed KEY now n slots mode keys [wait [place]]', 5, 7)
    return push_slots(6, function(count)
        return expect_packed_keys(ARGV[4], count, ARGV[5])
    end)
end)
