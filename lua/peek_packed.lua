-- peek_packed: messages of a group's window from an id on, as one string; changes nothing
-- args: now group from n
-- reply: string of {id u48, word u32, slot}
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _look

return answer(function()
    local from, most = open_peek('peek_packed')
    local parts = {}
    each_message(from, most, function(id, word, bytes, skip)
        parts[#parts + 1] = pack('<I6I4', id, word)
        parts[#parts + 1] = string.sub(bytes, skip + 1, skip + stride)
    end)
    return table.concat(parts)
end)
