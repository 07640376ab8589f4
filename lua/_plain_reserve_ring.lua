-- _plain_reserve_ring.lua: registers or gives up the caller's place after a plain reserve, hands
-- over what it left, and ends it. Knows what _plain_reserve left; must not know the queue.
--@include _ring
if plain_rest then
    local group, place, due_ms = tonumber(ARGV[2]), tonumber(ARGV[6]), plain_rest.due_ms
    rows.open_rows(plain_rest.rows_at, plain_rest.places, plain_rest.set)
    if plain_rest.reply then
        if place then
            rows.give_up(group, place)
        end
        if plain_rest.left > 0 then
            rows.ring(group, 1)
        end
        return plain_rest.reply
    end
    local reply = rows.register(group, place, tonumber(ARGV[3]))
    if plain_rest.wake % 2 == 0 then
        rows.write_bytes(AT_shared_wake, string.char(plain_rest.wake + WAKE_FOR_MESSAGE))
    end
    if due_ms >= 0 then
        due_ms = due_ms + PLACES_RANK_MS * reply[3]
    end
    return {due_ms, reply[1], reply[2], reply[3]}
end
