-- push: push messages, all or none
-- args: now payload [payload ...]
-- reply: id of the first message; the rest follow. In a shard array: id, messages in the ring, 1 if
--   clients sleep here and no group has a limit
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed, plain_first, plain_key = false, 2, ''
local plain_reads, plain_serves = #ARGV >= 2, true
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _cut
--@include _sent
read_already(plain_size, plain_front)

return answer(function()
    expect('push KEY now payload [payload ...]', 2, 1 + SLOTQ_CALL_MESSAGES_MAX)
    open()
    expect_no_checks('push_packed')
    local parts = pack_payloads(2, slots - 1)
    return reply_push(#parts, false, function()
        put_cut(parts)
    end)
end)
