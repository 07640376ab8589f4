-- _sweep.lua: ends leases and delays whose deadline has passed, and buries messages that die
-- (FORMAT.md, "Sweep", "Dying"). Shared by reserve, reclaim, extend, nack
-- and release.
--@include _commit
--@include _deadlines
--@include _heads

-- holes of the dead section before this position of the span may be filled
local dead_unfilled

-- count one more dead message; returns its entry, or nil if the section is full
local function place_dead()
    local dead_slots, span = geometry.dead_slots, queue.dead_count + queue.dead_holes
    dead_unfilled = dead_unfilled or span
    if span < dead_slots then
        queue.dead_count = queue.dead_count + 1
        return (queue.dead_head + span) % dead_slots
    end
    while queue.dead_holes > 0 and dead_unfilled > 0 do
        dead_unfilled = dead_unfilled - 1
        local entry = (queue.dead_head + dead_unfilled) % dead_slots
        local id = bytes_at(dead_at + entry * dead_entry_bytes, BYTES_dead_id)
        if unpack('@dead.id', id) == 0 then
            queue.dead_holes = queue.dead_holes - 1
            queue.dead_count = queue.dead_count + 1
            in_order = true -- this call may overwrite the entry again
            return entry
        end
    end
    if not has(SLOTQ_FLAG_DEAD_OVERWRITE) then
        return nil
    end
    local entry = queue.dead_head
    queue.dead_head = (entry + 1) % dead_slots
    queue.dead_dropped = queue.dead_dropped + 1
    return entry
end

-- copy a message of the loaded group to the dead section, or drop it if the queue has none; the
-- caller makes its word DONE. False: the section is full, nothing changed
local function bury(id, index, attempts, reason, note)
    if geometry.dead_slots == 0 then
        queue.dead_dropped = queue.dead_dropped + 1
    else
        local entry = place_dead()
        if not entry then
            return false
        end
        note = string.sub(note or '', 1, geometry.note_bytes)
        local at = dead_at + entry * dead_entry_bytes
        local head = pack('@dead.id..note_length', id, time_ms(), attempts, group.index, reason,
            #note) .. note .. string.rep('\0', geometry.note_bytes - #note)
        put_slot(at, head, index)
    end
    front_changed = true
    group.died = group.died + 1
    group.changed = true
    return true
end

local function sweep_is_wanted()
    return group.sweep ~= SWEEP_NONE or (group.due ~= DUE_NONE and has_passed(group.due))
end

-- the oldest deadline is so far behind that 24 bits become ambiguous: a whole sweep comes first
local function sweep_is_far()
    return group.due ~= DUE_NONE and
        group.due + HALF_RANGE_TICKS - TOKEN_NEAR_TICKS <= tick()
end

local function begin_sweep()
    group.sweep = group.head
    group.due_next = DUE_NONE
    group.changed = true
end

-- what sweeps of this call did
local swept = {ready = 0, dead = 0}

local function wait_until(word, count, deadline)
    set_due(deadline)
    group.waiting = group.waiting + count
    return make_word(SLOTQ_STATE_WAITING, word_attempts(word), deadline)
end

-- the number of words from index on that are this word, at most `most`
local function equal_words(index, word, most)
    local words, count = group.words, 1
    most = math.min(most, position(group.cursor) - position(index))
    while count < most do
        local next_index = (index + count) % slots
        if (words[next_index] or read_words(next_index)) ~= word then
            break
        end
        count = count + 1
    end
    return count
end

-- true if this sweep may bury one more message of the loaded group, and did
local function buried(id, index, word)
    if swept.burials == BURIALS_MAX or
        not bury(id, index, word_attempts(word), SLOTQ_REASON_LEASE_ENDED) then
        return false
    end
    swept.burials = swept.burials + 1
    swept.dead = swept.dead + 1
    return true
end

-- change a word past its deadline, and the equal words after it, at most `most`; returns how many
local function pass_on(id, index, word, most)
    local lives = geometry.max_attempts == 0 or word_attempts(word) < geometry.max_attempts
    local dies = not lives and buried(id, index, word)
    local deadline = swept.burials == BURIALS_MAX and tick() + 1 or deadline_in(DEAD_FULL_RETRY_MS)
    -- an earlier due (the clock went back) gives the bits of the next words another meaning
    local alone = index < 0 or dies or not lives and deadline < group.due
    local count = alone and 1 or equal_words(index, word, most)
    local to = WORD_DEAD
    if word_state(word) == SLOTQ_STATE_LEASED then
        take('leased', count, AT_group_leased)
    else
        take('waiting', count, AT_group_waiting)
    end
    if lives then
        made_ready(index, count)
        swept.ready = swept.ready + count
        to = word - word_state(word)
    elseif not dies then
        to = wait_until(word, count, deadline)
    end
    if dies and index < 0 then
        finish(index, 1, WORD_DEAD)
        end_step()
    else
        set_words(index, count, to)
    end
    return count
end

local function end_sweep()
    group.due = group.due_next
    group.due_next = DUE_NONE
    group.sweep = SWEEP_NONE
end

-- handle a word whose deadline has passed, and the equal words after it, at most `most`; returns
-- how many
local function sweep_passed(id, index, word, most, spares)
    if spares and spares(word, id) then
        -- so that a sweep comes back to it in any case
        group.due_next = math.min(group.due_next, tick() + 1)
        return 1
    end
    return pass_on(id, index, word, spares and spares(word) and 1 or most)
end

-- true if no more words are read: the 16th was buried, which ends a round, or no deadline lives
local function sweep_is_over(whole)
    if not whole and swept.burials == BURIALS_MAX then
        return true
    elseif group.leased + group.waiting == 0 then
        group.sweep = group.cursor
        return true
    end
    return false
end

-- handle the words aside, in the order of the index; returns how many were read, and whether the
-- 16th burial left some. A burial ends the step: another group may have to wait for fewer aside
local function sweep_aside(whole, spares)
    local place, looked = 0, 0
    while place < queue.aside_count do
        if sweep_is_over(whole) then
            return looked, not whole and swept.burials == BURIALS_MAX
        end
        local count, burials, id, index = queue.aside_count, swept.burials, entry_at(place)
        local word = word_at(index)
        if has_deadline(word) then
            local deadline = word_deadline(word)
            if has_passed(deadline) then
                sweep_passed(id, index, word, 1, spares)
            else
                group.due_next = math.min(group.due_next, deadline)
            end
        end
        if swept.burials > burials then
            end_step()
        end
        -- an entry that was removed has made place for the next one
        place = place + 1 - (count - queue.aside_count)
        looked = looked + 1
    end
    return looked, false
end

-- handle the next words of the ring; quiet: the last word whose deadline has not passed
local function sweep_ring(whole, limit, spares)
    local words, looked, quiet = group.words, 0, nil
    local now, far_ahead = tick(), tick() + HALF_RANGE_TICKS + TOKEN_NEAR_TICKS
    while looked < limit and group.sweep ~= group.cursor and not sweep_is_over(whole) do
        local index, count = group.sweep, 1
        local word = words[index] or read_words(index, LOOK_WORDS_MAX)
        if word ~= quiet and has_deadline(word) then
            local deadline = word_deadline(word)
            if deadline > now and deadline <= far_ahead then
                group.due_next = math.min(group.due_next, deadline)
                quiet = word
            else
                count = sweep_passed(id_at(index), index, word, limit - looked, spares)
                quiet = nil
            end
        end
        group.sweep = (index + count) % slots
        looked = looked + count
    end
end

-- a whole sweep from head, or a round of the running or a new sweep; then, if it buried, head moves
-- (always: reclaim and settle need that in any case). spares: whether to skip a word of an id, or
-- without one, whether there may be such an id
local function sweep(whole, spares, always)
    if whole or group.sweep == SWEEP_NONE then
        begin_sweep()
    end
    swept.burials = 0
    local looked, left_aside = sweep_aside(whole, spares)
    if not left_aside then
        sweep_ring(whole, whole and SLOTQ_RING_SLOTS_MAX + 1 or LOOK_WORDS_MAX - looked, spares)
    end
    group.changed = true
    if group.sweep == group.cursor and not left_aside then
        end_sweep()
    end
    end_step()
    if always or swept.burials > 0 then
        move_head()
        end_step()
    end
end
