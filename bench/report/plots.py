# plots.py: the plots of a folder of results, for each whose data is there, drawn by gnuplot where
# that is installed. Knows which figures a plot shows; how it looks stands in ../plots/NAME.gp.
#
# The data of a plot are lines of columns between tabs, in the order in which they are drawn.
import csv
import math
import os
import shutil
import subprocess
import sys
import tempfile

from figures import digits, falls_behind, median_of, rate_text, time_text
from overview import RATE, WEIGHT
from raw import part

KINDS = {"bound": 2, "ours": 1}  # all others are 0


def number(value):
    return "NaN" if value is None else f"{value:.6g}"


def line_of(one, *cells):
    return "\t".join([one.name, str(KINDS.get(one.role, 0)), *cells])


def ends_of(*values):
    """The least and the most of those that are known."""
    known = [value for value in values if value is not None]
    return [number(min(known)), number(max(known))]


def in_order(keyed):
    """Lines by their keys, the least first; a key of None is last."""
    return [line for _, line in sorted(
        keyed, key=lambda pair: math.inf if pair[0] is None else pair[0])]


def rate_of(results, one, case):
    ns = median_of(results, "cycle", one.name, case, "cycle_ns")
    return 1e9 / ns if ns else None


# ---- each plot's lines ----


def throughput(results):
    """name, kind, messages per second in batches, the same one at a time, both as text, ends"""
    keyed = []
    for one in results.contenders.values():
        rates = [rate_of(results, one, results.cycle_case(batch)) for batch in (256, 1)]
        if any(rates):
            texts = ["" if rate is None else rate_text(1e9 / rate) for rate in rates]
            keyed.append((None if rates[0] is None else -rates[0],
                          line_of(one, *map(number, rates), *texts, *ends_of(*rates))))
    return in_order(keyed)


def memory(results):
    """Of those with a server. name, kind, bytes ready, bytes leased, both as text, ends"""
    keyed = []
    for one in results.contenders.values():
        bytes_each = [median_of(results, "memory", one.name, WEIGHT, metric)
                      for metric in ("ready_bytes", "leased_bytes")]
        ready, leased = bytes_each
        if ready is not None and not one.is_embedded:
            texts = ["" if value is None else digits(value) for value in bytes_each]
            keyed.append((ready if leased is None else leased,
                          line_of(one, *map(number, bytes_each), *texts, *ends_of(*bytes_each))))
    return in_order(keyed)


def latency(results):
    """name, kind, p50, p99, p99.9, p50 as text, the last that is known"""
    keyed = []
    for one in results.contenders.values():
        quantiles = [median_of(results, "latency", one.name, RATE, metric)
                     for metric in ("p50_us", "p99_us", "p999_us")]
        if quantiles[0] is not None:
            text = time_text(1000 * quantiles[0])
            text += ", falls behind" if falls_behind(results, one.name, RATE) else ""
            last = [value for value in quantiles if value is not None][-1]
            keyed.append((quantiles[0],
                          line_of(one, *map(number, quantiles), text, number(last))))
    return in_order(keyed)


def length_of(results, one):
    """Lines of length and µs of push, take and finish together, at the first share leased."""
    cases = results.cases.get("growth", [])
    leased = part(cases[0], "leased") if cases else ""
    for case in cases:
        ns = median_of(results, "growth", one.name, case, "verbs_ns")
        if part(case, "leased") == leased and ns is not None:
            yield f"{part(case, 'length')}\t{number(ns / 1000)}"


def length(results):
    """A block for each contender with a server: its name, then its lines."""
    lines = []
    for one in in_length(results):
        lines += [f'"{one.name}"', *length_of(results, one), "", ""]
    return lines


def in_length(results):
    return [one for one in results.contenders.values()
            if not one.is_embedded and any(length_of(results, one))]


def cycle(path):
    """Of cycle.csv of bench_core: name, memcpy, push, reserve, ack, all in ns."""
    lines = []
    with open(path, encoding="utf-8", newline="") as rows:
        for row in list(csv.reader(rows))[1:]:
            name, batch, push, reserve, ack, whole = row[:6]
            name += "" if batch == "1" else f", {batch} per call"
            if push == "":
                cells = [whole, "0", "0", "0", whole]
            else:
                whole = f"{float(push) + float(reserve) + float(ack):.6g}"
                cells = ["0", push, reserve, ack, whole]
            lines.append("\t".join([name, *(f"{float(cell):.6g}" for cell in cells)]))
    return lines


# ---- drawing ----


def draw(folder, name, lines, settings=()):
    """A plot that cannot be drawn leaves no half of one, and does not end the report."""
    svg = os.path.join(folder, f"{name}.svg")
    if os.path.exists(svg):
        os.remove(svg)
    if not lines:
        return []
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as data:
        data.write("".join(line + "\n" for line in lines))
        data.flush()
        words = [("data", data.name), ("out", svg), *settings]
        done = subprocess.run(
            ["gnuplot", "-e", "; ".join(f"{key} = '{value}'" for key, value in words),
             f"bench/plots/{name}.gp"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [f"{name}.svg"]
    print(f"bench: {name}.svg could not be drawn\n{done.stdout}{done.stderr}", file=sys.stderr)
    if os.path.exists(svg):
        os.remove(svg)
    return []


def draw_all(folder, results):
    """The names of what was drawn."""
    if not shutil.which("gnuplot"):
        return []
    drawn = []
    for plot in (throughput, latency, memory):
        drawn += draw(folder, plot.__name__, plot(results))
    lines = in_length(results)
    drawn += draw(folder, "length", length(results),
                  [("tints", " ".join(one.colour or "#495057" for one in lines)),
                   ("roles", " ".join(one.role or "peer" for one in lines))])
    path = os.path.join(folder, "cycle.csv")
    return drawn + (draw(folder, "cycle", cycle(path)) if os.path.exists(path) else [])
