-- _pause.lua: pause and resume of pushing (in) and reserving (out). Knows one byte; must not know
-- which verbs it refuses.
--@include _commit

-- what = the sum of 1 in, 2 out, 4 closed
local function pause(name, on)
    expect(name .. ' KEY now what', 2, 2)
    local what = number(2, 'what', SLOTQ_PAUSE_IN, SLOTQ_PAUSE_ALL)
    open()
    local before, after = queue.paused, 0
    for _, direction in ipairs({SLOTQ_PAUSE_IN, SLOTQ_PAUSE_OUT, SLOTQ_PAUSE_CLOSED}) do
        local asked = what % (2 * direction) >= direction
        local is = before % (2 * direction) >= direction
        if asked and on or is and not asked then
            after = after + direction
        end
    end
    if after ~= before then
        queue.paused = after
        deliverable = not on and before % SLOTQ_PAUSE_CLOSED ~= after % SLOTQ_PAUSE_CLOSED
        -- a reserve during the pause named no time at which a scheduled message is due
        later.fell = before % 2 > after % 2 and queue.later_count > 0
    end
    -- each group that has something to deliver is rung for all of it
    for index = 0, deliverable and geometry.places > 0 and geometry.groups - 1 or -1 do
        load_group(index)
        group.made = group.ready_behind + (queue.tail - group.cursor) % slots
    end
    end_step()
    commit()
    return redis.status_reply('OK')
end
