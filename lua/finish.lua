-- finish: the last id of a queue that is closed and has no message left; changes nothing
-- args: now
-- reply: its last id; status UNFINISHED: it is not closed, or still has messages
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _open

return answer(function()
    expect('finish KEY now', 1, 1)
    open()
    if queue.paused % (2 * SLOTQ_PAUSE_CLOSED) < SLOTQ_PAUSE_CLOSED or queue.head ~= queue.tail or
        queue.aside_count + queue.dead_count + queue.later_count > 0 then
        return redis.status_reply('UNFINISHED')
    end
    return integral(queue.last_id)
end)
