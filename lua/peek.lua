-- peek: messages of a group's window from an id on, finished ones included; changes nothing
-- args: now group from n
-- reply: flat array id, state, attempts, payload (nil if the slot is damaged), ...
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _look

return answer(function()
    local from, most = open_peek('peek')
    local reply, at = {}, 0
    each_message(from, most, function(id, word, bytes, skip)
        reply[at + 1], reply[at + 2] = integral(id), state_names[word_state(word)]
        reply[at + 3], reply[at + 4] = integral(word_attempts(word)),
            payload_of(bytes, skip) or false
        at = at + 4
    end)
    return reply
end)
