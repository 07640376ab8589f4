-- schedule_keyed: schedule messages with keys
-- args: now due_ms not_past mode key payload [key payload ...]
-- reply: as schedule; or array: DUPLICATE, the message from 0, then as find
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _schedule
--@include _keyed

return answer(function()
    expect('schedule_keyed KEY now due_ms not_past mode key payload [key payload ...]', 6,
        4 + 2 * SLOTQ_CALL_MESSAGES_MAX)
    local due_ms, not_past = number(2, 'due_ms', 0, SLOTQ_NOW_MS_MAX), flag(3, 'not_past')
    open()
    expect_no_checks('schedule_packed')
    expect_pairs(5)
    local parts = pack_payloads(6, geometry.later_slots, 2)
    return schedule_messages(due_ms, not_past, parts, expect_key_arguments(ARGV[4], 5, #parts))
end)
