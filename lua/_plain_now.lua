-- _plain_now.lua: part of a plain path that has read the front: the time that the caller gave. If
-- the caller named the geometry that it knows, it must be the queue's: if it is not, given_now is
-- not a time, and the general path refuses.
local given_now = ARGV[1]
if plain_front and #given_now >= GEOMETRY_BYTES then
    local there = string.sub(plain_front, HEADER_BYTES + 1, GEOMETRY_END)
    if given_now == there then
        given_now = ''
    elseif string.sub(given_now, 1, GEOMETRY_BYTES) == there then
        given_now = string.sub(given_now, GEOMETRY_BYTES + 1)
    end
end
