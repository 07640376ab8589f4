-- nudge: tell clients that sleep here, at the bell, of messages in a shard, or to make a round
-- args: now group need target
-- reply: array: places with clients that were told, 1 if others may sleep here; group is a number
--   or 'all', target a shard or 'round'
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _open
--@include _ring

return answer(function()
    expect('nudge KEY now group need target', 4, 4)
    local group = ARGV[2] ~= 'all' and number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    local need = number(3, 'need', 1, 65535)
    local shard = ARGV[4] ~= 'round' and number(4, 'target', 0, SLOTQ_SHARDS_MAX - 1)
    open()
    if group and group >= geometry.groups then
        invalid("group must be 'all' or a whole number, 0 to " .. decimal(geometry.groups - 1))
    elseif geometry.places == 0 or queue.wake % 2 < WAKE_FOR_MESSAGE then
        return {0, 0}
    end
    rows.open_rows(image_bytes - rows_bytes, geometry.places, geometry.set)
    local told, sleep = 0, false
    for row = group or 0, group or geometry.groups - 1 do
        local what = shard and string.format('wake %d %d', row, shard) or
            string.format('round %d', row)
        local empty, rung = rows.ring(row, need, what)
        told, sleep = told + rung, sleep or not empty
    end
    for row = 0, geometry.groups - 1 do
        sleep = sleep or not rows.is_empty(row)
    end
    if not sleep then
        rows.write_bytes(AT_shared_wake, string.char(queue.wake % 256 - WAKE_FOR_MESSAGE))
    end
    return {told, sleep and 1 or 0}
end)
