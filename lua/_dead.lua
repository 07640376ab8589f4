-- _dead.lua: the span of the dead section: its messages and the holes between them (FORMAT.md,
-- "Dead section"). Knows their places.
--@include _open

-- offset of the nth entry of the span, counted from the oldest
local function dead_entry_at(nth)
    return dead_at + (queue.dead_head + nth) % geometry.dead_slots * dead_entry_bytes
end


-- count adjacent entries from the nth on, as they are in the value
local function entries_at(nth, count)
    local first = (queue.dead_head + nth) % geometry.dead_slots
    local before = math.min(count, geometry.dead_slots - first)
    local bytes = bytes_at(dead_at + first * dead_entry_bytes, before * dead_entry_bytes)
    if before < count then
        bytes = bytes .. bytes_at(dead_at, (count - before) * dead_entry_bytes)
    end
    return bytes
end

-- up to count adjacent entries from the nth on, and their number: many small ones at once, or
-- the first bytes of a large one
local read_at_once, small_entry = 65536, 512

local function heads_at(nth, count)
    if dead_entry_bytes > small_entry then
        return bytes_at(dead_entry_at(nth), AT_dead_group + 1), 1
    end
    count = math.min(count, integral(read_at_once / dead_entry_bytes))
    return entries_at(nth, count), count
end

-- places (nth) of the messages with an id that died in a group (nil = all); without an id: of all
-- messages. The first `skip` are left out, and at most `most` are returned
local function find_dead(id, of_group, skip, most)
    local found, span = {}, queue.dead_count + queue.dead_holes
    if not id and queue.dead_holes == 0 then
        for nth = skip, math.min(span, skip + most) - 1 do
            found[#found + 1] = nth
        end
        return found
    end
    local wanted, nth = pack('@dead.id', id or 0), 0
    -- a message dies at most once in a group
    most = id and math.min(most, of_group and 1 or geometry.groups) or most
    while nth < span and #found < most do
        local bytes, count = heads_at(nth, span - nth)
        local first = id and not string.find(bytes, wanted, 1, true) and count or 0
        for i = first, count - 1 do
            local at = i * dead_entry_bytes + 1
            local same = string.sub(bytes, at, at + BYTES_dead_id - 1) == wanted
            if same == (id ~= nil) and (not of_group or
                    of_group == string.byte(bytes, at + AT_dead_group)) then
                skip = skip - 1
                if skip < 0 and #found < most then
                    found[#found + 1] = nth + i
                end
            end
        end
        nth = nth + count
    end
    return found
end

-- the arguments id and group from a place on: a number and a group or nil for all
local function read_dead_id(place, least)
    local id = ARGV[place] and number(place, 'id', least, 281474976710655)
    local of_group = ARGV[place + 1] or 'all'
    return id, of_group ~= 'all' and number(place + 1, 'group', 0, SLOTQ_GROUPS_MAX - 1) or nil
end

local function expect_dead_group(of_group)
    if of_group and of_group >= geometry.groups then
        invalid("group must be 'all' or a whole number, 0 to " .. decimal(geometry.groups - 1))
    end
end

-- the arguments of both lists: the places (nth) of the messages to be listed
local function open_dead_list(name)
    expect(name .. ' KEY now from n [id [group]]', 3, 5)
    local skip = number(2, 'from', 0, 281474976710655)
    local count = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    local id, of_group = read_dead_id(4, 1)
    open()
    expect_dead_group(of_group)
    return find_dead(id, of_group, skip, that_fit(count))
end
