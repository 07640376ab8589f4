-- kick: end the delay of a waiting message, by its id, or of a scheduled one, by its later id
-- args: now id group
-- reply: status OK, NOTFOUND, GONE, LEASED or DEADFULL; group is a number or 'later'
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _later
--@include _deadlines

local function kick_later(id)
    later.open()
    local place = later.find(id)
    if not place then
        return 'NOTFOUND'
    end
    if later.at(place) > time_ms() then
        later.make_due(place, time_ms())
        commit()
    end
    return 'OK'
end

-- a message that waits becomes READY
local function kick(id)
    local index, outcome = find(id)
    if not index then
        return outcome
    end
    local word = word_at(index)
    local state = word_state(word)
    if state == SLOTQ_STATE_DONE then
        return 'GONE'
    elseif index >= 0 and position(index) >= position(group.cursor) and has_deadline(word) then
        corrupt(states_at + (group.index * slots + index) * WORD_BYTES,
            'a word at or beyond cursor is LEASED or WAITING')
    elseif state == SLOTQ_STATE_LEASED then
        return 'LEASED'
    elseif state == SLOTQ_STATE_READY then
        return 'OK'
    elseif geometry.max_attempts > 0 and word_attempts(word) >= geometry.max_attempts then
        return 'DEADFULL'
    end
    take('waiting', 1, AT_group_waiting)
    made_ready(index, 1)
    set_words(index, 1, make_word(SLOTQ_STATE_READY, word_attempts(word), word_bits(word)))
    end_step()
    commit()
    return 'OK'
end

return answer(function()
    expect('kick KEY now id group', 3, 3)
    local of_later = ARGV[3] == 'later'
    local id = number(2, 'id', of_later and 1 or 0, 281474976710655)
    local index = not of_later and number(3, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    open()
    if of_later then
        return redis.status_reply(kick_later(id))
    end
    expect_group(index)
    return redis.status_reply(kick(id))
end)
