-- schedule_packed: schedule n messages as slots, whole or all cut, packed and stamped by the client
-- args: now due_ms n slots [not_past [mode keys]]
-- reply: as schedule, or with keys as schedule_keyed
-- errors: FULL CLOSED PAUSED TOOBIG INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
local plain_packed = true
--@include _plain_schedule
--@include _schedule
--@include _keyed
read_already(plain_size, plain_front)

return answer(function()
    expect('schedule_packed KEY now due_ms n slots [not_past [mode keys]]', 4, 7)
    local due_ms = number(2, 'due_ms', 0, SLOTQ_NOW_MS_MAX)
    local count, bytes = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX), ARGV[4]
    local not_past = flag(5, 'not_past')
    open()
    local parts = cut_or_whole(bytes, count, geometry.later_slots)
    if not parts then
        parts = {}
        for i = 1, count do
            parts[i] = string.sub(bytes, (i - 1) * stride + 1, i * stride)
        end
    end
    local keyed = ARGV[6] and expect_packed_keys(ARGV[6], count, ARGV[7] or '')
    return schedule_messages(due_ms, not_past, parts, keyed)
end)
