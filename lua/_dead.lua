-- _dead.lua: the span of the dead section: its messages and the holes between them (FORMAT.md,
-- "Dead section"). Knows their places.
--@include _open

-- offset of the entry at a position of the span, counted from the oldest
local function dead_entry_at(position)
    return dead_at + (queue.dead_head + position) % geometry.dead_slots * dead_entry_bytes
end

-- entries that this call made holes, by offset
local made_holes = {}

-- id and group of the entry at an offset
local function who_is_at(at)
    if made_holes[at] then
        return 0, 0
    end
    return unpack('@dead.id dead.group', bytes_at(at, AT_dead_group + 1))
end

-- positions of the messages with an id that died in a group (nil = all); without an id: of all
-- messages. The first `skip` are left out, and at most `most` are returned
local function find_dead(id, of_group, skip, most)
    local found, span = {}, queue.dead_count + queue.dead_holes
    if not id and queue.dead_holes == 0 then
        for position = skip, math.min(span, skip + most) - 1 do
            found[#found + 1] = position
        end
        return found
    end
    for position = 0, span - 1 do
        local here, died_in = who_is_at(dead_entry_at(position))
        if here ~= 0 and (not id or here == id and (not of_group or of_group == died_in)) then
            skip = skip - 1
            if skip < 0 then
                found[#found + 1] = position
            end
            if #found == most then
                break
            end
        end
    end
    return found
end

-- count adjacent entries from a position on, as they are in the value
local function entries_at(position, count)
    local first = (queue.dead_head + position) % geometry.dead_slots
    local before = math.min(count, geometry.dead_slots - first)
    local bytes = bytes_at(dead_at + first * dead_entry_bytes, before * dead_entry_bytes)
    if before < count then
        bytes = bytes .. bytes_at(dead_at, (count - before) * dead_entry_bytes)
    end
    return bytes
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

-- the arguments of both lists: the positions of the messages to be listed
local function open_dead_list(name)
    expect(name .. ' KEY now from n [id [group]]', 3, 5)
    local skip = number(2, 'from', 0, 281474976710655)
    local count = number(3, 'n', 1, SLOTQ_CALL_MESSAGES_MAX)
    local id, of_group = read_dead_id(4, 1)
    open()
    expect_dead_group(of_group)
    return find_dead(id, of_group, skip, that_fit(count))
end
