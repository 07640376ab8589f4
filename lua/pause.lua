-- pause: refuse pushes (1), reserves (2), or close the queue (4); or a sum of these
-- args: now what
-- reply: status OK
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _pause

return answer(function()
    return pause('pause', true)
end)
