-- settle_packed: ack, nack, release, extend or kill runs of leased messages
-- args: now verb group ms reason runs [note]
-- reply: string: an outcome byte per message; extend: a u32 per message, new token or 4 x outcome
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = true
--@include _plain_settle
--@include _settle
--@include _runs
read_already(plain_size, plain_front)

local outcome_bytes = {
    ['OK'] = SLOTQ_OK, ['STALE'] = SLOTQ_STALE, ['GONE'] = SLOTQ_GONE,
    ['NOTFOUND'] = SLOTQ_NOTFOUND, ['DEADFULL'] = SLOTQ_DEADFULL,
}

return answer(function()
    expect('settle_packed KEY now verb group ms reason runs [note]', 6, 7)
    read_note(7)
    local index, runs = read_settle(), unpack_runs(ARGV[6])
    open_settle(index)
    local parts = {}
    settle(runs, function(count, outcome, token)
        local code = outcome_bytes[outcome]
        local one = string.char(code)
        if settle_verb == 'extend' then
            one = pack('<I4', outcome == 'OK' and token or 4 * code)
        end
        parts[#parts + 1] = string.rep(one, count)
    end)
    commit()
    return table.concat(parts)
end)
