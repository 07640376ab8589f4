-- story.lua: one long story of verbs told to the bundled scripts under the shim, with the same
-- chance on every Lua: INTERPRETER story.lua FOLDER STEPS. A line a call: script, arguments in
-- hex, the reply; at last the value. Knows the scripts' arguments; judges nothing.

local folder, steps = arg[1], tonumber(arg[2])
local shim = dofile((string.match(arg[0], '^(.*/)') or './') .. 'shim.lua')

-- the same numbers wherever numbers are doubles or integers
local state = 20240301

local function below(limit)
    state = state * 16807 % 2147483647
    return state % limit
end

local function text_of(number)
    return string.format('%.0f', number)
end

local function bytes_of(value, width)
    local bytes = {}
    for i = 1, width do
        bytes[i] = string.char(value % 256)
        value = math.floor(value / 256)
    end
    return table.concat(bytes)
end

-- the counter of the last reply that asked for a nudge
local counter = 0

-- the queue is q; move has another, m, which begins as q does
local function say(script, ...)
    local arguments, words = {...}, {script}
    local other = script == 'move' and 'm' or nil
    local fine, reply = pcall(shim.run, folder, script, 'q', arguments, other)
    if not fine and type(reply) ~= 'table' then
        io.stderr:write(script, ': ', tostring(reply), '\n')
        os.exit(1)
    end
    for i, argument in ipairs(arguments) do
        words[i + 1] = shim.hex(argument)
    end
    print(table.concat(words, ' '):gsub(' +$', ' ') .. ' = ' .. shim.told(reply))
    local first = type(reply) == 'table' and reply[1]
    if type(first) == 'table' and first.ok == 'RING' then
        counter, reply = reply[2], reply[5]
    end
    return reply
end

-- the arguments of create: up to tick_ms, and aside_slots, places and note_bytes
local shapes = {
    {9, 16, 0, 3, 2, 20, 3, 100}, {5, 3, 2, 2, 1, 5, 0, 1}, {30, 7, 0, 4, 3, 24, 2, 1000},
    {2, 1, 0, 0, 1, 0, 1, 60000}, {17, 25, 30, 2, 2, 6, 62, 3}, {4, 5, 9, 2, 2, 0, 2, 20},
}
local rests = {{3, 4, 9}, {0, 0, 0}, {5, 2, 255}, {0, 0, 1}, {255, 255, 3}, {1, 1, 20}}

local now, shape, rest, places, held, killed, last_id, set

local function new_queue(number)
    shape, rest = shapes[number], rests[number]
    places, set = rest[2], number - 1 -- the first is alone
    held, killed, last_id = {}, {}, 0
    now = 1700000000000 + number * 16777216 * shape[8]
    shim.values.q = nil
    local texts = {}
    for _, values in ipairs({shape, rest, {4294967295, set, 0}}) do
        for _, value in ipairs(values) do
            texts[#texts + 1] = text_of(value)
        end
    end
    say('create', '', (table.unpack or unpack)(texts))
    shim.values.m = shim.values.q
end

local function time()
    return text_of(now)
end

-- whether a call waits, and its place, or none; 2 is a round over shards
local function waiting(may_look_around)
    if may_look_around and set > 0 and below(4) == 0 then
        return '2'
    end
    local waits = below(2) == 0 and '1' or ''
    if places > 0 and below(4) > 0 then
        return waits, text_of(below(places))
    end
    return waits
end

local function has_checks()
    return shape[6] % 4 >= 2
end

-- of a checks queue only the length is judged here, so any four bytes do for the sum
local function packed(count)
    local slots = {}
    for i = 1, count do
        local length = below(shape[2] + 1)
        local tick = math.floor(now / shape[8]) % 4294967296
        slots[i] = bytes_of(length, 2) .. (shape[6] >= 16 and bytes_of(tick, 4) or '') ..
            (has_checks() and 'sums' or '') .. string.rep(string.char(97 + below(26)), length) ..
            string.rep('\0', shape[2] - length)
    end
    return table.concat(slots)
end

local function key()
    return string.char(1 + below(3), below(2)) .. string.rep('k', 6)
end

local function mode()
    return ({'unique', 'once', 'resend'})[1 + below(3)]
end

local function push_keyed(count)
    if below(2) == 0 or has_checks() then
        local keys = {}
        for i = 1, count do
            keys[i] = below(4) == 0 and string.rep('\0', 8) or key()
        end
        return say('push_keyed_packed', time(), text_of(count), packed(count), mode(),
            table.concat(keys), waiting())
    end
    return say('push_keyed', time(), mode(), key(), string.rep('p', below(shape[2] + 1)))
end

local function push()
    local count = 1 + below(3)
    local reply
    if below(2) == 0 then
        reply = push_keyed(count)
    elseif below(2) == 0 or has_checks() then
        reply = say('push_packed', time(), text_of(count), packed(count), waiting())
    else
        reply = say('push', time(), string.rep('p', below(shape[2] + 1)))
        count = 1
    end
    if type(reply) == 'number' then
        last_id = reply + count - 1
    end
end

local function reserve()
    local group = text_of(below(shape[5]))
    local lease = text_of(1 + below(40 * shape[8]))
    if below(2) == 0 and not has_checks() then
        local reply = say('reserve', time(), group, text_of(1 + below(4)), lease, waiting(true))
        for i = 1, type(reply) == 'table' and #reply > 2 and #reply or 0, 4 do
            held[#held + 1] = {group = group, id = reply[i], token = reply[i + 1], count = 1}
        end
        return
    end
    local reply = say('reserve_packed', time(), group, text_of(1 + below(4)), lease, waiting(true))
    local runs = type(reply) == 'table' and type(reply[1]) == 'string' and reply[1] or ''
    for at = 1, #runs, 12 do
        local run = {group = group}
        run.id, run.token, run.count = shim.unpack('<I6I4H', string.sub(runs, at, at + 11))
        held[#held + 1] = run
    end
end

local function settle()
    local run = held[#held] and table.remove(held, 1 + below(#held))
    if not run then
        return
    end
    local verb = ({'ack', 'ack', 'nack', 'release', 'extend', 'kill', 'kill'})[1 + below(7)]
    local ms = (verb == 'extend' or verb == 'nack' and below(2) == 0) and
        text_of(1 + below(9 * shape[8])) or '0'
    if below(3) == 0 then
        run.token = run.token + 4
    end
    if verb == 'kill' then
        killed[#killed + 1] = run.id
    end
    local reason = text_of(below(256))
    local note = (verb == 'kill' or verb == 'nack') and below(2) == 0 and
        string.rep('n', below(rest[3] + 3)) or nil
    if below(2) == 0 then
        local runs = bytes_of(run.id, 6) .. bytes_of(run.token, 4) .. bytes_of(run.count, 2)
        say('settle_packed', time(), verb, run.group, ms, reason, runs, note)
    else
        say('settle', time(), verb, run.group, ms, reason, text_of(run.id), text_of(run.token),
            note and 'note', note)
    end
end

local function some_id()
    return text_of(math.max(0, last_id + 1 - below(shape[1] + 2)))
end

local function look()
    local group = text_of(below(shape[5]))
    local which = below(6)
    if which == 0 then
        say('stats', time(), group)
    elseif which == 1 then
        say('status', time(), group, some_id(), some_id())
    elseif which == 2 then
        say('peek', time(), group, '', '5')
    elseif which == 3 then
        say('peek_packed', time(), group, some_id(), '5')
    elseif which == 4 then
        say('dead_list', time(), '0', '5')
    else
        say('dead_list_packed', time(), '1', '5')
    end
end

-- what a client says that has looked at the dead messages: each is whole, or, one in four, damaged
local function judged_ids(from, to)
    local parts = {}
    for id = from, to do
        for group = 0, shape[5] - 1 do
            parts[#parts + 1] = bytes_of(id, 6) .. bytes_of(group, 1) ..
                bytes_of(below(4) == 0 and 1 or 0, 1)
        end
    end
    return table.concat(parts)
end

local function redrive_by_id()
    local id = killed[1 + below(math.max(#killed, 1))] or 1
    say('redrive', time(), '9', has_checks() and judged_ids(id, id) or '', text_of(id),
        below(2) == 0 and 'all' or text_of(below(shape[5])))
end

local function administer()
    local which = below(17)
    if which == 16 then
        say('finish', time())
    elseif which > 13 then
        say('dead_remove', time(), some_id(),
            which == 14 and 'all' or text_of(below(shape[5])))
    elseif which == 13 then
        say('unwait', time(), below(3) == 0 and 'room' or text_of(below(shape[5])),
            text_of(below(math.max(places, 1))))
    elseif which == 12 then
        say('limit', time(), text_of(below(shape[5])), text_of(1 + below(7)), text_of(below(4)),
            text_of(below(3) * 400000), text_of(below(3)))
    elseif which < 3 then
        say('remove', time(), some_id(), which == 0 and 'all' or text_of(below(shape[5])))
    elseif which < 5 then
        say('reclaim', time(), text_of(below(shape[5])))
    elseif which < 7 then
        say('redrive', time(), text_of(1 + below(3)), has_checks() and judged_ids(1, 9) or nil)
    elseif which == 7 then
        say('pause', time(), text_of(1 + below(7)))
    elseif which < 10 then
        say('resume', time(), '7')
    elseif which == 10 then
        say('dead_purge', time())
    else
        say('purge', time())
    end
end

local function wrong()
    say('push', 'now', 'x')
    say('reserve', time(), '99', '1', '1')
    say('status', time(), '0', '1.5')
    say('settle', time(), 'burn', '0', '0', '0', '1', '5')
end

local function move_clock()
    local kind = below(40)
    if kind < 12 then
        now = now + below(3 * shape[8])
    elseif kind < 16 then
        now = now + below(60 * shape[8])
    elseif kind == 16 then
        now = now + (8388608 + below(9000)) * shape[8]
    elseif kind == 17 then
        now = now - below(30 * shape[8])
    end
end

local function schedule()
    local due = text_of(now + below(50 * shape[8]) - below(3 * shape[8]))
    local not_past = ({'', '0', '1'})[1 + below(3)]
    if below(2) == 0 or has_checks() then
        local count = 1 + below(3)
        say('schedule_packed', time(), due, text_of(count), packed(count), not_past)
    elseif below(2) == 0 then
        say('schedule_keyed', time(), due, not_past, mode(), key(),
            string.rep('l', 1 + below(shape[2])))
    else
        say('schedule', time(), due, not_past, string.rep('l', 1 + below(shape[2])))
    end
end

local function scheduled()
    local which, id = below(6), text_of(1 + below(40))
    if which == 0 then
        say('cancel', time(), id)
    elseif which == 1 then
        say('kick', time(), id, 'later')
    elseif which == 2 then
        say('kick', time(), text_of(below(last_id + 2)), text_of(below(shape[5])))
    elseif which == 3 and not has_checks() then
        say('later_list', time(), text_of(below(9)), text_of(1 + below(9)))
    else
        say('later_list_packed', time(), text_of(below(9)), text_of(1 + below(9)))
    end
end

-- what consumers of a sharded queue do at the bell, and at a shard
local function bell()
    if below(3) == 0 then
        say('hush', time(), text_of(counter + below(2)))
    else
        say('nudge', time(), below(2) == 0 and 'all' or text_of(below(shape[5])),
            text_of(1 + below(3)), below(2) == 0 and 'round' or text_of(below(9)))
    end
end

-- the shard is deleted, and its name becomes that of a whole, which is changed and deleted
local function change()
    local begin = string.rep('\0', 8) .. 'SLQS'
    local one, two = begin .. string.rep('1', 32), begin .. string.rep('2', 32)
    say('delete', time(), text_of(math.max(set, 1)), '7')
    say('delete', time(), text_of(math.max(set, 1)), '0', '1')
    say('delete', time(), text_of(math.max(set, 1)), '0')
    say('change', time(), '', one)
    say('change', time(), '', two)
    say('change', time(), string.sub(one, 1, 32), two)
    say('change', time(), string.sub(one, 1, 32), one)
    say('push', time(), 'x')
    say('change', time(), string.sub(two, 1, 32), '')
end

local function find()
    say('find', time(), key())
end

-- of an older token now and then, which then is settled once more
local function move()
    local run = held[#held] and held[1 + below(#held)]
    if run then
        local key_of = shape[6] % 8 >= 4 and below(3) > 0 and key() or ''
        local form = below(2) == 0 and 'slot' or nil
        say('move', time(), '', run.group, text_of(run.id), text_of(run.token), key_of, form,
            form and packed(1))
    end
end

local moves = {push, push, push, reserve, reserve, reserve, settle, settle, settle, look, look,
    administer, redrive_by_id, schedule, scheduled, find,
    move, bell}

for number = 1, #shapes do
    new_queue(number)
    for _ = 1, math.floor(steps / #shapes) do
        move_clock()
        moves[1 + below(#moves)]()
    end
    wrong()
    print('value ' .. shim.hex(shim.values.q))
    print('other ' .. shim.hex(shim.values.m))
    print('published ' .. text_of(shim.published))
    change()
end
