-- find: where the message with a key is; changes nothing
-- args: now key
-- reply: array: OK or NOTFOUND, place (0 ring, 1 aside, 2 scheduled), id, 1 if it is unfinished
-- errors: INVALID NOQUEUE REMADE CORRUPT VERSION
-- flags: no-writes
--@include _open

return answer(function()
    expect('find KEY now key', 2, 2)
    open()
    invalid('placeholder')
end)
