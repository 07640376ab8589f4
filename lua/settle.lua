-- settle: ack, nack, release, extend or kill leased messages
-- args: now verb group ms reason id token [id token ...] ['note' text]
-- reply: array: OK, STALE, GONE, NOTFOUND or DEADFULL per message; extend: the new token if OK
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = false
--@include _plain_settle
--@include _settle
read_already(plain_size, plain_front)

return answer(function()
    expect("settle KEY now verb group ms reason id token [id token ...] ['note' text]", 7,
        7 + 2 * SLOTQ_CALL_MESSAGES_MAX)
    local index, runs, last = read_settle(), {}, #ARGV
    if #ARGV % 2 == 0 then
        invalid('each id must have a token behind it')
    end
    if #ARGV > 7 and ARGV[last - 1] == 'note' then
        read_note(last)
        last = last - 2
    elseif #ARGV > 5 + 2 * SLOTQ_CALL_MESSAGES_MAX then
        invalid('one call settles at most 4096 messages')
    end
    for i = 6, last, 2 do
        runs[#runs + 1] = {
            id = number(i, 'id', 0, 281474976710655), token = number(i + 1, 'token', 0, 4294967295),
            count = 1,
        }
    end
    open_settle(index)
    local reply = {}
    settle(runs, function(_, outcome, token)
        local extended = settle_verb == 'extend' and outcome == 'OK'
        reply[#reply + 1] = extended and integral(token) or {ok = outcome}
    end)
    commit()
    return reply
end)
