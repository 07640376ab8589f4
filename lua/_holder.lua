-- _holder.lua: the message that keeps the ring full, for FULL and stats. Knows the groups' heads;
-- changes nothing.
--@include _groups

-- loads the group that is furthest behind
local function holder()
    local behind = 0
    for index = 0, geometry.groups - 1 do
        if group_head(index) == queue.head then
            behind = index
            break
        end
    end
    load_group(behind)
    local held = (queue.tail - queue.head) % slots
    local steps_aside = may_step_aside()
    local unfinished = group.ready_behind + group.leased + group.waiting +
        (queue.tail - group.cursor) % slots
    return {
        id = held > 0 and id_at(queue.head) or 0, held = held, unfinished = unfinished,
        group = behind, state = held > 0 and word_at(group.head) % 4 or SLOTQ_STATE_READY,
        steps_aside = steps_aside,
    }
end
