"""proof.py: the table of what `make torture` tried, and tests/PROOF.md out of it and of
tests/defects. Knows the ledger of torture.py, not how anything is run.
"""
import os
import pathlib
import platform
import subprocess

import rows

DEFECTS = "tests/defects"
REPORT = "tests/PROOF.md"


def grouped(number):
    return f"{number:,}"


def sum_of(ledger, row):
    """Runs, failures, seconds, and what was counted, of a row."""
    own = [run for run in ledger.runs if run["row"] == row]
    counts = {}
    for run in own:
        for unit, number in run["counts"].items():
            counts[unit] = counts.get(unit, 0) + number
    order = sorted(counts, key=lambda unit: (unit in ("cases", "skipped"), unit))
    return (len(own), sum(not run["passed"] for run in own), sum(run["seconds"] for run in own),
            [f"{grouped(counts[unit])} {unit}" for unit in order])


def wrapped(words, width):
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 2 + len(word) > width:
            lines.append("")
        lines[-1] += (", " if lines[-1] else "") + word
    return lines


def table(ledger, only=()):
    """In 80 columns."""
    out = [f"{'row':9} {'runs':>4} {'fail':>4} {'min':>6}  tried"]
    for row in [row for row in rows.ROWS if not only or row in only]:
        runs, failed, seconds, counts = sum_of(ledger, row)
        if runs == 0:
            out.append(f"{row:9}    -    -      -  not run")
            continue
        first, *rest = wrapped(counts, 53)
        out.append(f"{row:9} {runs:4} {failed:4} {seconds / 60:6.1f}  {first}")
        out += [" " * 27 + line for line in rest]
    return "\n".join(out)


def defects():
    """what @ found by @ since @ mended in"""
    out = []
    for number, line in enumerate(open(DEFECTS, encoding="utf-8"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" @ ")]
        if len(parts) != 4 or not all(parts):
            raise SystemExit(f"{DEFECTS}:{number}: what @ found by @ since @ mended in")
        out.append(parts)
    return out


def version_of(*command):
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.splitlines()[0].strip() if told.stdout else "not there"


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return (f"{os.cpu_count()} cores of {model}, Linux {platform.release().split('-')[0]}, "
            f"{version_of('cc', '--version')}, {version_of('redis-server', '--version')[:24]}")


def write(path, ledger):
    minutes = sum(run["seconds"] for run in ledger.runs) / 60
    lines = [
        "# What was tried", "",
        "Written by `make torture`, of one run of it; not by hand. The rows are those of",
        "`tools/checks/rows.py`. `make torture MINUTES=60` runs them on your machine, goes on",
        "where it was interrupted, and writes what fails as a script that runs it again.", "",
        f"- machine: {machine()}",
        f"- commit: {ledger.head['commit']}",
        f"- root seed: {ledger.head['root']} (`make torture SEED={ledger.head['root']}`); the seed",
        "  of each run follows from it",
        f"- {len(ledger.runs)} runs, which took {minutes:.0f} minutes one after the other", "",
        "| row | proves | runs | failed | tried |", "|---|---|--:|--:|---|"]
    for row, what in rows.ROWS.items():
        runs, failed, _, counts = sum_of(ledger, row)
        tried = ", ".join(counts) if runs else "not run"
        lines.append(f"| {row} | {what} | {runs} | {failed} | {tried} |")
    lines += ["", "## Defects found so far", "",
              "Of commits that others could have used; found by tests, fuzzing or a reader.", "",
              "| what | found by | since | mended in |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(defect) + " |" for defect in defects()]
    pathlib.Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
