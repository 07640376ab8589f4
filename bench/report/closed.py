# closed.py: the tables of closed load: push, reserve and ack, with a server and without. Knows what
# a cycle is; medians are of figures.py.
from figures import digits, rate_spread, rate_text, ratio_of, sample_of
from markdown import Table
from raw import part
from shares import name_of, ratio_cells, share_cells, share_titles

METRICS = ("push_ns", "take_ns", "cycle_ns")


def case_text(case):
    if part(case, "batch") == "1":
        return f"one at a time, {part(case, 'payload')} bytes"
    return (f"batches of {part(case, 'batch')}, {part(case, 'flight')} in flight, "
            f"{part(case, 'payload')} bytes")


def speed_cells(results, family, case, name):
    samples = [sample_of(results, family, name, case, metric) for metric in METRICS]
    return [*(rate_text(sample.median) if sample else "" for sample in samples),
            rate_spread(samples[-1])]


def cycle_row(results, family, case, one, faster):
    base = results.base_of(family, one)
    cells = [name_of(one), *speed_cells(results, family, case, one.name)]
    if family == "embedded":
        cells.append("" if one.name == base else base)
    return (cells + ratio_cells(results, family, case, "cycle_ns", one, faster) +
            share_cells(results, family, case, "cycle_ns", one))


def rows_from_elsewhere(results, family, case):
    """Contenders with a server that are shown beside those without, since a reader may choose
    between them: column also of contenders.tsv."""
    for one in results.contenders.values():
        if one.also != family:
            continue
        for other in results.cases.get("cycle", []):
            if (part(other, "batch") == part(case, "batch") and
                    part(other, "payload") == part(case, "payload") and
                    part(other, "flight") == "1" and
                    results.has("cycle", one.name, other, "cycle_ns")):
                yield [f"{one.name}, through its server",
                       *speed_cells(results, "cycle", other, one.name)]


def cycle_table(results, family, case):
    beside = ["compared with"] if family == "embedded" else []
    table = Table([case_text(case), "push/s", "reserve + ack/s", "full cycle/s", "min–max",
                   *beside, "slotq: times as fast", "min–max",
                   *share_titles(results, family, case, "cycle_ns")])
    faster = []
    for one in results.all_in(family, case, "cycle_ns"):
        table.add(cycle_row(results, family, case, one, faster))
    for row in rows_from_elsewhere(results, family, case):
        table.add(row)
    lines = table.lines()
    if lines and faster:
        lines += [f"Faster than the slotq that it is compared with: {', '.join(faster)}.", ""]
    return lines


def overview(results, family):
    """How many times as fast as each peer slotq is, all cases at a glance."""
    cases = results.cases[family]
    table = Table(["full cycle: slotq is N times as fast",
                   *(f"{part(case, 'batch')} × {part(case, 'flight')}, {part(case, 'payload')} B"
                     for case in cases)])
    for one in results.contenders.values():
        base = results.base_of(family, one)
        if results.takes_part(family, one.name) and one.name != base:
            samples = [ratio_of(results, family, one.name, base, case, "cycle_ns")
                       for case in cases]
            table.add([one.name, *(digits(sample.median) if sample else "" for sample in samples)])
    lines = table.lines()
    return lines + ["Columns: messages per call × calls in flight, payload.", ""] if lines else []


def closed_tables(results, family):
    cases = results.cases[family]
    lines = overview(results, family) if len(cases) > 2 else []
    for case in cases:
        lines += cycle_table(results, family, case)
    return lines
