-- unwait: give up the place of a client that takes nothing more; another is rung for what is there
-- args: now row place
-- reply: 1 if the place was set, else 0; row is a group, or 'room'
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _commit

return answer(function()
    expect('unwait KEY now row place', 3, 3)
    local row = ARGV[2] ~= 'room' and number(2, 'row', 0, SLOTQ_GROUPS_MAX - 1) or nil
    open()
    if row and row >= geometry.groups then
        invalid("row must be 'room' or a whole number, 0 to " .. decimal(geometry.groups - 1))
    end
    my_place = number(3, 'place', 0, math.max(geometry.places, 1) - 1)
    my_row = row or geometry.groups
    if geometry.places == 0 then
        return 0
    end
    if row then
        load_group(row)
        local left = group.ready_behind + (queue.tail - group.cursor) % slots
        group.made = queue.paused % SLOTQ_PAUSE_CLOSED < SLOTQ_PAUSE_OUT and left > 0 and 1 or 0
    else
        frees = true
    end
    my_farewell = string.format('round %d', my_row)
    return commit() and 1 or 0
end)
