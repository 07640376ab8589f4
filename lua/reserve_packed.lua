-- reserve_packed: lease up to n messages of a group, with their slots: large ones are cut
-- args: now group n lease_ms [wait [place]]
-- reply: [runs {id u48, token u32, count u16}, slots …]; the others as reserve
-- errors: PAUSED INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = true
--@include _plain_reserve
--@include _plain_reserve_ring
--@include _reserve
--@include _runs
--@include _cut
read_already(plain_size, plain_front, plain_now_ms)

return answer(function()
    local limit, lease_ms, waits = open_reserve('reserve_packed')
    local outcome, next_due_ms = reserve(limit, lease_ms)
    if outcome ~= 'OK' then
        return nothing_leased(outcome, next_due_ms, waits, {})
    end
    commit()
    -- slots are returned as they were read: joining them would hash every byte once more
    local runs, reply = {}, {''}
    for _, run in ipairs(leased) do
        runs[#runs + 1] = pack(run_format, run.id, run.token, run.count)
        local before = math.min(run.count, slots - run.index)
        if stride >= SLOT_CUT_FROM_BYTES then
            read_cut(reply, run.index, run.count)
        else
            reply[#reply + 1] = slots_at(run.index, before)
            if before < run.count then
                reply[#reply + 1] = slots_at(0, run.count - before)
            end
        end
    end
    reply[1] = table.concat(runs)
    return reply
end)
