-- _ring.lua: places, where waiting clients are told one by one (FORMAT.md, "Places"): registering,
-- ringing, giving up. Knows rows and channels; must not know what a client waits for. Rows are
-- advisory: a server that refuses such a write has not refused the verb.

-- a script has room for 200 local names: those of this piece end with it
local rows = {}

do
    -- where the rows begin; places in each; the last row is of clients that wait for room; the
    -- command that tells
    local rows_at, places_count, publish

    -- set: of the queue, if it is a shard: its clients subscribe by SSUBSCRIBE where that exists
    function rows.open_rows(at, count, set)
        local version = redis['REDIS_VERSION_NUM']
        rows_at, places_count = at, count
        publish = set > 0 and version and version >= 458752 and 'SPUBLISH' or
            'PUBLISH'
    end

    -- where a row's cursor stands, and where a place of it
    local function row_at(row)
        return rows_at + row * (ROW_HEAD_BYTES + WANTS_BYTES * places_count)
    end

    local function place_at(row, place)
        return row_at(row) + ROW_HEAD_BYTES + WANTS_BYTES * place
    end

    local function read_bytes(at, length)
        return redis.call('GETRANGE', KEYS[1], string.format('%d', at),
            string.format('%d', at + length - 1))
    end

    function rows.write_bytes(at, bytes)
        redis.pcall('SETRANGE', KEYS[1], string.format('%d', at), bytes)
    end

    -- the cursor of a row, 0 if it is damaged, and the wants of its places as one string
    local function read_row(row)
        local bytes = read_bytes(row_at(row), ROW_HEAD_BYTES + WANTS_BYTES * places_count)
        local cursor = string.byte(bytes, 1)
        return cursor < places_count and cursor or 0, string.sub(bytes, ROW_HEAD_BYTES + 1)
    end

    local function write_row(row, cursor, wants)
        rows.write_bytes(row_at(row), string.char(cursor, 0) .. wants)
    end

    -- the first place from one on that is set, up to before another; or nil
    local function next_set(wants, from, before)
        local at = string.find(wants, '%Z', WANTS_BYTES * from + 1)
        local place = at and math.floor((at - 1) / WANTS_BYTES)
        return place and place < before and place or nil
    end

    -- the same, from a cursor on and then from the begin
    local function next_from(wants, cursor)
        return next_set(wants, cursor, places_count) or next_set(wants, 0, cursor)
    end

    local function wants_of(wants, place)
        local low, high = string.byte(wants, WANTS_BYTES * place + 1, WANTS_BYTES * place + 2)
        return low + 256 * high
    end

    local function without(wants, place)
        return string.sub(wants, 1, WANTS_BYTES * place) .. '\0\0' ..
            string.sub(wants, WANTS_BYTES * place + WANTS_BYTES + 1)
    end

    -- how many clients were told; an error (a user without the right) counts as one. what: 'wake
    -- ROW' if it is not given
    local function tell(place, row, what)
        local channel = string.format('slotq#%d:', place) .. KEYS[1]
        local heard = redis.pcall(publish, channel, what or string.format('wake %d', row))
        return type(heard) == 'number' and heard or 1
    end

    -- ring places of a group's row until `need` messages are wanted; true if no place is set then,
    -- and how many places with clients were rung
    function rows.ring(row, need, what)
        local cursor, wants = read_row(row)
        local rung, first = 0, cursor
        local place = next_from(wants, cursor)
        while place and need > 0 and rung < PLACES_RUNG_MAX do
            local wanted = wants_of(wants, place)
            wants = without(wants, place)
            cursor = place + 1 < places_count and place + 1 or 0
            if tell(place, row, what) > 0 then
                need, rung = need - wanted, rung + 1
            end
            first, place = nil, next_from(wants, cursor)
        end
        if not first then
            write_row(row, cursor, wants)
        end
        return not place, rung
    end

    -- true if no group has a limit: then a client that sleeps at a shard can take any message there
    function rows.serve_any(groups)
        local bytes = read_bytes(GROUPS_OFFSET, GROUP_BYTES * groups)
        for index = 0, groups - 1 do
            local at = GROUP_BYTES * index
            if string.find(string.sub(bytes, at + AT_limit_max_leased + 1,
                at + AT_limit_rate_tat_ms), '%Z') then
                return false
            end
        end
        return true
    end

    -- true if no place of a row is set
    function rows.is_empty(row)
        local _, wants = read_row(row)
        return not next_set(wants, 0, places_count)
    end

    -- ring each place of the room row that wants no more than the room; true if none is set then
    function rows.ring_room(row, room)
        local cursor, wants = read_row(row)
        local empty, changed = true, false
        local from = cursor
        for i = from, from + places_count - 1 do
            local place = i % places_count
            local wanted = wants_of(wants, place)
            if wanted > room then
                empty = false
            elseif wanted > 0 then
                wants = without(wants, place)
                cursor = place + 1 < places_count and place + 1 or 0
                changed = true
                if tell(place, row) > 0 then
                    room = room - wanted
                end
            end
        end
        if changed then
            write_row(row, cursor, wants)
        end
        return empty
    end

    -- tell the first place of a row, which stays set, that it should look
    function rows.nudge(row)
        local cursor, wants = read_row(row)
        local place = next_from(wants, cursor)
        while place and tell(place, row) == 0 do
            wants = without(wants, place)
            write_row(row, cursor, wants)
            place = next_from(wants, cursor)
        end
    end

    -- how many places are set from one on and before another
    local function count_set(wants, from, before)
        local count, place = 0, next_set(wants, from, before)
        while place do
            count, place = count + 1, next_set(wants, place + 1, before)
        end
        return count
    end

    -- a client will wait at its place: {1 if the place was set already, how many others of the row
    -- are, how many of these come before it, from the cursor on}
    function rows.register(row, place, wanted)
        local cursor, wants = read_row(row)
        local was = wants_of(wants, place)
        if was == 0 or wanted < was then
            rows.write_bytes(place_at(row, place), struct.pack('<H', wanted))
        end
        local below = count_set(wants, 0, place)
        local others = below + count_set(wants, place + 1, places_count)
        local before = count_set(wants, cursor, place >= cursor and place or places_count) +
            (place < cursor and below or 0)
        return {was > 0 and 1 or 0, others, before}
    end

    -- a client does not wait at its place any more: others that share it look again, or as it
    -- says; true if the place was set
    function rows.give_up(row, place, what)
        local at = place_at(row, place)
        local was = read_bytes(at, WANTS_BYTES) ~= '\0\0'
        if was then
            rows.write_bytes(at, '\0\0')
            tell(place, row, what)
        end
        return was
    end
end
