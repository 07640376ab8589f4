-- _keyed.lua: the keys that a client sent with its messages, and their limits (FORMAT.md, "Judging
-- keys"). Knows arguments and the geometry; must not know where keys are kept.
--@include _open

local key_modes = {unique = true, once = true, resend = true}

-- the keys of count messages in a mode: key_of_message(i) is 8 bytes, or ''. Returns count, mode
-- and, by message from 1, the keys; nil if no message has one
local function expect_keys(mode, count, key_of_message)
    local keyed, with_key, seen = {mode = mode, count = count}, 0, {}
    for i = 1, count do
        local bytes = key_of_message(i)
        if bytes ~= '' then
            if #bytes ~= KEY_BYTES or string.byte(bytes) == 0 then
                invalid('a key must have 8 bytes, of which the first is not 0')
            elseif seen[bytes] then
                invalid('two messages must not have the same key')
            end
            seen[bytes], keyed[i], with_key = true, bytes, with_key + 1
        end
    end
    if with_key == 0 then
        return nil
    elseif not key_modes[mode] then
        invalid('mode must be unique, once or resend')
    elseif keys.holders == 0 then
        invalid('the queue has no keys: create it with flag 4')
    elseif with_key > SLOTQ_CALL_KEYS_MAX then
        invalid('at most 256 messages of a call must have keys')
    elseif mode == 'resend' and not keyed[1] then
        invalid('the first message must have a key in the mode resend')
    end
    return keyed
end

-- the same for keys that are one string, 8 bytes a message, all 0 for none
local function expect_packed_keys(mode, count, bytes)
    if #bytes ~= count * KEY_BYTES then
        invalid('keys must have n times 8 bytes')
    end
    local none = string.rep('\0', KEY_BYTES)
    return expect_keys(mode, count, function(i)
        local one = string.sub(bytes, (i - 1) * KEY_BYTES + 1, i * KEY_BYTES)
        return one == none and '' or one
    end)
end

-- each message is two arguments from a place on: its key, or '' for none, and its payload
local function expect_pairs(place)
    if (#ARGV - place) % 2 == 0 then
        invalid('a payload must follow each key')
    end
end

-- the keys of such messages
local function expect_key_arguments(mode, place, count)
    return expect_keys(mode, count, function(i)
        return ARGV[place + 2 * i - 2]
    end)
end
