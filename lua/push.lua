-- push: push messages, all or none
-- args: now payload [payload ...]
-- reply: id of the first message; the rest follow
-- errors: FULL PAUSED TOOBIG INVALID NOQUEUE CORRUPT VERSION
-- flags: allow-oom
local plain_packed = false
--@include _plain_push
--@include _push
read_already(plain_size, plain_front)

-- each message a slot; what follows a payload is zero, as far as another slot follows
local function pack_slots()
    local stamp = has(SLOTQ_FLAG_STAMPS) and pack('<I4', tick() % 4294967296) or ''
    local parts = {}
    for i = 2, #ARGV do
        local payload = ARGV[i]
        parts[#parts + 1] = pack('<H', #payload) .. stamp .. payload ..
            string.rep('\0', geometry.payload_bytes - #payload)
    end
    return table.concat(parts)
end

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
    return push_slots(count, pack_slots(), false)
end)
