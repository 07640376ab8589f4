-- hush: clear the bit "ring the bell" of a shard, if no reserve of a round has come since
-- args: now counter
-- reply: 1 if the counter is that of `wake`, else 0: nothing was changed
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _open

return answer(function()
    expect('hush KEY now counter', 2, 2)
    local counter = number(2, 'counter', 0, 536870911)
    open()
    if integral(queue.wake / WAKE_COUNT_ONE) ~= counter then
        return 0
    end
    if queue.wake % (2 * WAKE_RING_BELL) >= WAKE_RING_BELL then
        call('SETRANGE', key, OFFSET_OF_WAKE,
            string.char(queue.wake % 256 - WAKE_RING_BELL))
    end
    return 1
end)
