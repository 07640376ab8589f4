-- push_keyed: push messages with keys, all or none, if no key is taken
-- args: now mode key payload [key payload ...]
-- reply: as push; or array: DUPLICATE, the message from 0, then as find
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed, plain_first, plain_key, plain_mode = false, 4, ARGV[3], ARGV[2]
local plain_reads = #ARGV >= 4
local plain_serves = #ARGV == 4 and
    (plain_mode == 'unique' or plain_mode == 'once' or plain_mode == 'resend')
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _cut
--@include _sent
--@include _keyed
read_already(plain_size, plain_front)

return answer(function()
    expect('push_keyed KEY now mode key payload [key payload ...]', 4,
        2 + 2 * SLOTQ_CALL_MESSAGES_MAX)
    open()
    expect_no_checks('push_keyed_packed')
    expect_pairs(3)
    local parts = pack_payloads(4, slots - 1, 2)
    return reply_push(#parts, false, function()
        put_cut(parts)
    end, expect_key_arguments(ARGV[2], 3, #parts))
end)
