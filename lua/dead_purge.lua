-- dead_purge: delete all dead messages
-- args: now
-- reply: how many were deleted
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _commit

return answer(function()
    expect('dead_purge KEY now', 1, 1)
    open()
    local count = queue.dead_count
    if count + queue.dead_holes > 0 then
        queue.dead_head, queue.dead_count, queue.dead_holes = 0, 0, 0
        front_changed = true
        commit()
    end
    return integral(count)
end)
