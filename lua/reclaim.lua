-- reclaim: end leases and delays whose deadline has passed, in a bounded part of the group per call
-- args: now group
-- reply: array: OK or AGAIN (more is left), messages made ready, messages that died
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _sweep

return answer(function()
    expect('reclaim KEY now group', 2, 2)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    open()
    expect_group(index)
    if not sweep_is_wanted() then
        return {{ok = 'OK'}, 0, 0}
    end
    sweep(sweep_is_far(), nil, true)
    commit()
    return {{ok = group.sweep == SWEEP_NONE and 'OK' or 'AGAIN'}, swept.ready, swept.dead}
end)
