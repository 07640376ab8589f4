-- _deadlines.lua: deadlines, their 24 bits in a word, and the rule that no token comes back soon
-- (FORMAT.md, "Deadlines"). Knows words and ticks; must not know which verb sets one.
--@include _groups

local function word_state(word)
    return word % 4
end

local function word_attempts(word)
    return integral(word / 4) % 64
end

local function word_bits(word)
    return integral(word / 256)
end

local function make_word(state, attempts, deadline)
    return state + attempts * 4 + deadline % 16777216 * 256
end

-- the full tick of a live deadline
local function word_deadline(word)
    return group.due + (word_bits(word) - group.due) % 16777216
end

local function has_deadline(word)
    local state = word % 4
    return state == SLOTQ_STATE_LEASED or state == SLOTQ_STATE_WAITING
end

local function deadline_in(ms)
    return integral((time_ms() + ms + tick_ms - 1) / tick_ms)
end

local function set_due(deadline)
    if deadline < group.due then
        group.due = deadline
    end
    if group.sweep ~= SWEEP_NONE and deadline < group.due_next then
        group.due_next = deadline
    end
    group.changed = true
end

-- the deadline with which no recent token comes back, or nil: left until the next tick
local function fresh_deadline(word, deadline)
    local near = (word_bits(word) - deadline) % 16777216
    if word == 0 or near >= TOKEN_NEAR_TICKS then
        return deadline
    end
    if near + 1 < TOKEN_NEAR_TICKS then
        return deadline + near + 1
    end
    return nil
end

local function has_passed(deadline)
    local now = tick()
    return deadline <= now or deadline > now + HALF_RANGE_TICKS + TOKEN_NEAR_TICKS
end

-- true if ms is a lease or delay that a word can hold
local function expect_duration(name, ms)
    if ms < 1 or ms > SLOTQ_LEASE_TICKS_MAX * tick_ms then
        invalid(name .. ' must be a whole number, 1 to ' ..
            decimal(SLOTQ_LEASE_TICKS_MAX * tick_ms))
    end
end

local function expect_group(index)
    if index >= geometry.groups then
        invalid('group must be a whole number, 0 to ' .. decimal(geometry.groups - 1))
    end
    load_group(index)
end
