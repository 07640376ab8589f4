-- dead_list: dead messages, oldest first, without the `from` oldest; changes nothing
-- args: now from n
-- reply: flat array id, died_at_ms, attempts, group, reason, payload (nil if damaged), ...
-- errors: INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: no-writes
--@include _dead
--@include _payload

return answer(function()
    local skip, count = open_dead_list('dead_list')
    local reply, at = {}, 0
    for i = 0, count - 1 do
        local bytes = entries_at(skip + i, 1)
        local id, died_at_ms, attempts, group_index, reason = unpack('@dead.id..reason', bytes)
        reply[at + 1], reply[at + 2], reply[at + 3] = integral(id), integral(died_at_ms),
            integral(attempts)
        reply[at + 4], reply[at + 5] = integral(group_index), integral(reason)
        reply[at + 6] = payload_of(bytes, DEAD_ENTRY_BYTES) or false
        at = at + 6
    end
    return reply
end)
