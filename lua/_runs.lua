-- _runs.lua: packing runs {id u48, token u32, count u16} (FORMAT.md, "Outcome bytes, packed runs").
-- Knows their bytes; must not know verbs.
--@include _open

local run_format, run_bytes = '<I6I4H', 12

-- read packed runs, 1 to 4096 messages
local function unpack_runs(text)
    local runs, total = {}, 0
    if #text % run_bytes ~= 0 or #text > run_bytes * SLOTQ_CALL_MESSAGES_MAX then
        invalid('runs must be 1 to 4096 times 12 bytes')
    end
    for at = 1, #text, run_bytes do
        local id, token, count = unpack(run_format, text, at)
        if count == 0 then
            invalid('runs must have no run of 0 messages')
        end
        runs[#runs + 1] = {id = id, token = token, count = count}
        total = total + count
    end
    if total < 1 or total > SLOTQ_CALL_MESSAGES_MAX then
        invalid('runs must have 1 to 4096 messages in all')
    end
    return runs
end
