-- _plain_key.lua: part of a plain push in a queue with keys: the key that the slot at tail holds is
-- taken out, and the key of the call, if there is one, is put in, if no message has it. Otherwise
-- the general path serves.
served = holders > 0 and (plain_key == '' or #plain_key == KEY_BYTES and count == 1 and
    string.byte(plain_key) ~= 0) and tail + count <= ring
if served then
    local format, sub = string.format, string.sub
    local entry_at = keys_at + tail * RING_KEY_BYTES
    local buckets_at = keys_at + ring * RING_KEY_BYTES
    local aside_end = ring + aside
    local later_at = ring_at + ring * stride + later * LATER_ENTRY_BYTES
    local aside_at = later_at + later * (LATER_KEY_BYTES + stride) + aside * ASIDE_ENTRY_BYTES +
        groups * aside * WORD_BYTES
    local old = call('GETRANGE', key, format('%d', entry_at),
        format('%d', entry_at + count * RING_KEY_BYTES - 1))
    local holds = string.find(old, '%Z')
    local bucket_at, first, point_at
    served = not holds or count == 1
    -- the chain of the new key to its end, then that of the old one up to the slot
    for turn = plain_key == '' and 2 or 1, served and (holds and 2 or 1) or 0 do
        local at = buckets_at + unpack('<I4', turn == 1 and plain_key or old) % holders *
            BUCKET_BYTES
        local link = unpack('<H', call('GETRANGE', key, format('%d', at), format('%d', at + 1)))
        local left = KEY_CHAIN_MAX
        if turn == 1 then
            bucket_at, first = at, link
        end
        while link > 0 and (turn == 1 or link ~= tail + 1) do
            local here = link - 1
            at = here < ring and keys_at + here * RING_KEY_BYTES or here < aside_end and
                aside_at + (here - ring) * ASIDE_KEY_BYTES or
                later_at + (here - aside_end) * LATER_KEY_BYTES
            left = left - 1
            if here >= holders or left == 0 then
                served, link = false, 0
            else
                local entry = call('GETRANGE', key, format('%d', at),
                    format('%d', at + RING_KEY_BYTES - 1))
                if turn == 1 and sub(entry, 1, KEY_BYTES) == plain_key then
                    served, link = false, 0
                elseif here == tail then -- both chains are one
                    served, link = false, 0
                else
                    at, link = at + AT_key_next, unpack('@key.next', entry, AT_key_next + 1)
                end
            end
        end
        served = served and (turn == 1 or link > 0)
        point_at = at
        if not served then
            break
        end
    end
    if served and holds then
        call('SETRANGE', key, format('%d', point_at), sub(old, AT_key_next + 1))
    end
    if served and plain_key ~= '' then
        call('SETRANGE', key, format('%d', bucket_at), struct.pack('<H', tail + 1))
        call('SETRANGE', key, format('%d', entry_at),
            struct.pack('@key.key..next', plain_key, first))
    elseif served and holds then
        call('SETRANGE', key, format('%d', entry_at), string.rep('\0', RING_KEY_BYTES))
    end
end
