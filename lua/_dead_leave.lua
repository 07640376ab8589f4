-- _dead_leave.lua: taking messages out of the dead section (FORMAT.md, "Dead section"). Must not
-- know why one leaves.
--@include _commit
--@include _dead

-- entries that this call made holes, by offset
local made_holes = {}

local function is_hole(nth)
    local at = dead_entry_at(nth)
    return made_holes[at] or unpack('@dead.id', bytes_at(at, BYTES_dead_id)) == 0
end

-- take the message of an entry out of the span; at is its offset
local function take_out(at)
    local entry, dead_slots = (at - dead_at) / dead_entry_bytes, geometry.dead_slots
    local nth = (entry - queue.dead_head) % dead_slots
    local last = queue.dead_count + queue.dead_holes - 1
    queue.dead_count = queue.dead_count - 1
    front_changed = true
    if nth == 0 then
        queue.dead_head = (queue.dead_head + 1) % dead_slots
        while queue.dead_holes > 0 and is_hole(0) do
            queue.dead_head = (queue.dead_head + 1) % dead_slots
            queue.dead_holes = queue.dead_holes - 1
        end
    elseif nth == last then
        while queue.dead_holes > 0 and nth > 1 and is_hole(nth - 1) do
            nth = nth - 1
            queue.dead_holes = queue.dead_holes - 1
        end
    else
        put(at, pack('@dead.id', 0))
        made_holes[at] = true
        queue.dead_holes = queue.dead_holes + 1
    end
end
