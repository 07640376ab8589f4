-- dead_list_packed: dead messages, oldest first, as one string; changes nothing
-- args: now from n [id [group]]
-- reply: string of entries, as in the value: 16 bytes, note_bytes bytes, a slot
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _dead

return answer(function()
    local positions = open_dead_list('dead_list_packed')
    local first, count = positions[1], #positions
    if count > 0 and positions[count] - first == count - 1 then
        return entries_at(first, count)
    end
    local parts = {}
    for i, nth in ipairs(positions) do
        parts[i] = entries_at(nth, 1)
    end
    return table.concat(parts)
end)
