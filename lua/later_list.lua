-- later_list: scheduled messages from a place on, not in the order of time; changes nothing
-- args: now from n
-- reply: flat array later id, due_ms, payload (nil if damaged), ...
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _later_list
--@include _payload

return answer(function()
    local reply = {}
    for i, message in ipairs(open_later_list('later_list')) do
        reply[3 * i - 2], reply[3 * i - 1] = integral(message.id), integral(message.due_ms)
        reply[3 * i] = payload_of(bytes_at(message.at, stride), 0) or false
    end
    return reply
end)
