-- dead_remove: delete dead messages, by id
-- args: now id [group]
-- reply: array: OK or NOTFOUND, number deleted; group is a number or 'all', the default
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _dead_leave

return answer(function()
    expect('dead_remove KEY now id [group]', 2, 3)
    local id, of_group = read_dead_id(2, 1)
    open()
    expect_dead_group(of_group)
    local found = find_dead(id, of_group, 0, geometry.dead_slots)
    for i, nth in ipairs(found) do
        found[i] = dead_entry_at(nth)
    end
    for _, at in ipairs(found) do
        take_out(at)
    end
    if #found > 0 then
        commit()
    end
    return {{ok = #found > 0 and 'OK' or 'NOTFOUND'}, #found}
end)
