-- _heads.lua: how a group's head moves over DONE words, and finishing messages (FORMAT.md, "Head
-- moves"). Knows the window; must not know why a message is DONE.
--@include _groups

-- DONE words other than acked that head has passed in this call
local other_done = 0

-- how far head may move, at most limit, if the first count words become `word`
local function head_reach(limit, count, word)
    local reach = word == WORD_ACKED and count or 0
    while reach < limit do
        local here = word
        if reach >= count then
            local index = (group.head + reach) % slots
            here = reach < position(group.written) and
                (group.words[index] or read_words(index)) or 0
        end
        if here % 4 ~= SLOTQ_STATE_DONE then
            break
        end
        if here ~= WORD_ACKED then
            if other_done == HEAD_OTHER_DONE_MAX then
                break
            end
            other_done = other_done + 1
        end
        reach = reach + 1
    end
    return reach
end

local function advance_head(reach)
    local head = (group.head + reach) % slots
    for _, name in ipairs({'cursor', 'retry_from', 'sweep'}) do
        if group[name] ~= SWEEP_NONE and position(group[name]) < reach then
            group[name] = head
        end
    end
    group.head = head
    group.changed = true
end

-- move the head over DONE words of the value; true if it moved
local function move_head()
    local reach = head_reach(position(group.written), 0, 0)
    if reach == 0 then
        return false
    end
    advance_head(reach)
    return true
end

-- the words from index on become the DONE word: fill the gap, move the head, write the rest
local function finish(index, count, word)
    group.changed = true
    if index < 0 then
        finish_aside(group.index, index, word)
        return
    end
    local from, limit = position(index), position(group.written)
    local gap = from > limit and from - limit or 0
    if gap > 0 then
        set_gap(group.written, gap)
    elseif from == limit then
        limit = limit + count
    end
    local reach = from == 0 and head_reach(limit, count, word) or 0
    if gap > 0 or from + count == limit then
        group.written = (index + count) % slots
    end
    local passed = math.min(reach, count)
    if passed < count then
        set_words((index + passed) % slots, count - passed, word)
    end
    if reach > 0 then
        advance_head(reach)
    end
end
