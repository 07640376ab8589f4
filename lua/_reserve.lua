-- _reserve.lua: leases messages: rounds of a sweep, retries, new messages (FORMAT.md, "reserve").
-- Knows words and runs; must not know the form of the reply.
--@include _sweep
--@include _limit
--@include _promote

-- what was leased so far; what other pieces use (a script has room for 200 local names)
local leased = {}
local reserve

do
    -- what is wanted, and the state of this round
    local wanted = {}
    local looked, scan, left, left_aside

    local function room()
        return limit_room(wanted.limit - leased.total)
    end

    -- the new word of a READY message, or nil: left until the next tick
    local function leased_word(word)
        local deadline = fresh_deadline(word, wanted.deadline)
        if not deadline then
            return nil
        end
        local attempts = math.min(word_attempts(word) + 1, WORD_ATTEMPTS_MAX)
        return make_word(SLOTQ_STATE_LEASED, attempts, deadline), deadline
    end

    local function lease_run(id, index, count, word, deadline)
        wanted.due = wanted.due or group.due -- of others
        set_words(index, count, word)
        limit_take(count)
        group.leased = group.leased + count
        set_due(deadline)
        leased[#leased + 1] = {id = id, token = word, count = count, index = index}
        leased.total = leased.total + count
    end

    -- READY messages aside, each as one run
    local function lease_aside()
        local place = 0
        while place < queue.aside_count and group.ready_behind > 0 and room() > 0 do
            local id, index = entry_at(place)
            local here = word_at(index)
            if here % 4 == SLOTQ_STATE_READY then
                local word, deadline = leased_word(here)
                if word then
                    take('ready_behind', 1, AT_group_ready_behind)
                    lease_run(id, index, 1, word, deadline)
                    group.redelivered = group.redelivered + 1
                    end_step()
                else
                    left_aside = left_aside + 1
                end
            end
            looked = looked + 1
            place = place + 1
        end
        if group.ready_behind < left_aside then
            corrupt(group.at + AT_group_ready_behind, 'group.ready_behind')
        end
    end

    -- the first READY word, from the place of the search on, that can be leased; words that must
    -- wait for the next tick are left, and retry_from stays before them
    local function search_ready()
        while scan ~= group.cursor and looked < LOOK_WORDS_MAX do
            local here = group.words[scan] or read_words(scan)
            looked = looked + 1
            if here % 4 == SLOTQ_STATE_READY then
                local word, deadline = leased_word(here)
                if word then
                    return here, word, deadline
                end
                left = true
            end
            scan = (scan + 1) % slots
            if not left then
                group.retry_from = scan
                group.changed = true
            end
        end
        return nil
    end

    -- the number of words from index on that become the same word
    local function same_run(index, old, word)
        local count, most = 1, room()
        local next_index = (index + 1) % slots
        while count < most and next_index ~= group.cursor and looked < LOOK_WORDS_MAX do
            local here = group.words[next_index] or read_words(next_index)
            if here ~= old and (here % 4 ~= SLOTQ_STATE_READY or leased_word(here) ~= word) then
                break
            end
            looked = looked + 1
            count = count + 1
            next_index = (next_index + 1) % slots
        end
        return count
    end

    -- returns whether no READY message is left in the ring, except those that the token rule left
    local function lease_retries()
        local ready = group.ready_behind - left_aside
        scan = group.retry_from
        while ready > 0 and room() > 0 do
            local old, word, deadline = search_ready()
            if not old then
                if group.retry_from == group.cursor then
                    corrupt(group.at + AT_group_ready_behind, 'group.ready_behind')
                end
                end_step()
                return scan == group.cursor
            end
            local index, count = scan, same_run(scan, old, word)
            scan = (index + count) % slots
            if not left then
                group.retry_from = scan
            end
            if count > ready then
                corrupt(group.at + AT_group_ready_behind, 'group.ready_behind')
            end
            ready = ready - count
            take('ready_behind', count, AT_group_ready_behind)
            lease_run(id_at(index), index, count, word, deadline)
            group.redelivered = group.redelivered + count
            end_step()
        end
        return ready <= 0 or scan == group.cursor
    end

    -- skip DONE words of [cursor, written); returns the number of READY words that follow
    local function count_new()
        local count, most, index = 0, room(), group.cursor
        while index ~= group.written and count < most do
            local word = group.words[index] or read_words(index)
            if has_deadline(word) then
                corrupt(states_at + (group.index * slots + index) * WORD_BYTES,
                    'a word at or beyond cursor is LEASED or WAITING')
            elseif word % 4 == SLOTQ_STATE_READY then
                count = count + 1
            elseif count > 0 or looked == LOOK_WORDS_MAX then
                return count
            else
                looked = looked + 1
                group.cursor = (index + 1) % slots
                group.changed = true
            end
            index = (index + 1) % slots
        end
        if index == group.written then
            count = count + math.min((queue.tail - index) % slots, most - count)
        end
        return count
    end

    -- runs of new messages, until no more is wanted or found
    local function lease_new()
        while group.cursor ~= queue.tail and room() > 0 do
            local count = count_new()
            if count > 0 then
                local index = group.cursor
                group.cursor = (index + count) % slots
                if position(group.written) < position(group.cursor) then
                    group.written = group.cursor
                end
                lease_run(id_at(index), index, count,
                    make_word(SLOTQ_STATE_LEASED, 1, wanted.deadline), wanted.deadline)
            end
            if group.ready_behind == 0 then
                group.retry_from = group.cursor
            end
            if not group.changed then
                return
            end
            end_step()
        end
    end

    local function reserve_round()
        if sweep_is_wanted() then
            sweep(false)
        end
        looked, left, left_aside = 0, false, 0
        if limit_room(1) == 0 then
            return
        end
        lease_aside()
        if lease_retries() and room() > 0 then
            looked = 0
            lease_new()
        end
    end

    -- messages are left that go now, or when the rate lets them, or that are due and have room
    function queue.leaves()
        local most = group.limit.max_leased
        local remaining = group.ready_behind + (queue.tail - group.cursor) % slots
        return (most == 0 or group.leased < most) and
            (remaining > 0 or later.or_due(-1) == time_ms())
    end

    -- in a shard, what is left for clients that sleep at the bell: messages, also those that a
    -- rate holds, or a time that comes soon
    local function note_near()
        local now_ms = time_ms()
        local near_ms = now_ms + NUDGE_DUE_MS
        if queue.leaves() or
            wanted.due ~= DUE_NONE and wanted.due * tick_ms < near_ms or
            queue.later_due_ms > now_ms and queue.later_due_ms < near_ms and
            queue.paused % 2 ~= SLOTQ_PAUSE_IN then
            queue.due_near = group.index
        end
    end

    -- after messages were leased: what is left is for another client, at least one of which is rung
    local function hand_over()
        local more = group.ready_behind + (queue.tail - group.cursor) % slots
        note_near()
        more = limit_room(1) > 0 and more or 0
        -- what was promoted is counted for every group
        local promoted = queue.made or 0
        group.made = math.min(math.max((group.made or 0) + promoted, 1), more) - promoted
    end

    -- lease up to limit messages of the loaded group: OK, EMPTY, LIMITED or AGAIN, the runs in
    -- `leased`, and the time when a message may go without a call
    function reserve(limit, lease_ms)
        local own = group.index
        queue.reserves = true
        later.promote()
        load_group(own)
        other_done = 0
        wanted = {limit = limit, deadline = deadline_in(lease_ms)}
        leased = {total = 0}
        load_limit()
        if sweep_is_far() then
            sweep(true)
        end
        for _ = 1, ROUNDS_MAX do
            reserve_round()
            if leased.total > 0 then
                hand_over()
                return 'OK'
            end
            if group.cursor == queue.tail and group.ready_behind == 0 and
                group.sweep == SWEEP_NONE then
                repeat
                    other_done = 0
                    local moved = move_head()
                    end_step()
                until not moved
                return 'EMPTY', later.or_due(group.due == DUE_NONE and -1 or
                    math.min(group.due * tick_ms, 9007199254740991))
            elseif group.sweep == SWEEP_NONE and limit_room(1) == 0 then
                limit_set_back()
                end_step()
                return 'LIMITED', limit_next_ms()
            end
        end
        return 'AGAIN', (left or left_aside > 0) and (tick() + 1) * tick_ms or time_ms()
    end
end

-- end a reserve that leased nothing and build its reply; waits: the caller waits for a message
local function nothing_leased(outcome, next_due_ms, waits, empty)
    -- a client that is to call again at once does not wait at its place
    local sleeps = waits and (outcome ~= 'AGAIN' or not my_place or next_due_ms > time_ms())
    queue.silent = not queue.leaves() and group.index
    local place = commit(sleeps and WAKE_FOR_MESSAGE)
    place = sleeps and my_place and place
    if outcome == 'EMPTY' and place and next_due_ms >= 0 then
        next_due_ms = math.min(next_due_ms + PLACES_RANK_MS * place[3], 9007199254740991)
    end
    local asks = waits or queue.rounds
    if outcome == 'EMPTY' and place then
        return {integral(next_due_ms), place[1], place[2], place[3]}
    elseif outcome == 'EMPTY' then
        return asks and integral(next_due_ms) or empty
    elseif outcome == 'AGAIN' and not asks then
        return redis.status_reply('AGAIN')
    end
    local registered = place and string.format(' %d %d %d', place[1], place[2], place[3]) or ''
    return redis.status_reply(outcome .. ' ' .. decimal(next_due_ms) .. registered)
end

-- the arguments of both reserves
local function open_reserve(name)
    expect(name .. ' KEY now group n lease_ms [wait [place]]', 4, 6)
    local index = number(2, 'group', 0, SLOTQ_GROUPS_MAX - 1)
    local limit = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    local lease_ms = number(4, 'lease_ms', 1, SLOTQ_LEASE_TICKS_MAX * SLOTQ_TICK_MS_MAX)
    local wait = ARGV[5] or ''
    local rounds = wait == '2'
    if not string.find(wait, '^[012]?$') then
        invalid('wait must be 0, 1 or 2')
    elseif rounds and (ARGV[6] or '') ~= '' then
        invalid('a reserve of a round has no place: leave the place out')
    end
    open()
    expect_duration('lease_ms', lease_ms)
    if index >= geometry.groups then
        expect_group(index)
    end
    if queue.paused % SLOTQ_PAUSE_CLOSED >= SLOTQ_PAUSE_OUT then
        refuse('SLOTQPAUSED ' .. TEXT_PAUSED .. ' for reserving: resume it')
    end
    load_group(index)
    limit = that_fit(limit)
    read_place(6, index, limit)
    if rounds then
        local wake = queue.wake
        wake = wake % (2 * WAKE_RING_BELL) < WAKE_RING_BELL and wake + WAKE_RING_BELL or wake
        queue.wake, queue.rounds = (wake + WAKE_COUNT_ONE) % 4294967296, true
    end
    return limit, lease_ms, wait == '1'
end
