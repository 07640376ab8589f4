-- _push_slots.lua: what the packed pushes share: the arguments now, n and slots, and whether the
-- caller may wait. Must not know how keys are sent.
--@include _push
--@include _sent

-- wait_at: the argument that says whether the caller may wait; read_keys(count): keys of the call
local function push_slots(wait_at, read_keys)
    local count, bytes = number(2, 'n', 1, SLOTQ_CALL_MESSAGES_MAX), ARGV[3]
    local waits = flag(wait_at, 'wait')
    open()
    read_place(wait_at + 1, geometry.groups, count)
    local cut = cut_or_whole(bytes, count, slots - 1)
    local keyed = read_keys and read_keys(count)
    return reply_push(count, waits, function()
        if cut then
            put_cut(cut)
        else
            ring.put(ring_at, stride, count, bytes)
        end
    end, keyed)
end
