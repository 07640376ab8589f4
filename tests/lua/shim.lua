-- shim.lua: enough of a Redis for the bundled scripts: redis.*, struct, bit, strings by key, in
-- Lua 5.1 and 5.4 alike. As strict as the strictest server: in 5.4 what struct reads is a float,
-- and a float that leaves a script as argument or reply is an error.

local shim = {values = {}, published = 0}

local is_float = math.type and function(value)
    return math.type(value) == 'float'
end or function()
    return false
end

-- ---- struct ----

local function read_format(format)
    local items, at = {}, 1
    while at <= #format do
        local letter, digits = string.match(format, '^(%a)(%d*)', at)
        if letter then
            items[#items + 1] = {letter, tonumber(digits)}
            at = at + 1 + #digits
        elseif string.sub(format, at, at) == '<' then
            at = at + 1
        else
            error('shim: format ' .. format)
        end
    end
    return items
end

local widths = {B = 1, H = 2, I = 4}

local function width_of(item)
    local width = widths[item[1]]
    if item[1] == 'I' and item[2] then
        return item[2]
    elseif not width or item[2] then
        error('shim: format ' .. item[1] .. (item[2] or ''))
    end
    return width
end

local function pack_number(value, width)
    if type(value) ~= 'number' or value ~= value then
        error('shim: not a number to pack')
    end
    local bytes = {}
    value = value < 0 and math.ceil(value) or math.floor(value)
    for i = 1, width do
        bytes[i] = string.char(value % 256)
        value = math.floor(value / 256)
    end
    return table.concat(bytes)
end

local struct = {}

function struct.pack(format, ...)
    local parts, given, used = {}, {...}, 0
    for _, item in ipairs(read_format(format)) do
        if item[1] == 'x' then
            parts[#parts + 1] = '\0'
        elseif item[1] == 'c' then
            used = used + 1
            local size = item[2] == 0 and #given[used] or item[2]
            assert(#given[used] >= size, 'shim: string too short')
            parts[#parts + 1] = string.sub(given[used], 1, size)
        else
            used = used + 1
            parts[#parts + 1] = pack_number(given[used], width_of(item))
        end
    end
    return table.concat(parts)
end

-- the numbers that a server reads are C doubles
local function unpack_number(bytes, at, width)
    local value = 0.0
    for i = at + width - 1, at, -1 do
        value = value * 256 + string.byte(bytes, i)
    end
    return value
end

function struct.unpack(format, bytes, at)
    local values = {}
    at = at and math.floor(at) or 1
    for _, item in ipairs(read_format(format)) do
        local width = (item[1] == 'x' and 1) or (item[1] == 'c' and item[2]) or width_of(item)
        if at + width - 1 > #bytes then
            error('shim: data string too short')
        end
        if item[1] == 'c' then
            values[#values + 1] = string.sub(bytes, at, at + width - 1)
        elseif item[1] ~= 'x' then
            values[#values + 1] = unpack_number(bytes, at, width)
        end
        at = at + width
    end
    values[#values + 1] = at
    return (table.unpack or unpack)(values)
end

function struct.size(format)
    local size = 0
    for _, item in ipairs(read_format(format)) do
        size = size + ((item[1] == 'x' and 1) or (item[1] == 'c' and item[2]) or width_of(item))
    end
    return size
end

-- ---- bit: results from -2^31 to 2^31 - 1, as servers give them ----

local bit = {}

local function to_32(value)
    value = math.floor(value) % 4294967296
    return value
end

local function signed(value)
    return value >= 2147483648 and value - 4294967296 or value
end

local function by_bits(first, second, chosen)
    local result, weight = 0, 1
    first, second = to_32(first), to_32(second)
    for _ = 1, 32 do
        if chosen(first % 2, second % 2) then
            result = result + weight
        end
        first, second = math.floor(first / 2), math.floor(second / 2)
        weight = weight * 2
    end
    return signed(result)
end

function bit.band(first, second)
    return by_bits(first, second, function(a, b) return a == 1 and b == 1 end)
end

function bit.bor(first, second)
    return by_bits(first, second, function(a, b) return a == 1 or b == 1 end)
end

function bit.bxor(first, second)
    return by_bits(first, second, function(a, b) return a ~= b end)
end

function bit.bnot(value)
    return signed(4294967295 - to_32(value))
end

function bit.tobit(value)
    return signed(to_32(value))
end

function bit.lshift(value, by)
    return signed(to_32(value) * 2 ^ (by % 32) % 4294967296)
end

function bit.rshift(value, by)
    return signed(math.floor(to_32(value) / 2 ^ (by % 32)))
end

function bit.rol(value, by)
    value, by = to_32(value), by % 32
    return signed((value * 2 ^ by % 4294967296) + math.floor(value / 2 ^ (32 - by)))
end

function bit.ror(value, by)
    return bit.rol(value, 32 - by % 32)
end

-- ---- redis ----

local commands = {}
local values = shim.values

local function offset(text)
    assert(string.find(text, '^-?%d+$'), 'shim: not an integer: ' .. text)
    return tonumber(text)
end

function commands.STRLEN(key)
    return #(values[key] or '')
end

function commands.EXISTS(key)
    return values[key] and 1 or 0
end

function commands.GET(key)
    return values[key] or false
end

function commands.SET(key, value, ...)
    if select('#', ...) > 0 and not (select('#', ...) == 1 and string.upper((...)) == 'NX') then
        error('shim: SET with options')
    elseif select('#', ...) == 1 and values[key] then
        return false
    end
    values[key] = value
    return {ok = 'OK'}
end

function commands.UNLINK(key)
    local there = values[key] and 1 or 0
    values[key] = nil
    return there
end

function commands.GETRANGE(key, first, last)
    local value = values[key] or ''
    first, last = offset(first), offset(last)
    first = first < 0 and math.max(#value + first, 0) or first
    last = last < 0 and #value + last or last
    return string.sub(value, first + 1, last + 1)
end

function commands.SETRANGE(key, at, bytes)
    local value = values[key] or ''
    at = offset(at)
    if bytes == '' then
        return #value
    end
    value = value .. string.rep('\0', at - #value)
    values[key] = string.sub(value, 1, at) .. bytes .. string.sub(value, at + #bytes + 1)
    return #values[key]
end

function commands.TYPE(key)
    return {ok = values[key] and 'string' or 'none'}
end

function commands.TIME()
    return {'1700000000', '123456'}
end

function commands.PUBLISH(channel)
    assert(string.find(channel, '^slotq#?%d*:q$'), 'shim: no channel of a queue: ' .. channel)
    shim.published = shim.published + 1
    return 0
end

local function argument(value)
    if type(value) == 'number' then
        assert(not is_float(value), 'shim: a float as argument: ' .. tostring(value))
        return math.type and tostring(value) or string.format('%.17g', value)
    end
    assert(type(value) == 'string', 'shim: an argument of type ' .. type(value))
    return value
end

local redis = {}

function redis.call(name, ...)
    local command = commands[string.upper(name)]
    local given = {...}
    assert(command, 'shim: no command ' .. name)
    for i = 1, select('#', ...) do
        given[i] = argument(given[i])
    end
    return command((table.unpack or unpack)(given))
end

function redis.pcall(name, ...)
    local fine, reply = pcall(redis.call, name, ...)
    return fine and reply or {err = tostring(reply)}
end

function redis.error_reply(text)
    return {err = text}
end

function redis.status_reply(text)
    return {ok = text}
end

-- ---- running ----

local function sandbox(keys, arguments)
    local world = {
        redis = redis, struct = struct, bit = bit, string = string, table = table, math = math,
        pcall = pcall, error = error, assert = assert, type = type, tostring = tostring,
        tonumber = tonumber, ipairs = ipairs, pairs = pairs, next = next, select = select,
        unpack = unpack, setmetatable = setmetatable, getmetatable = getmetatable,
        rawget = rawget, rawset = rawset, KEYS = keys, ARGV = arguments,
    }
    return setmetatable({}, {
        __index = function(_, name)
            return world[name] or error('shim: global ' .. tostring(name), 2)
        end,
        __newindex = function(_, name)
            error('shim: a script sets the global ' .. tostring(name), 2)
        end,
    })
end

local sources = {}

local function source_of(folder, name)
    if not sources[name] then
        local file = assert(io.open(folder .. '/' .. name .. '.lua', 'rb'))
        sources[name] = file:read('*a')
        file:close()
    end
    return sources[name]
end

-- what the script returns, as it returned it; other: a second key, or nil
function shim.run(folder, name, key, arguments, other)
    local world = sandbox({key, other}, arguments)
    local text = source_of(folder, name)
    local body
    if setfenv then
        body = setfenv(assert(loadstring(text, '=' .. name)), world)
    else
        body = assert(load(text, '=' .. name, 't', world))
    end
    return body()
end

function shim.hex(text)
    return (string.gsub(text, '.', function(letter)
        return string.format('%02x', string.byte(letter))
    end))
end

-- a reply as a client would see it, in one word
function shim.told(reply)
    if type(reply) == 'number' then
        assert(not is_float(reply), 'shim: a float as reply: ' .. tostring(reply))
        return ':' .. string.format('%.0f', reply)
    elseif type(reply) == 'string' then
        return '$' .. shim.hex(reply)
    elseif not reply then
        return '_'
    elseif reply == true then
        return ':1'
    elseif reply.err then
        return '-' .. string.gsub(reply.err, ' ', '.')
    elseif reply.ok then
        return '+' .. string.gsub(reply.ok, ' ', '.')
    end
    local items = {}
    for i = 1, #reply do
        if reply[i] == nil then
            break
        end
        items[i] = shim.told(reply[i])
    end
    return '[' .. table.concat(items, ',') .. ']'
end

shim.unpack = struct.unpack

return shim
