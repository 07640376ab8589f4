-- _settle.lua: ack, nack, release, extend, kill: each compares the token with the state word and
-- swaps it (FORMAT.md, "settle"). Knows words; must not know the form of the reply.
--@include _sweep

-- the verb, for each message
local settle_verb, settle_ms, settle_reason, settle_note

-- extend, nack and release with a delay
local function sets_deadline()
    return settle_verb == 'extend' or settle_ms > 0 and
        (settle_verb == 'nack' or settle_verb == 'release')
end

-- true if this verb makes a message with this word die
local function dies(word)
    return settle_verb == 'kill' or settle_verb == 'nack' and geometry.max_attempts ~= 0 and
        word_attempts(word) >= geometry.max_attempts
end

-- index of the message if the token is valid, or nil and the outcome; the words of a long run, or
-- of the only one, are read with the first word
local function find_held(id, token, count, alone)
    local index, outcome = find(id)
    if not index then
        return nil, outcome
    elseif index >= 0 and (alone or count > chunk_words) and group.words[index] == nil then
        read_run(index, count)
    end
    local word = word_at(index)
    if word_state(word) == SLOTQ_STATE_DONE then
        return nil, 'GONE'
    end
    if word ~= token or word_state(word) ~= SLOTQ_STATE_LEASED or
        index >= 0 and position(index) >= position(group.cursor) then
        return nil, 'STALE'
    end
    return index
end

-- the number of adjacent words from index on that are the token, up to the end of the ring
local function held_stretch(index, token, limit)
    local words = group.words
    limit = index < 0 and 1 or
        math.min(limit, position(group.cursor) - position(index), slots - index)
    local count = 1
    while count < limit do
        if (words[index + count] or read_words(index + count)) ~= token then
            break
        end
        count = count + 1
    end
    return count
end

-- nack, or release, whose attempt does not count; with a delay the message waits
local function returned_word(index, count, word)
    local attempts = word_attempts(word)
    if settle_verb == 'release' then
        attempts = math.max(attempts - 1, 0)
    end
    if settle_ms == 0 then
        made_ready(index, count)
        return make_word(SLOTQ_STATE_READY, attempts, word_bits(word))
    end
    local deadline = deadline_in(settle_ms)
    queue.due_fell = deadline < group.due and group.index or queue.due_fell
    set_due(deadline)
    group.waiting = group.waiting + count
    return make_word(SLOTQ_STATE_WAITING, attempts, deadline)
end

-- end the lease of the stretch from index on; returns its new token, or the word that it had
local function settle_stretch(index, count, word)
    local to = word
    if settle_verb == 'ack' then
        group.acked = group.acked + count
        finish(index, count, WORD_ACKED)
        return word
    elseif settle_verb ~= 'extend' then
        to = returned_word(index, count, word)
    else
        local deadline = fresh_deadline(word, deadline_in(settle_ms))
        if deadline then
            set_due(deadline)
            to = make_word(SLOTQ_STATE_LEASED, word_attempts(word), deadline)
        end
    end
    if to ~= word then
        set_words(index, count, to)
    end
    return to
end

-- a whole sweep of this call spared the named words and moved `due` past their deadlines
local swept_whole

local function settle_dying(id, index, word)
    if not bury(id, index, word_attempts(word), settle_reason, settle_note) then
        if swept_whole then
            take('leased', 1, AT_group_leased)
            set_words(index, 1, wait_until(word, 1, deadline_in(DEAD_FULL_RETRY_MS)))
        end
        return 'DEADFULL'
    end
    finish(index, 1, WORD_DEAD)
    return 'OK'
end

-- settle one run; calls note(count, outcome, token) for each stretch
local function settle_run(run, note, alone)
    local done = 0
    while done < run.count do
        local count, token = 1, run.token
        local index, outcome = find_held(run.id + done, token, run.count - done, alone)
        if index then
            outcome = 'OK'
            if dies(token) then
                outcome = settle_dying(run.id + done, index, token)
            else
                count = held_stretch(index, token, run.count - done)
                token = settle_stretch(index, count, token)
            end
            if outcome == 'OK' and settle_verb ~= 'extend' then
                take('leased', count, AT_group_leased)
            end
            end_step()
        end
        note(count, outcome, token)
        done = done + count
    end
end

-- for the whole sweep of this verb: spare the words that a run names as tokens
local function spared(runs)
    local named = {}
    for _, run in ipairs(runs) do
        named[run.token] = named[run.token] or {}
        for id = run.id, run.id + run.count - 1 do
            named[run.token][id] = true
        end
    end
    return function(word, id)
        return named[word] and (not id or named[word][id]) and
            word_state(word) == SLOTQ_STATE_LEASED
    end
end

local function settle(runs, note)
    other_done = 0
    if sets_deadline() and sweep_is_far() then
        sweep(true, spared(runs), true)
        swept_whole = true
    end
    for _, run in ipairs(runs) do
        settle_run(run, note, #runs == 1)
    end
end

local verbs = {ack = true, nack = true, release = true, extend = true, kill = true}

-- the arguments of both settles, up to the group
local function read_settle()
    settle_verb = ARGV[2]
    if not verbs[settle_verb] then
        invalid('verb must be ack, nack, release, extend or kill')
    end
    settle_ms = number(4, 'ms', 0, SLOTQ_LEASE_TICKS_MAX * SLOTQ_TICK_MS_MAX)
    settle_reason = number(5, 'reason', 0, 255)
    return number(3, 'group', 0, SLOTQ_GROUPS_MAX - 1)
end

-- the note of a death, an argument behind the others
local function read_note(place)
    settle_note = ARGV[place]
    if settle_note and #settle_note > SLOTQ_NOTE_BYTES_MAX then
        invalid('note must have 0 to 255 bytes')
    end
end

local function open_settle(index)
    open()
    expect_group(index)
    if sets_deadline() then
        expect_duration('ms', settle_ms)
    end
end
