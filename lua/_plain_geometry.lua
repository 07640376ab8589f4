-- _plain_geometry.lua: part of a plain path that has read the geometry: the stride, the offsets of
-- states, keys and ring, and whether the geometry is sound.
local stride = payload + LENGTH_BYTES
if flags % (2 * SLOTQ_FLAG_CHECKS) >= SLOTQ_FLAG_CHECKS then
    stride = stride + CHECK_BYTES
end
if flags >= SLOTQ_FLAG_STAMPS then
    stride = stride + STAMP_BYTES
end
local states_at = GROUPS_OFFSET + groups * GROUP_BYTES
local keys_at = states_at + groups * ring * WORD_BYTES
-- how many messages may have a key, 0 in a queue without; bytes of keys behind the ring
local ring_at, holders, more_keys = keys_at, 0, 0
if flags % (2 * SLOTQ_FLAG_KEYS) >= SLOTQ_FLAG_KEYS then
    holders = ring + aside + later
    ring_at = keys_at + ring * RING_KEY_BYTES + holders * BUCKET_BYTES
    more_keys = later * LATER_KEY_BYTES + aside * ASIDE_KEY_BYTES
end
local rows = places > 0 and (groups + 1) * (ROW_HEAD_BYTES + WANTS_BYTES * places) or 0
local served = magic == MAGIC_VERSION_1 and payload >= 1 and
    (places == 0 or flags % (2 * SLOTQ_FLAG_OVERWRITE) == 0) and
    groups >= 1 and groups <= SLOTQ_GROUPS_MAX and most <= SLOTQ_MAX_ATTEMPTS_MAX and
    tick_ms >= 1 and tick_ms <= SLOTQ_TICK_MS_MAX and
    flags <= SLOTQ_FLAGS_ALL and holders <= SLOTQ_RING_SLOTS_MAX and
    (aside == 0 or flags % (2 * SLOTQ_FLAG_OVERWRITE) < SLOTQ_FLAG_OVERWRITE and
        ring + aside <= SLOTQ_RING_SLOTS_MAX) and held <= aside and
    plain_size == ring_at + ring * stride + later * (LATER_ENTRY_BYTES + stride) +
        aside * (ASIDE_ENTRY_BYTES + groups * WORD_BYTES + stride) +
        dead * (DEAD_ENTRY_BYTES + note + stride) + rows + more_keys
