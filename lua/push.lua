-- push: push messages, all or none
-- args: now payload [payload ...]
-- reply: id of the first message; the rest follow
-- errors: FULL PAUSED TOOBIG INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: allow-oom
local plain_packed = false
--@include _plain_push
--@include _plain_push_ring
--@include _push
--@include _cut
read_already(plain_size, plain_front)

return answer(function()
    expect('push KEY now payload [payload ...]', 2, 1 + SLOTQ_CALL_MESSAGES_MAX)
    open()
    if has(SLOTQ_FLAG_CHECKS) then
        invalid('the queue has checks, which a script does not compute: use push_packed')
    end
    local count, payload_bytes = #ARGV - 1, 0
    for i = 2, #ARGV do
        if #ARGV[i] > geometry.payload_bytes then
            refuse_too_big('a payload has at most ' .. decimal(geometry.payload_bytes) .. ' bytes')
        end
        payload_bytes = payload_bytes + #ARGV[i]
    end
    if count > slots - 1 then
        refuse_too_big('at most ' .. decimal(slots - 1) .. ' messages')
    elseif payload_bytes > SLOTQ_CALL_BYTES_MAX then
        invalid('payloads must have at most 1048576 bytes together')
    end
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
    local parts = {}
    for i = 2, #ARGV do
        parts[i - 1] = pack('<H', #ARGV[i]) .. stamp .. ARGV[i]
    end
    return push_messages(count, false, function()
        put_cut(parts)
    end)
end)
