-- _plain_push_ring.lua: rings places after a plain push, and ends it. Knows what _plain_push left;
-- must not know the queue.
--@include _ring
if plain_rest then
    local wake, empty = plain_rest.wake, true
    rows.open_rows(plain_rest.rows_at, plain_rest.places, plain_rest.set)
    if wake % 2 == WAKE_FOR_MESSAGE then
        if plain_rest.shard and rows.serve_any(plain_rest.groups) then
            plain_rest.shard[3] = 1
        end
        for group = 0, plain_rest.groups - 1 do
            empty = rows.ring(group, plain_rest.count) and empty
        end
        wake = empty and wake - WAKE_FOR_MESSAGE or wake
    end
    if wake % (2 * WAKE_FOR_ROOM) >= WAKE_FOR_ROOM and
        rows.ring_room(plain_rest.groups, plain_rest.room) then
        wake = wake - WAKE_FOR_ROOM
    end
    if wake ~= plain_rest.wake then
        rows.write_bytes(AT_shared_wake, string.char(wake))
    end
    return plain_rest.reply
end
