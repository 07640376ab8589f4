"""check_zones.py: every time zone of this machine as print_zone says it, beside Python's zoneinfo:
check_zones.py PRINT_ZONE. Around each change by a second, and every few days; a change that one of
them lacks is seen by either."""

import bisect
import datetime
import os
import subprocess
import sys
import zoneinfo

DAY_S = 86400
END_S = int(datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
LISTED_END_S = int(datetime.datetime(2038, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
EPOCH = datetime.datetime(1970, 1, 1)


def offset_of(zone, utc_s):
    """Seconds east of UTC."""
    moment = (EPOCH + datetime.timedelta(seconds=utc_s)).replace(tzinfo=zone)
    shown = zone.fromutc(moment)
    return int(shown.utcoffset().total_seconds())


def names_of_files():
    """One name of each file; most have several."""
    seen = {}
    for name in sorted(zoneinfo.available_timezones()):
        for folder in zoneinfo.TZPATH:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    seen.setdefault(file.read(), name)
                break
    return sorted(seen.values())


def stretches_of(program, names):
    """Of each name: when its stretches begin, and their offsets."""
    printed = subprocess.run([program, *names], check=True, stdout=subprocess.PIPE, text=True)
    found = {}
    for line in printed.stdout.splitlines():
        name, begin, offset = line.split()
        begins, offsets = found.setdefault(name, ([], []))
        begins.append(int(begin))
        offsets.append(int(offset))
    return found


def moments(begins):
    """Where to look."""
    for begin in begins[1:]:
        yield from (begin - 1, begin, begin + 1)
    yield from range(0, LISTED_END_S, 8 * DAY_S)
    yield from range(LISTED_END_S, END_S, 30 * DAY_S)


def main():
    """Prints each zone that differs, and the sum."""
    names = names_of_files()
    found = stretches_of(sys.argv[1], names)
    looked = 0
    different = 0
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        begins, offsets = found[name]
        for moment in moments(begins):
            ours = offsets[bisect.bisect_right(begins, moment) - 1]
            theirs = offset_of(zone, moment)
            looked += 1
            if ours != theirs:
                print(f"{name} at {moment}: {ours}, in Python {theirs}")
                different += 1
                break
    print(f"{len(names)} zones, {looked} moments, {different} different")
    return 1 if different or not names else 0


sys.exit(main())
