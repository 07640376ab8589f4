-- later_list_packed: scheduled messages from a place on, as one string; changes nothing
-- args: now from n
-- reply: string of messages: due_ms u48, later id u32, slot number u16, a slot
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _later_list

return answer(function()
    local parts = {}
    for _, message in ipairs(open_later_list('later_list_packed')) do
        parts[#parts + 1] = pack('@later.due_ms..slot', message.due_ms, message.id, message.slot)
        parts[#parts + 1] = bytes_at(message.at, stride)
    end
    return table.concat(parts)
end)
