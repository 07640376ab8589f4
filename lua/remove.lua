-- remove: finish a ready or waiting message by its id, without a token
-- args: now id group
-- reply: status OK, LEASED, GONE or NOTFOUND; group is a number or 'all'
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _commit
--@include _heads

-- the first and last asked group
local function asked_groups(asked)
    return asked or 0, asked or geometry.groups - 1
end

-- the outcome if there is nothing to finish in the loaded group, or the index
local function find_removable(id)
    local index, outcome = find(id)
    if not index then
        return nil, outcome
    end
    local state = word_at(index) % 4
    if state == SLOTQ_STATE_DONE then
        return nil, 'GONE'
    end
    return state ~= SLOTQ_STATE_LEASED and index or nil, 'LEASED'
end

-- the outcome over all asked groups: LEASED if one leases it, GONE if all have finished it
local function judge(id, asked)
    local answered = 'GONE'
    local first, last = asked_groups(asked)
    for group_number = 0, geometry.groups - 1 do
        load_group(group_number)
        if group_number >= first and group_number <= last then
            local index, outcome = find_removable(id)
            if index then
                answered = 'OK'
            elseif outcome ~= 'GONE' then
                return outcome
            end
        end
    end
    return answered
end

local function remove_in_group(id)
    local index = find_removable(id)
    if not index then
        return
    end
    if index < 0 or position(index) < position(group.cursor) then
        if word_at(index) % 4 == SLOTQ_STATE_WAITING then
            take('waiting', 1, AT_group_waiting)
        else
            take('ready_behind', 1, AT_group_ready_behind)
        end
    end
    other_done = 0
    finish(index, 1, WORD_REMOVED)
    end_step()
end

return answer(function()
    expect('remove KEY now id group', 3, 3)
    local id = number(2, 'id', 0, 281474976710655)
    local asked = ARGV[3] ~= 'all' and number(3, 'group', 0, SLOTQ_GROUPS_MAX - 1) or nil
    open()
    if asked and asked >= geometry.groups then
        invalid("group must be 'all' or a whole number, 0 to " .. decimal(geometry.groups - 1))
    end
    local outcome = judge(id, asked)
    if outcome == 'OK' then
        local first, last = asked_groups(asked)
        for index = first, last do
            load_group(index)
            remove_in_group(id)
        end
        commit()
    end
    return redis.status_reply(outcome)
end)
