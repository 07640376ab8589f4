# readme.py: the part of README.md on peers, from bench/results. Knows what stands there; the table
# is of overview.py.
import os

from machine import facts_of
from markdown import text_of, wrapped
from overview import LEASED_TERM, chosen, narrow_table, speed_terms
from raw import Results

RESULTS = "bench/results"
# Programs in machine.txt that are not called by their names.
TITLES = {"redis-server": "Redis", "node": "Node"}


def versions(results, facts):
    """Of each program that a contender measured here needs, in the order of machine.txt."""
    needed = {one.server for one in results.contenders.values()
              if not one.is_bound and results.takes_part("cycle", one.name)}
    return "".join(f", {TITLES.get(name, name)} {value.removeprefix('v')}"
                   for name, value in facts.items() if name in needed)


def conditions(results, facts):
    kernel = facts.get("kernel", "").replace("-", " ").split(" ")
    lines = [f"Medians of {results.rounds_most} interleaved rounds on {facts.get('CPU', '')}, "
             f"{' '.join(kernel[:2])}{versions(results, facts)}; commit "
             f"{facts.get('commit', '')}. Bold: the best of a column."]
    absent = [f"{one.name} ({one.absent})" for one in results.contenders.values() if one.absent]
    return lines + [f"Not measured: {'; '.join(absent)}."] if absent else lines


def contenders(results):
    """What each is; contenders of which the same is said stand together."""
    names = {}
    shown = chosen(results)
    for one in results.contenders.values():
        if one.about and (one in shown or one.beside in [other.name for other in shown]):
            names.setdefault(one.about, []).append(f"**{one.name}**")
    known = "; ".join(f"{', '.join(same)}: {about}" for about, same in names.items())
    return [f"What they are: {known}. A bound, in the plot, is not a queue: it does only a part of "
            "the work that every queue must do."] if known else []


def region():
    if not os.path.exists(f"{RESULTS}/raw.csv"):
        return "Not measured yet: `make bench`, then `make bench-publish`.\n"
    results = Results(RESULTS)
    lines = [*narrow_table(results), *speed_terms(results), LEASED_TERM, "",
             *conditions(results, facts_of(RESULTS)), "", *contenders(results)]
    if os.path.exists(f"{RESULTS}/throughput.svg"):
        lines += ["", "![Messages per second through push, reserve and ack]"
                  f"({RESULTS}/throughput.svg)"]
    return text_of(wrapped(lines))
