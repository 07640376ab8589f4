-- move: ack a leased message in the first queue, and push it into the second: both, or neither
-- args: now target group id token [key [form bytes]]
-- reply: its id in the second queue; array: DUPLICATE, 0, then as find; status STALE, GONE or
--   NOTFOUND
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local function invalid_call(text)
    return redis.error_reply('SLOTQINVALID ' .. text)
end

if #KEYS ~= 2 or #ARGV < 5 or #ARGV > 8 or #ARGV == 7 then
    return invalid_call('usage: two keys, then move SOURCE TARGET now target group id token ' ..
        '[key [form bytes]]')
elseif KEYS[1] == KEYS[2] then
    return invalid_call('a message must not be moved into the queue that it is in')
elseif ARGV[2] ~= '' and #ARGV[2] ~= GEOMETRY_BYTES then
    return invalid_call('target must be empty or the 36 bytes of its geometry')
elseif ARGV[7] and ARGV[7] ~= 'payload' and ARGV[7] ~= 'slot' then
    return invalid_call('form must be payload or slot')
end

-- the ack, up to the bytes that it will write: a refusal, or the outcome if it is not OK; or what
-- writes it, the time that the call gives, and the payload with its check, if the call gives none
local function ack_in_source(KEYS, ARGV)
    --@begin
    --@include _settle
    --@include _payload

    -- the payload of an index, and its check, if the queue has checks
    local function payload_and_check(index)
        local slot = slots_at(index, 1)
        local payload = payload_of(slot, 0)
        if not payload then
            corrupt(slot_at(index), 'a slot that is longer than payload_bytes')
        end
        local from = stride - geometry.payload_bytes - CHECK_BYTES
        return payload, has(SLOTQ_FLAG_CHECKS) and string.sub(slot, from + 1, from + CHECK_BYTES)
    end

    return answer(function()
        expect('', 5, 8)
        settle_verb, settle_ms = 'ack', 0
        local index = number(3, 'group', 0, SLOTQ_GROUPS_MAX - 1)
        local run = {
            id = number(4, 'id', 0, 281474976710655), token = number(5, 'token', 0, 4294967295),
            count = 1,
        }
        open_settle(index)
        local at, outcome = find(run.id), nil
        settle({run}, function(_, said)
            outcome = said
        end)
        if outcome ~= 'OK' then
            return redis.status_reply(outcome)
        end
        local ack = {now = clock_ms and decimal(clock_ms) or ''}
        if not ARGV[7] then
            ack.payload, ack.check = payload_and_check(at)
        end
        ack.write = prepare()
        try_last_byte(1048576) -- no server refuses what is shorter
        return ack
    end)
    --@end
end

-- the push, written: its reply. ARGV: now, the key, the form or nil, a check or false, the bytes
local function push_to_target(KEYS, ARGV)
    --@begin
    --@include _push
    --@include _sent
    --@include _keyed

    -- the slot, which may be cut
    local function slot_of_call()
        local form, check, bytes = ARGV[3], ARGV[4], ARGV[5]
        if form == 'slot' then
            local cut = cut_or_whole(bytes, 1, slots - 1)
            return cut and cut[1] or bytes
        elseif form == 'payload' then
            expect_no_checks('the form slot')
        elseif has(SLOTQ_FLAG_CHECKS) ~= (check and true or false) then
            invalid('one of the queues has checks, which a script does not compute: use a form')
        end
        local slot = pack_payloads(5, slots - 1)[1]
        return string.sub(slot, 1, #slot - #bytes) .. (check or '') .. bytes
    end

    return answer(function()
        expect('', 5, 5)
        open()
        local slot = slot_of_call()
        local keyed = expect_keys('once', 1, function()
            return ARGV[2]
        end)
        return push_messages(1, false, function()
            put_cut({slot})
        end, keyed)
    end)
    --@end
end

-- a refusal says which queue refused
local function of_queue(reply, name)
    if type(reply) == 'table' and reply.err then
        return redis.error_reply(reply.err .. ' [' .. name .. ']')
    end
    return reply
end

local ack = ack_in_source({KEYS[1]}, ARGV)
if not ack.write then
    return of_queue(ack, 'source')
end
local pushed = push_to_target({KEYS[2]}, {
    ARGV[2] .. ack.now, ARGV[6] or '', ARGV[7] or false, ack.check or false, ARGV[8] or ack.payload,
})
if type(pushed) == 'table' and pushed.err then
    return of_queue(pushed, 'target')
end
ack.write()
return pushed
