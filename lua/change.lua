-- change: set the descriptor of a sharded queue, if it is still the one that the caller read
-- args: now old new
-- reply: status OK, or AGAIN: it is another one; old is its first 32 bytes, or '': none; new is the
--   whole, or '': delete it
-- errors: EXISTS INVALID
-- flags: allow-oom
--@include _arguments

local head_bytes = 32
local begin_bytes = AT_geometry_magic + 4

local function is_descriptor(bytes, least)
    return #bytes >= least and string.sub(bytes, 1, begin_bytes) ==
        string.rep('\0', AT_geometry_magic) .. pack('<I4', MAGIC_SHARDED)
end

return answer(function()
    expect('change KEY now old new', 3, 3)
    local old, new = ARGV[2], ARGV[3]
    -- one that is damaged may be shorter than its head
    if old ~= '' and (#old > head_bytes or not is_descriptor(old, begin_bytes)) then
        invalid("old must be '' or the first 32 bytes of a descriptor")
    elseif new ~= '' and not is_descriptor(new, head_bytes) or old == new then
        invalid("new must be '' or a descriptor, and old or new must be given")
    end
    local there = call('GETRANGE', key, '0', decimal(head_bytes - 1))
    if old == '' and there ~= '' then
        refuse('SLOTQEXISTS ' .. TEXT_EXISTS .. ': use it, or remove it first')
    elseif there ~= old then
        return redis.status_reply('AGAIN')
    elseif new == '' then
        call('UNLINK', key)
    else
        call('SET', key, new)
    end
    return redis.status_reply('OK')
end)
