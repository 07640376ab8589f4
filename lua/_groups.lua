-- _groups.lua: group blocks, state words and positions, as they are and as they will be. _commit
-- writes the changes to the value. Knows the window; must not know verbs.
--@include _aside

-- the loaded group; all loaded groups, by number
local group
local blocks = {}

-- words are read in chunks of this size
local chunk_words = 128
local chunk_format = '<' .. string.rep('I4', chunk_words)

local function group_head(index)
    if blocks[index] then
        return blocks[index].head
    end
    if #front_bytes < states_at then
        front_bytes = bytes_at(0, states_at)
    end
    local at = GROUPS_OFFSET + GROUP_BYTES * index + AT_group_head
    local head = unpack('@group.head', front_bytes, at + 1)
    if head >= slots or (head - queue.head) % slots > (queue.tail - queue.head) % slots then
        corrupt(at, 'group.head')
    end
    return head
end

local function judge_group(block)
    local head, at = block.head, block.at
    local written, cursor = (block.written - head) % slots, (block.cursor - head) % slots
    if block.written >= slots or written > (queue.tail - head) % slots then
        corrupt(at + AT_group_written, 'group.written')
    elseif block.cursor >= slots or cursor > written then
        corrupt(at + AT_group_cursor, 'group.cursor')
    elseif block.retry_from >= slots or (block.retry_from - head) % slots > cursor then
        corrupt(at + AT_group_retry_from, 'group.retry_from')
    elseif block.sweep ~= SWEEP_NONE and
        (block.sweep >= slots or (block.sweep - head) % slots > cursor) then
        corrupt(at + AT_group_sweep, 'group.sweep')
    elseif block.ready_behind + block.leased + block.waiting > cursor + queue.aside_count then
        corrupt(at + AT_group_ready_behind, 'group counts')
    elseif block.ready_behind == 0 and block.retry_from ~= block.cursor then
        corrupt(at + AT_group_retry_from, 'group.retry_from')
    end
end

local function load_group(index)
    group = blocks[index]
    if group then
        return
    end
    local block = {index = index, at = GROUPS_OFFSET + GROUP_BYTES * index, words = {}, runs = {},
        gaps = {}, chunk = 8}
    group_head(index)
    block.head, block.cursor, block.ready_behind, block.leased, block.waiting, block.retry_from,
        block.sweep, block.written, block.due, block.due_next, block.acked, block.redelivered,
        block.died = unpack('@group.head..died', front_bytes, block.at + 1)
    judge_group(block)
    block.step_leased = block.leased
    blocks[index] = block
    group = block
end

-- position in the ring, counted from the loaded group's head
local function position(index)
    return (index - group.head) % slots
end

local function id_at(index)
    return queue.last_id + 1 - (queue.tail - index) % slots
end

-- index of an issued id, or nil and the outcome
local function find(id)
    if id == 0 or id > queue.last_id then
        return nil, 'NOTFOUND'
    end
    local back = queue.last_id + 1 - id
    if back <= (queue.tail - group.head) % slots then
        return (queue.tail - back) % slots
    elseif queue.aside_count > 0 then
        local _, index = place_aside(id)
        if index and word_aside(group.index, index) % 4 ~= SLOTQ_STATE_DONE then
            return index
        end
    end
    return nil, 'GONE'
end

-- words of the gap that are not known are 0, whatever their bytes are
local function learn_gap(gap, from, to)
    local words = group.words
    for i = math.max(from, gap.from), math.min(to, gap.to) - 1 do
        words[i] = words[i] or 0
    end
end

-- count words from an index on, from their bytes
local function learn_words(from, count, bytes)
    local words = group.words
    for i = 1, #group.gaps do
        learn_gap(group.gaps[i], from, from + count)
    end
    for at = 0, count - 1, chunk_words do
        local here = math.min(chunk_words, count - at)
        local format = here == chunk_words and chunk_format or '<' .. string.rep('I4', here)
        local values = {unpack(format, bytes, at * WORD_BYTES + 1)}
        for i = 1, here do
            -- a word that this call changed is newer than its bytes
            if words[from + at + i - 1] == nil then
                words[from + at + i - 1] = values[i]
            end
        end
    end
end

local function word_bytes(from, count)
    return bytes_at(states_at + (group.index * slots + from) * WORD_BYTES, count * WORD_BYTES)
end

-- the word of an index, read together with some after it: more each time, or as many as named
local function read_words(index, ahead)
    local count = math.min(ahead or group.chunk, slots - index)
    group.chunk = math.min(4 * group.chunk, chunk_words)
    learn_words(index, count, word_bytes(index, count))
    return group.words[index]
end

-- only the words of a run; at head some more, because head will move over them
local function read_run(index, count)
    count = math.min(index == group.head and count + 32 or count, slots - index)
    learn_words(index, count, word_bytes(index, count))
end

-- at or beyond written a message is READY, whatever its bytes are
local function word_at(index)
    if index < 0 then
        return word_aside(group.index, index)
    elseif position(index) >= position(group.written) then
        return 0
    end
    return group.words[index] or read_words(index)
end

local function set_words(index, count, word)
    group.changed = true
    if index < 0 then
        set_word_aside(group.index, index, word)
        return
    end
    local words, runs = group.words, group.runs
    local before = math.min(count, slots - index)
    runs[#runs + 1] = {from = index, to = index + before}
    if before < count then
        runs[#runs + 1] = {from = 0, to = count - before}
    end
    for i = index, index + count - 1 do
        words[i % slots] = word
    end
end

-- the words from index on become 0: up to a whole ring of them in each group, so they are not put
-- into a table one by one; those that were read before are of an earlier lap. Nothing of a gap may
-- be changed behind that in the same call
local function set_gap(index, count)
    local words, runs, gaps = group.words, group.runs, group.gaps
    for i in pairs(words) do
        if (i - index) % slots < count then
            words[i] = 0
        end
    end
    local before = math.min(count, slots - index)
    gaps[#gaps + 1] = {from = index, to = index + before, zeros = true}
    runs[#runs + 1] = gaps[#gaps]
    if before < count then
        gaps[#gaps + 1] = {from = 0, to = count - before, zeros = true}
        runs[#runs + 1] = gaps[#gaps]
    end
    group.changed = true
end

-- a count of the loaded group goes down
local function take(name, by, field)
    if group[name] < by then
        corrupt(group.at + field, 'group.' .. name)
    end
    group[name] = group[name] - by
    if group.ready_behind == 0 and name == 'ready_behind' then
        group.retry_from = group.cursor
    end
    group.changed = true
end

-- true if a waiting caller could continue; block.made: messages of the group that this call made
-- deliverable
local deliverable

local function made_ready(index, count)
    if index >= 0 and position(index) < position(group.retry_from) then
        group.retry_from = index
    end
    group.ready_behind = group.ready_behind + count
    group.made = (group.made or 0) + count
    group.changed = true
    deliverable = true
end

-- whether the message at the header's head may step aside: it was delivered in the groups that it
-- holds, and about half of the window is done with there (FORMAT.md, "Making room")
local function may_step_aside()
    if queue.aside_count >= geometry.aside_slots then
        return false
    end
    local loaded, held, may = group, (queue.tail - queue.head) % slots, false
    for index = 0, geometry.groups - 1 do
        if group_head(index) == queue.head then
            load_group(index)
            local unfinished = group.ready_behind + group.leased + group.waiting
            may = group.cursor ~= queue.head and 2 * ((queue.tail - group.cursor) % slots) +
                math.max(0, unfinished - queue.aside_count) <= held
            if not may then
                break
            end
        end
    end
    group = loaded
    return may
end
