-- _plain_window.lua: part of a plain path that has read the front and a group's block: the
-- distances between the group's positions, and whether they are sound and the era is stored.
--@include _plain_geometry
local span, used, known = (tail - head) % ring, (tail - least) % ring, (written - head) % ring
local taken, behind = (cursor - head) % ring, (retry_from - head) % ring
local newest = (era - era % 2) * 2147483648 + last_id
local sound = served and group < groups and
    least < ring and tail < ring and head < ring and cursor < ring and written < ring and
    retry_from < ring and (head - least) % ring + span == used and used <= last_id and
    taken <= known and known <= span and behind <= taken and
    (ready > 0 or retry_from == cursor) and
    (sweep == SWEEP_NONE or sweep < ring and (sweep - head) % ring <= taken) and
    ready + leased + waiting <= taken + held and
    last_id >= 2147483648 * (era % 2) and last_id < 2147483648 * (1 + era % 2)
