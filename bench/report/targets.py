# targets.py: whether raw.csv holds what targets.tsv demands. Knows how each kind of target is
# measured; the contenders and the limits stand in targets.tsv.
#
# Each target is judged by one figure of every round; their median is held against the limit.
import os

from figures import (Sample, digits, growth_of, median_of, ratio_of, sample_of, spread)
from markdown import Table
from raw import part

RATE = "rate=10000 consumers=1"
WEIGHT = "messages=10000 payload=32"
LONG = "65534"


def speed(results, _, peer):
    """The full cycle in batches."""
    case = results.cycle_case(256)
    return ratio_of(results, "cycle", peer, results.ours("cycle"), case, "cycle_ns")


def leased_bytes(results, _, peer):
    return ratio_of(results, "memory", peer, results.ours("memory"), WEIGHT, "leased_bytes")


def latency(results, metric, peer):
    return ratio_of(results, "latency", results.ours("latency"), peer, RATE, metric)


def latency_and_trip(results, metric, peers):
    """Of a peer's latency and one round trip together. The trip is that of a bound with nothing
    else on the way: at a rate, a trip that comes late would count from when it was due."""
    peer, trip = peers.split("+")
    trip_ns = median_of(results, "cycle", trip, results.cycle_case(1), "push_ns")
    if not trip_ns:
        return Sample([])
    theirs = results.rounds("latency", peer, RATE, metric)
    ours = results.rounds("latency", results.ours("latency"), RATE, metric)
    return Sample(value / (theirs[turn] + trip_ns / 1000)
                  for turn, value in ours.items() if turn in theirs)


def long_cases(results):
    return [case for case in results.cases.get("growth", []) if part(case, "length") == LONG]


def worst_of(samples):
    worst = Sample([])
    for sample in samples:
        if sample and sample.median > (worst.median if worst else 0):
            worst = sample
    return worst


def growth(results, metric, _):
    """A long queue beside one of 10 messages: the worst of all shares that are leased."""
    ours = results.ours("growth")
    return worst_of(growth_of(results, ours, case, f"length=10 leased={part(case, 'leased')}",
                              metric) for case in long_cases(results))


def server_time(results, metric, _):
    ours = results.ours("growth")
    return worst_of(sample_of(results, "growth", ours, case, metric)
                    for case in long_cases(results))


KINDS = {"speed": speed, "leased bytes": leased_bytes, "latency": latency,
         "latency and trip": latency_and_trip, "growth": growth, "server time": server_time}


def targets_of(path):
    """Rows of targets.tsv; lines that begin with # are its explanation."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#") and line.strip():
                yield line.rstrip("\n").split("\t")


def verdict(sample, is_least, limit):
    if not sample:
        return ["", "", "not measured"]
    is_met = sample.median >= limit if is_least else sample.median <= limit
    return [spread(sample), "met" if is_met else "**MISSED**"]


def table_of_targets(results):
    flight = part(results.cycle_case(256), "flight")
    in_flight = f", {flight} in flight" if flight and int(flight) > 1 else ""
    table = Table(["target", "aim", "measured", "min–max", ""], (0, 4))
    here = os.path.dirname(os.path.abspath(__file__))
    for kind, metric, peer, aim, unit, text in targets_of(os.path.join(here, "targets.tsv")):
        sample = KINDS[kind](results, metric, peer)
        is_least, limit = aim[:2] == ">=", float(aim[2:])
        unit = " " + unit if unit else ""
        row = [text.replace("{in flight}", in_flight), aim + unit]
        row += [digits(sample.median) + unit] if sample else []
        table.add(row + verdict(sample, is_least, limit))
    return table.lines()
