-- schedule: messages that are delivered from a time on, all or none
-- args: now due_ms not_past payload [payload ...]
-- reply: later id of the first; the rest follow; status EMPTY: not_past is 1, and due_ms has passed
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = false
--@include _plain_schedule
--@include _schedule
read_already(plain_size, plain_front)

return answer(function()
    expect('schedule KEY now due_ms not_past payload [payload ...]', 4,
        3 + SLOTQ_CALL_MESSAGES_MAX)
    local due_ms, not_past = number(2, 'due_ms', 0, SLOTQ_NOW_MS_MAX), flag(3, 'not_past')
    open()
    expect_no_checks('schedule_packed')
    return schedule_messages(due_ms, not_past, pack_payloads(4, geometry.later_slots))
end)
