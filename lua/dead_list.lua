-- dead_list: dead messages, oldest first, all from one on or those of an id; changes nothing
-- args: now from n [id [group]]
-- reply: flat array id, died_at_ms, attempts, group, reason, payload (nil if damaged), note, ...
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _dead
--@include _payload

return answer(function()
    local reply, at = {}, 0
    for _, nth in ipairs(open_dead_list('dead_list')) do
        local bytes = entries_at(nth, 1)
        local id, died_at_ms, attempts, group_index, reason, length =
            unpack('@dead.id..note_length', bytes)
        length = math.min(length, geometry.note_bytes)
        reply[at + 1], reply[at + 2], reply[at + 3] = integral(id), integral(died_at_ms),
            integral(attempts)
        reply[at + 4], reply[at + 5] = integral(group_index), integral(reason)
        reply[at + 6] = payload_of(bytes, DEAD_ENTRY_BYTES + geometry.note_bytes) or false
        reply[at + 7] = string.sub(bytes, DEAD_ENTRY_BYTES + 1, DEAD_ENTRY_BYTES + length)
        at = at + 7
    end
    return reply
end)
