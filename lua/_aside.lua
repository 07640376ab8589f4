-- _aside.lua: the section aside: its index and words, as they are and as they will be (FORMAT.md,
-- "Aside"). _commit writes the changes. Knows entries and words; must not know group blocks.
--@include _open
--@inner
-- When a function is defined, Lua searches for each outer name that it uses among all those that
-- are used so far. An inner function has the names of the pieces below at hand.

-- An entry has a place, from 0. The index of a message aside is below 0: -1 - its slot number.

-- the entries in use, as they will be; read when they are first needed
local entries
-- the first place from which the entries differ from the value's
local entries_changed
-- by group: `bytes` of the value, and what this call changed, by index
local words_aside = {}

local function read_entries()
    local count = queue.aside_count
    entries = count > 0 and bytes_at(aside_index_at, count * ASIDE_ENTRY_BYTES) or ''
    for place = 0, count - 1 do
        local at = place * ASIDE_ENTRY_BYTES + AT_aside_slot
        if string.byte(entries, at + 1) >= geometry.aside_slots then
            corrupt(aside_index_at + at, 'aside.slot')
        end
    end
end

-- id and index at a place
local function entry_at(place)
    if not entries then
        read_entries()
    end
    local id, slot = unpack('@aside.id..slot', entries, place * ASIDE_ENTRY_BYTES + 1)
    return id, -1 - slot
end

-- the place of an id, or of the next one; and the index, if the id is there
local function place_aside(id)
    local from, to = 0, queue.aside_count
    while from < to do
        local middle = integral((from + to) / 2)
        local here, index = entry_at(middle)
        if here == id then
            return middle, index
        elseif here < id then
            from = middle + 1
        else
            to = middle
        end
    end
    return from
end

local function change_entries(place, bytes)
    entries = string.sub(entries, 1, place * ASIDE_ENTRY_BYTES) .. bytes
    entries_changed = math.min(entries_changed or place, place)
    queue.aside_count = #entries / ASIDE_ENTRY_BYTES
end

-- an entry for an id above all others, with the lowest free slot number; returns the index
local function add_entry(id)
    local used, slot = {}, 0
    for place = 0, queue.aside_count - 1 do
        local _, index = entry_at(place)
        used[-1 - index] = true
    end
    while used[slot] do
        slot = slot + 1
    end
    entries = entries or ''
    change_entries(queue.aside_count, pack('@aside.id..slot', id, slot))
    return -1 - slot
end

local function remove_entry(index)
    for place = 0, queue.aside_count - 1 do
        local _, here = entry_at(place)
        if here == index then
            change_entries(place, string.sub(entries, (place + 1) * ASIDE_ENTRY_BYTES + 1))
            break
        end
    end
    for _, words in pairs(words_aside) do
        words.changed[index] = nil
    end
end

local function words_aside_at(group_number)
    return aside_words_at + group_number * geometry.aside_slots * WORD_BYTES
end

-- the word of a group, by its number
local function word_aside(group_number, index)
    local words = words_aside[group_number] or {changed = {}}
    words_aside[group_number] = words
    if words.changed[index] then
        return words.changed[index]
    end
    words.bytes = words.bytes or
        bytes_at(words_aside_at(group_number), geometry.aside_slots * WORD_BYTES)
    return unpack('<I4', words.bytes, (-1 - index) * WORD_BYTES + 1)
end

local function set_word_aside(group_number, index, word)
    words_aside[group_number] = words_aside[group_number] or {changed = {}}
    words_aside[group_number].changed[index] = word
end

-- a group finishes a message: with a DONE word, or if all other groups have finished it, without
-- its entry
local function finish_aside(group_number, index, word)
    for other = 0, geometry.groups - 1 do
        if other ~= group_number and word_aside(other, index) % 4 ~= SLOTQ_STATE_DONE then
            set_word_aside(group_number, index, word)
            return
        end
    end
    remove_entry(index)
end
