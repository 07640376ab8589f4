-- delete: delete a shard of a sharded queue
-- args: now set shard [finished]
-- reply: status OK, also if there is none; OTHER: it is another queue; UNFINISHED: finished is 1,
--   and it is not closed, or still has messages
-- errors: INVALID REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _open

return answer(function()
    expect('delete KEY now set shard [finished]', 3, 4)
    local set = number(2, 'set', 1, 4294967295)
    local shard = number(3, 'shard', 0, SLOTQ_SHARDS_MAX - 1)
    local finished = flag(4, 'finished')
    if call('STRLEN', key) == 0 then
        return redis.status_reply('OK')
    end
    open()
    if geometry.set ~= set or geometry.shard ~= shard then
        return redis.status_reply('OTHER')
    elseif finished and
        (queue.paused % (2 * SLOTQ_PAUSE_CLOSED) < SLOTQ_PAUSE_CLOSED or queue.head ~= queue.tail or
        queue.aside_count + queue.dead_count + queue.later_count > 0) then
        return redis.status_reply('UNFINISHED')
    end
    call('UNLINK', key)
    return redis.status_reply('OK')
end)
