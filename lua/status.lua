-- status: the state of messages, by id, for a group; changes nothing
-- args: now group id [id ...]
-- reply: flat array per id: state, why, attempts, deadline_ms, age_ms, position, pushed_ms, ...
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _plain_status
--@include _look
read_already(plain_size, plain_front)

local function status_of(id)
    local index, outcome = find(id)
    if not index then
        return outcome == 'GONE' and 'FINISHED' or outcome, 0, 0, 0, -1, 0, 0
    end
    local word = word_at(index)
    local state, why, place, deadline_ms = word_state(word), 0, 0, 0
    if state == SLOTQ_STATE_DONE then
        why = word_bits(word)
    elseif state ~= SLOTQ_STATE_LEASED then
        place = place_in_line(id, index, word)
    end
    if has_deadline(word) then
        deadline_ms = math.min(word_deadline(word) * tick_ms, 9007199254740991)
    end
    local pushed = pushed_ms(index)
    local age_ms = pushed > 0 and math.max(time_ms() - pushed, 0) or -1
    return state_names[state], why, word_attempts(word), deadline_ms, age_ms, place, pushed
end

return answer(function()
    expect('status KEY now group id [id ...]', 3, 2 + SLOTQ_CALL_MESSAGES_MAX)
    local index, ids = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1), {}
    for i = 3, #ARGV do
        ids[i - 2] = number(i, 'id', 0, 281474976710655)
    end
    open()
    expect_group(index)
    local reply = {}
    for _, id in ipairs(ids) do
        local values = {status_of(id)}
        for i = 1, 7 do
            reply[#reply + 1] = i == 1 and values[i] or integral(values[i])
        end
    end
    return reply
end)
