-- purge: finish all messages of the ring, in all groups; dead messages stay
-- args: now
-- reply: status OK
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _commit

return answer(function()
    expect('purge KEY now', 1, 1)
    open()
    local tail = queue.tail
    for index = 0, geometry.groups - 1 do
        load_group(index)
        group.head, group.cursor, group.retry_from, group.written = tail, tail, tail, tail
        group.sweep, group.due, group.due_next = SWEEP_NONE, DUE_NONE, DUE_NONE
        group.ready_behind, group.leased, group.waiting = 0, 0, 0
        group.dirty = true
    end
    queue.head, queue.aside_count = tail, 0
    front_changed = true
    end_step()
    commit()
    return redis.status_reply('OK')
end)
