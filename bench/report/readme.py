# readme.py: the part of README.md on peers, from bench/results. Knows what stands there; the table
# is of overview.py.
import os

from figures import falls_behind
from machine import facts_of
from markdown import text_of, wrapped
from overview import RATE, chosen, overview_table
from raw import Results, part

RESULTS = "bench/results"
# Programs in machine.txt that are not called by their names.
TITLES = {"redis-server": "Redis", "node": "Node"}


def versions(results, facts):
    """Of each program that a contender measured here needs, in the order of machine.txt."""
    needed = {one.server for one in results.contenders.values()
              if not one.is_bound and results.takes_part("cycle", one.name)}
    return "".join(f", {TITLES.get(name, name)} {value.removeprefix('v')}"
                   for name, value in facts.items() if name in needed)


def caption(results, facts):
    kernel = facts.get("kernel", "").replace("-", " ").split(" ")
    flight = part(results.cycle_case(256), "flight")
    behind = any(falls_behind(results, one.name, RATE) for one in chosen(results))
    lines = [f"Push, take and finish: batches with {flight} in flight, or each verb of each "
             f"message a round trip; medians of {results.rounds_most} rounds in which all take "
             f"turns, on {facts.get('CPU', '')}, {' '.join(kernel[:2])}"
             f"{versions(results, facts)}; commit {facts.get('commit', '')}. p50 and p99: from "
             "when a message is due until a consumer has it"
             f"{'; behind: it takes fewer than come' if behind else ''}. Bold: the best of a "
             "column."]
    absent = [f"{one.name} ({one.absent})" for one in results.contenders.values() if one.absent]
    return lines + [f"Left out: {'; '.join(absent)}."] if absent else lines


def region():
    if not os.path.exists(f"{RESULTS}/raw.csv"):
        return "Not measured yet: `make bench`, then `make bench-publish`.\n"
    results = Results(RESULTS)
    lines = overview_table(results) + caption(results, facts_of(RESULTS))
    if os.path.exists(f"{RESULTS}/throughput.svg"):
        lines += ["", "![Messages a second through push, take and finish]"
                  f"({RESULTS}/throughput.svg)"]
    return text_of(wrapped(lines))
