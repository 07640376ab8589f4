-- _places.lua: what a verb does for clients at places, after its writes: the caller's place,
-- and ringing others for what the verb made (FORMAT.md, "Waking with places"). Must not know what
-- the verb was.
--@include _groups
--@include _ring

-- a caller that waits for room may find some: a head moved, or a message may step aside
local frees
-- the caller's place, its row and what it wants; nil: it has none. What it says when it leaves
local my_place, my_row, my_wants, my_farewell

-- the place of a call, an argument by its number; wants: messages that the caller waits for
local function read_place(argument, row, wants)
    if (ARGV[argument] or '') == '' then
        return
    elseif geometry.places == 0 then
        invalid('the queue has no places: leave the place out')
    end
    my_place = number(argument, 'place', 0, geometry.places - 1)
    my_row, my_wants = row, wants
end

-- before the writes, as it may find damage: what is free for pushes; nil if no client waits for it,
-- or this call freed none. If the message at head may step aside, a push may free any number
local function room_to_tell()
    local awaited = queue.wake % (2 * WAKE_FOR_ROOM) >= WAKE_FOR_ROOM
    if geometry.places == 0 or not awaited or not (frees or queue.pushed) then
        return nil
    end
    return may_step_aside() and 65535 * SLOTQ_PLACES_MAX or
        slots - 1 - (queue.tail - queue.head) % slots
end

-- ring each group for which this call made messages deliverable; true if no place is set in any
local function ring_groups()
    local empty, looked_at = true, 0
    for index = 0, geometry.groups - 1 do
        local made = (queue.made or 0) + (blocks[index] and blocks[index].made or 0)
        if made > 0 then
            empty = rows.ring(index, made) and empty
            looked_at = looked_at + 1
        end
    end
    return empty and looked_at == geometry.groups
end

-- before the writes: what the reply says of the bell. Of what this call made for one group that
-- group is told, else all groups: as many as the group with most needs
local function note_owed()
    if queue.wake % (2 * WAKE_RING_BELL) < WAKE_RING_BELL then
        return
    end
    local need, rung, last = 0, 0, nil
    for index = 0, geometry.groups - 1 do
        local made = (queue.made or 0) + (blocks[index] and blocks[index].made or 0)
        local nears = later.fell or queue.due_fell == index or queue.due_near == index
        -- a reserve that leased nothing leaves to others what it made, if anything is left
        made = math.max(queue.silent == index and 0 or made, nears and 1 or 0)
        if made > 0 then
            need, rung, last = math.max(need, made), rung + 1, index
        end
    end
    -- a resume, or another limit, of which is not known how many it lets go
    if need == 0 and deliverable and not queue.reserves then
        need, rung, last = 1, geometry.groups, 0
    end
    if need > 0 then
        owed = {{ok = 'RING'}, integral(queue.wake / WAKE_COUNT_ONE),
            rung == 1 and last or {ok = 'all'}, integral(math.min(need, 65535))}
    end
end

-- after the writes, in a queue with places: register or give up the caller's, and ring those of
-- others, and clients that wait for room, if any; how the caller's place was, as _ring says
local function settle_places(waits_for, room)
    local before, kept = queue.wake % 256, nil
    local bits = before % (2 * WAKE_FOR_ROOM)
    if bits == 0 then
        return false
    end
    local wake = before
    rows.open_rows(image_bytes - rows_bytes, geometry.places, geometry.set)
    if my_place and waits_for then
        kept = rows.register(my_row, my_place, my_wants)
    elseif my_place then
        kept = rows.give_up(my_row, my_place, my_farewell)
    end
    if bits ~= WAKE_FOR_ROOM and ring_groups() then
        wake = wake - WAKE_FOR_MESSAGE
    end
    if bits ~= WAKE_FOR_ROOM and queue.due_fell then
        rows.nudge(queue.due_fell)
    end
    for index = 0, bits ~= WAKE_FOR_ROOM and later.fell and geometry.groups - 1 or -1 do
        rows.nudge(index)
    end
    if room and rows.ring_room(geometry.groups, room) then
        wake = wake - WAKE_FOR_ROOM
    end
    if wake ~= before then
        rows.write_bytes(AT_shared_wake, string.char(wake))
    end
    return kept
end
