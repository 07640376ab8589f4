-- reserve: lease up to n messages of a group
-- args: now group n lease_ms [wait [place]]
-- reply: flat array id, token, attempts, payload, ...; [], due, [due, kept, others, before];
--   AGAIN ms; LIMITED ms
-- errors: PAUSED INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = false
--@include _plain_reserve
--@include _plain_reserve_ring
--@include _reserve
--@include _settle
--@include _payload
read_already(plain_size, plain_front, plain_now_ms)

-- a damaged message dies, as by kill with 255; where the dead section refuses it, it waits for room
local function bury_damaged(run)
    settle_verb, settle_ms, settle_reason = 'kill', 0, SLOTQ_REASON_DAMAGED
    settle({run}, function(_, outcome)
        if outcome == 'DEADFULL' then
            settle_verb, settle_ms = 'release', DEAD_FULL_RETRY_MS
        end
    end)
    if settle_verb == 'release' then
        settle({run}, function() end)
    end
end

-- the sound messages of the leased ones
local function sound_messages()
    local reply, at = {}, 0
    local damaged = {}
    for _, run in ipairs(leased) do
        local attempts, bytes = integral(word_attempts(run.token)), slots_at(run.index, run.count)
        for i = 0, run.count - 1 do
            local payload = payload_of(bytes, i * stride)
            if payload then
                reply[at + 1], reply[at + 2] = integral(run.id + i), integral(run.token)
                reply[at + 3], reply[at + 4] = attempts, payload
                at = at + 4
            else
                damaged[#damaged + 1] = {id = run.id + i, token = run.token, count = 1}
            end
        end
    end
    for _, run in ipairs(damaged) do
        bury_damaged(run)
    end
    return reply
end

return answer(function()
    local limit, lease_ms, waits = open_reserve('reserve')
    if has(SLOTQ_FLAG_CHECKS) then
        invalid('the queue has checks, which a script does not compute: use reserve_packed')
    end
    -- again if all were damaged
    for _ = 1, 64 do
        local outcome, next_due_ms = reserve(limit, lease_ms)
        local reply = outcome == 'OK' and sound_messages() or {}
        if outcome ~= 'OK' then
            return nothing_leased(outcome, next_due_ms, waits, reply)
        elseif #reply > 0 then
            commit()
            return reply
        end
    end
    return nothing_leased('AGAIN', time_ms(), waits)
end)
