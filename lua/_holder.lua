-- _holder.lua: the message that keeps the ring full, for FULL and stats. Knows the groups' heads;
-- changes nothing.
--@include _groups

-- a message that waits only because the dead section has no room for it: 1, otherwise 0
local function kept_from_dying(word)
    local most = geometry.max_attempts
    local kept = word % 4 == SLOTQ_STATE_WAITING and most > 0 and
        integral(word / 4) % 64 >= most and geometry.dead_slots > 0 and
        queue.dead_count == geometry.dead_slots and not has(SLOTQ_FLAG_DEAD_OVERWRITE)
    return kept and 1 or 0
end

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
    local word = held > 0 and word_at(group.head) or 0
    return {
        id = held > 0 and id_at(queue.head) or 0, held = held, unfinished = unfinished,
        group = behind, state = word % 4, dead_full = kept_from_dying(word),
        steps_aside = steps_aside,
    }
end
