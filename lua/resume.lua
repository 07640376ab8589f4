-- resume: allow pushes (1), reserves (2), or both (3) again
-- args: now what
-- reply: status OK
-- errors: INVALID NOQUEUE REMADE SHARDED CORRUPT VERSION
-- flags: allow-oom
--@include _pause

return answer(function()
    return pause('resume', false)
end)
