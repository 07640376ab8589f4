-- find: where the message with a key is; changes nothing
-- args: now key
-- reply: array: OK or NOTFOUND, place (0 ring, 1 aside, 2 scheduled), id, 1 if it is unfinished
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: no-writes
--@include _keys
--@include _keyed

return answer(function()
    expect('find KEY now key', 2, 2)
    open()
    local keyed = expect_keys('once', 1, function()
        return ARGV[2]
    end)
    if not keyed then
        invalid('a key must have 8 bytes, of which the first is not 0')
    end
    keys.define()
    return keys.find(keyed[1])
end)
