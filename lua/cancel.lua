-- cancel: take a scheduled message out, by its later id
-- args: now id
-- reply: status OK or NOTFOUND
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _later
--@include _keys

return answer(function()
    expect('cancel KEY now id', 2, 2)
    local id = number(2, 'id', 1, 281474976710655)
    open()
    later.open()
    local place = later.find(id)
    if place then
        if keys.holders > 0 then
            later.at(place)
            local _, slot = later.slot_of(place)
            keys.define()
            keys.free(keys.of_later(slot))
        end
        later.take_out(place)
        commit()
    end
    return redis.status_reply(place and 'OK' or 'NOTFOUND')
end)
