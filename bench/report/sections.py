# sections.py: the sections of report.md that come from raw.csv, one family after the other. Knows
# their order and titles; closed load is in closed.py, small tables are here.
import re

from closed import closed_tables
from figures import (digits, falls_behind, growth_of, median_of, percent, ratio_of, sample_of,
                     spread, time_spread, time_text)
from markdown import Table
from raw import part
from shares import name_of, ratio_cells, share_cells, share_titles


# ---- latency ----


def delay(sample):
    return time_text(1000 * sample.median) if sample else ""


def latency_row(results, case, one, faster):
    samples = {metric: sample_of(results, "latency", one.name, case, metric)
               for metric in ("p50_us", "p90_us", "p99_us", "p999_us")}
    return [name_of(one), delay(samples["p50_us"]), time_spread(samples["p50_us"]),
            delay(samples["p90_us"]), delay(samples["p99_us"]), time_spread(samples["p99_us"]),
            delay(samples["p999_us"]),
            *ratio_cells(results, "latency", case, "p50_us", one, faster),
            *share_cells(results, "latency", case, "p50_us", one)]


def latency_table(results, case):
    consumers = part(case, "consumers")
    table = Table([f"{part(case, 'rate')} messages/s, {consumers} consumer" +
                   ("" if consumers == "1" else "s"),
                   "p50", "min–max", "p90", "p99", "min–max", "p99.9", "p50: times slotq",
                   "min–max", *share_titles(results, "latency", case, "p50_us")])
    faster = []
    for one in results.all_in("latency", case, "p50_us"):
        table.add(latency_row(results, case, one, faster))
    lines = table.lines()
    if lines and faster:
        lines += [f"Lower latency than slotq: {', '.join(faster)}.", ""]
    behind = [one.name for one in results.all_in("latency", case, "p50_us")
              if falls_behind(results, one.name, case)]
    if behind:
        lines += ["Slower than this rate, so latency grew during the whole run: "
                  f"{', '.join(behind)}.", ""]
    return lines


def latency_tables(results):
    return [line for case in results.cases["latency"] for line in latency_table(results, case)]


# ---- memory ----


def memory_row(results, case, one):
    base = results.ours("memory")
    ready = median_of(results, "memory", one.name, case, "ready_bytes")
    leased = median_of(results, "memory", one.name, case, "leased_bytes")
    cells = [name_of(one), digits(ready), "–" if leased is None else digits(leased)]
    for metric in ("ready_bytes", "leased_bytes"):
        sample = ratio_of(results, "memory", one.name, base, case, metric)
        cells.append(digits(sample.median) if one.name != base and sample else "")
    return cells + [percent(int(part(case, "payload")) / ready) if ready > 0 else ""]


def memory_tables(results):
    lines = []
    for case in results.cases["memory"]:
        table = Table([f"{part(case, 'messages')} messages of {part(case, 'payload')} bytes",
                       "ready", "leased", "ready: times slotq",
                       "leased: times slotq", "ready: payload share"])
        for one in results.all_in("memory", case, "ready_bytes"):
            table.add(memory_row(results, case, one))
        lines += table.lines()
    return lines


# ---- growth ----


def growth_row(results, name, metric, cases):
    cells = [name]
    for case in cases:
        middle = median_of(results, "growth", name, case, metric)
        cells.append("" if middle is None else
                     digits(middle / 1000 if metric.endswith("_ns") else middle))
    sample = growth_of(results, name, cases[-1], cases[0], metric)
    if len(cases) > 1 and sample:
        cells += [digits(sample.median), spread(sample)]
    return cells


def growth_table(results, metric, cases, title):
    table = Table([title, *(part(case, "length") for case in cases), "last / first",
                   "min–max"])
    for one in results.contenders.values():
        if any(results.has("growth", one.name, case, metric) for case in (cases[0], cases[-1])):
            table.add(growth_row(results, one.name, metric, cases))
    return table.lines()


def growth_tables(results):
    by_leased = {}
    for case in results.cases["growth"]:
        by_leased.setdefault(part(case, "leased"), []).append(case)
    lines = []
    for leased, cases in by_leased.items():
        lines += [f"### {leased} % leased", ""]
        for metric, title in (("push_ns", "push, µs"), ("take_ns", "reserve, µs"),
                              ("finish_ns", "ack, µs"),
                              ("server_p999_us", "server time per command, p99.9, µs"),
                              ("server_most_us", "server time per command, max, µs")):
            lines += growth_table(results, metric, cases, title)
    return lines


# ---- measured once, or a few times ----


def full_table(results):
    case = results.cases["full"][0]
    table = Table(["the server at maxmemory", "push", "reserve", "ack"])
    for one in results.contenders.values():
        if results.takes_part("full", one.name):
            answers = (median_of(results, "full", one.name, case, metric)
                       for metric in ("pushes", "takes", "finishes"))
            table.add([one.name, *("" if answer is None else "yes" if answer else "**no**"
                                   for answer in answers)])
    return table.lines()


def title_of(metric):
    """A metric's name is its title: server_most_us -> "server most, µs"."""
    title = re.sub(r"_(ns|us|ms|bytes)$", r", \1", metric).replace("_", " ")
    return re.sub(r", us$", ", µs", title)


def plain_tables(results, family, has_spread=False):
    """Of any family: a table for each case, a column for each metric."""
    lines = []
    for case in results.cases[family]:
        metrics = results.metrics[family, case]
        spread_title = ["min–max"] if has_spread else []
        table = Table([case, *(title for metric in metrics
                               for title in [title_of(metric), *spread_title])])
        for one in results.contenders.values():
            if results.takes_part(family, one.name):
                cells = [one.name]
                for metric in metrics:
                    sample = sample_of(results, family, one.name, case, metric)
                    cells.append(digits(sample.median) if sample else "–")
                    cells += [spread(sample)] if has_spread else []
                table.add(cells)
        lines += table.lines()
    return lines


# ---- contenders ----


def settings_table(results):
    table = Table(["contender", "calls and settings", "what it lacks beside slotq"], (0, 1, 2))
    for one in results.contenders.values():
        if one.absent == "":
            table.add([one.name, one.settings, one.lacks])
    return table.lines()


def absent_list(results):
    absent = [f"- {one.name} is left out: {one.absent}."
              for one in results.contenders.values() if one.absent != ""]
    return absent + [""] if absent else []


# ---- the order ----


# family, title, text, plot
SECTIONS = (
    ("cycle", "Push, reserve, ack: closed load, one client",
     "Messages per second, medians of the rounds. A ratio is taken within a round, from the full "
     "cycle; below 1, slotq is slower. A bound is not a queue: it does only a part of the work "
     "that every queue must do.", "throughput.svg",
     lambda results: closed_tables(results, "cycle")),
    ("latency", "Latency: open load",
     "The time from when a message is due until a consumer has it. A message that is sent late "
     "counts from when it was due. A ratio below 1 is a lower latency than that of slotq.",
     "latency.svg", latency_tables),
    ("memory", "Memory",
     "Bytes per message: payload, keys, indexes and what the allocator adds.",
     "memory.svg", memory_tables),
    ("mailboxes", "Small mailboxes",
     "Bytes per queue, for many small queues that keep the newest 25 messages of 32 bytes.", "",
     lambda results: plain_tables(results, "mailboxes")),
    ("growth", "Cost of a verb by queue length",
     "One message per call, one call per round trip; medians.", "length.svg", growth_tables),
    ("full", "A server at its memory limit", "", "", full_table),
    ("recovery", "Redelivery of 10,000 messages of a dead worker",
     "From the end of its leases until the first message, and until all messages, are delivered "
     "again; and the longest command of the server in that time.", "",
     lambda results: plain_tables(results, "recovery", results.rounds_most > 1)),
    ("wire", "Bytes per message of a full cycle",
     "On the network, and in the files of the server.", "",
     lambda results: plain_tables(results, "wire")),
    ("embedded", "Without a server",
     "As above, compared with the slotq whose promise is nearest. WAL NORMAL promises more than a "
     "file without sync=always: a power loss takes only its newest messages.", "",
     lambda results: closed_tables(results, "embedded")),
)


def all_sections(results, drawn):
    """drawn: the names of the plots that there are."""
    lines = []
    for family, title, text, plot, tables in SECTIONS:
        if family in results.cases:
            lines += [f"## {title}", ""]
            lines += [text, ""] if text else []
            lines += [f"![{title}]({plot})", ""] if plot in drawn else []
            lines += tables(results)
    known = [section[0] for section in SECTIONS]
    for family in results.cases:
        if family not in known:
            lines += [f"## {family}", "", "Medians.", "", *plain_tables(results, family)]
    return [*lines,
            "Messages scheduled for later are not compared: slotq has no verb for them yet.", "",
            "## Contenders", "", *settings_table(results), *absent_list(results)]
