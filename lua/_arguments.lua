-- _arguments.lua: the begin of every script: refusing, numbers from ARGV, the time. Knows how a
-- script is called; must not know the bytes of the queue.

local key, call = KEYS[1], redis.call
local pack, unpack = struct.pack, struct.unpack
local integral = math.floor

-- a refusal leaves by error(), so that no computed change is written
local refusal

local function refuse(text)
    refusal = redis.error_reply(text)
    error(refusal, 0)
end

local function invalid(text)
    refuse('SLOTQINVALID ' .. text)
end

-- digits without a fraction or an exponent, however the server's Lua prints numbers
local function decimal(number)
    return string.format('%.0f', number)
end

local function number_of(text, name, least, most)
    local value = #text <= 15 and string.find(text, '^%d+$') and tonumber(text)
    if not value or value < least or value > most then
        invalid(name .. ' must be a whole number, ' .. decimal(least) .. ' to ' .. decimal(most))
    end
    return value
end

local function number(position, name, least, most)
    return number_of(ARGV[position], name, least, most)
end

-- an optional argument
local function flag(position, name)
    local text = ARGV[position] or ''
    if text ~= '' and text ~= '0' and text ~= '1' then
        invalid(name .. ' must be 0 or 1')
    end
    return text == '1'
end

-- the geometry that the caller knows, '' if it names none; the time of the call, once it is known
local known_geometry, clock_ms = '', nil

local function expect(usage, least, most)
    if #KEYS ~= 1 or #ARGV < least or #ARGV > most then
        invalid('usage: one key, then ' .. usage)
    end
    local now = ARGV[1]
    if #now >= GEOMETRY_BYTES and string.find(now, '^%D') then
        known_geometry = string.sub(now, 1, GEOMETRY_BYTES)
        now = string.sub(now, GEOMETRY_BYTES + 1)
    end
    if now ~= '' then
        clock_ms = number_of(now, 'now_ms', 0, SLOTQ_NOW_MS_MAX)
    end
end

-- the server's clock is read once, and only if the verb needs the time
local function time_ms()
    if not clock_ms then
        local time = call('TIME')
        clock_ms = tonumber(time[1]) * 1000 + integral(tonumber(time[2]) / 1000)
    end
    return clock_ms
end

-- what the caller of a verb on a shard owes to clients that sleep at the bell, or nil: it stands
-- before the reply of the verb (FORMAT.md, "The bell of shards")
local owed

-- run a verb: a refusal becomes its reply, an error of Redis is raised again. From Redis 7 on pcall
-- returns the text of an error instead of the table
local function answer(verb)
    local fine, reply = pcall(verb)
    if fine and owed then
        owed[5] = reply
        return owed
    elseif fine then
        return reply
    elseif refusal then
        return refusal
    elseif redis['REDIS_VERSION_NUM'] and type(reply) == 'string' then
        reply = {err = reply}
    end
    error(reply, 0)
end
