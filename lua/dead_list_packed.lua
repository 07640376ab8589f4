-- dead_list_packed: dead messages, oldest first, as one string; changes nothing
-- args: now from n
-- reply: string of entries of 16 bytes and a slot, as in the value
-- errors: INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: no-writes
--@include _dead

return answer(function()
    local skip, count = open_dead_list('dead_list_packed')
    return count > 0 and entries_at(skip, count) or ''
end)
