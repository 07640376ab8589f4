"""torture.py: runs the rows of the proof (rows.py) for so many minutes, two parts at a time, each
with a seed that follows from one root seed, and prints what they tried as a table. Each run is a
line of a ledger: a call that is interrupted, or has more minutes, goes on where the last one ended.
What fails is written as a script that runs it again.

torture.py MINUTES [--only ROW,…] [--seed N] [--proof FILE]
  OUT=build; JOBS=2; the ledger is of one commit and one root seed: another one begins anew. A run
  that has begun is not cut short, so the last ones may end some minutes late.
"""
import argparse
import hashlib
import heapq
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import proof  # noqa: E402
import rows  # noqa: E402

OUT = os.environ.get("OUT", "build")
HERE = pathlib.Path(OUT) / "torture"
JOBS = max(1, int(os.environ.get("JOBS", "2")))


def part_name(part):
    return " ".join([part.suite, *part.cases])


def git(*words):
    told = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def commit():
    """What is proved: the commit, and whether files differ from it. The report is none of them."""
    changed = git("status", "--porcelain", "--", ".", f":!{proof.REPORT}")
    head = git("rev-parse", "--short=12", "HEAD") or "unknown"
    return head + (" and changes" if changed else "")


def parts_of(only):
    """The parts of rows.py, those of fuzz targets that are built, and the programs beside them."""
    parts = list(rows.PARTS)
    parts.append(rows.Part("planted", 0, "tools/checks/planted.py", [], {}, {}))
    parts.append(rows.Part("mutants", 0, "tools/checks/mutants.py", ["--count", "660"], {}, {}))
    for target in sorted(pathlib.Path(OUT, "fuzz/fuzz").glob("fuzz_*")):
        parts.append(rows.Part("fuzz", 0.5, str(target), [], {}, {}))
    return [part for part in parts if not only or part.row in only]


def seed_of(root, part, number):
    told = f"{root} {part_name(part)} {number}".encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:4], "big") or 1


def command_of(part, seed):
    """What runs a part, as words and environment."""
    env = {"SLOTQ_SEED": str(seed), **part.deep}
    if part.suite.endswith(".py"):
        return ["python3", part.suite, *part.cases], {}
    if part.suite.endswith(".sh"):
        return ["bash", part.suite], {}
    if "/fuzz/fuzz/" in part.suite:
        name = os.path.basename(part.suite)
        found = HERE / "failed" / f"{name}-"
        corpus = [f"fuzz/seeds/{name}"] if os.path.isdir(f"fuzz/seeds/{name}") else []
        own = HERE / "corpus" / name
        own.mkdir(parents=True, exist_ok=True)
        return [part.suite, f"-seed={seed}", "-max_total_time=30", "-timeout=120",
                "-rss_limit_mb=4096", f"-artifact_prefix={found}", str(own), *corpus], {}
    return [f"{OUT}/{part.suite}", *part.cases], env


def counts_of(log):
    """What a run counted, by unit; and its test cases."""
    counts = {}
    for number, unit in re.findall(r"^counted: (\d+) (.+)$", log, re.M):
        counts[unit] = counts.get(unit, 0) + int(number)
    for number in re.findall(r"^stat::number_of_executed_units: *(\d+)", log, re.M):
        counts["inputs"] = counts.get("inputs", 0) + int(number)
    sums = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", log, re.M)
    if sums:
        counts["cases"] = int(sums[-1][0]) + int(sums[-1][1])
        if sums[-1][2]:
            counts["skipped"] = int(sums[-1][2])
    return counts


class Ledger:
    """A line a run: JSON, in the order in which they ended."""

    def __init__(self, root, only_commit):
        self.path = HERE / "ledger"
        self.runs = []
        self.head = {"commit": only_commit, "root": root}
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        before = json.loads(lines[0]) if lines else {}
        if before.get("commit") == only_commit and root in (None, before.get("root")):
            self.head = before
            self.runs = [json.loads(line) for line in lines[1:]]
        else:
            if root is None:
                self.head["root"] = int.from_bytes(os.urandom(4), "big") or 1
            self.path.write_text(json.dumps(self.head) + "\n")

    def add(self, run):
        self.runs.append(run)
        with open(self.path, "a", encoding="utf-8") as out:
            out.write(json.dumps(run) + "\n")


def write_case(part, seed, words, env, head):
    """The script that runs again what failed."""
    folder = HERE / "failed"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{part.row}-{seed}.sh"
    settings = [f"{name}={value}" for name, value in env.items()]
    path.write_text(
        f"#!/bin/sh\n# {path.name}: a case of row {part.row} that failed at commit "
        f"{head['commit']}.\n"
        f"cd \"$(dirname \"$0\")/{os.path.relpath('.', folder)}\" || exit 2\n"
        f"exec env OUT={OUT} SLOTQ=\"$PWD/{OUT}/bin/slotq\" SLOTQ_BUILD=\"$PWD/{OUT}\" "
        f"SLOTQ_SOURCE_DIR=\"$PWD\" \\\n"
        f"    {shlex.join([*settings, *words])}\n")
    path.chmod(0o755)
    return path


def run_part(part, number, ledger, lock, seconds_left):
    seed = seed_of(ledger.head["root"], part, number)
    words, env = command_of(part, seed)
    whole = {**os.environ, **env, "OUT": OUT, "SLOTQ": os.path.abspath(f"{OUT}/bin/slotq"),
             "SLOTQ_BUILD": os.path.abspath(OUT), "SLOTQ_SOURCE_DIR": os.getcwd(),
             "MUTANT_SECONDS": str(max(60, int(seconds_left))), "MAKEFLAGS": "", "JOBS": "1"}
    started = time.time()
    log_path = HERE / "logs" / f"{part.row}-{seed}.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "w", encoding="utf-8") as log:
        code = subprocess.run(words, env=whole, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=subprocess.STDOUT, check=False).returncode
    log = log_path.read_text(encoding="utf-8", errors="replace")
    run = {"row": part.row, "part": part_name(part), "number": number, "seed": seed,
           "seconds": round(time.time() - started), "passed": code == 0,
           "counts": counts_of(log)}
    with lock:
        ledger.add(run)
        told = ", ".join(f"{proof.grouped(n)} {unit}" for unit, n in run["counts"].items())
        print(f"{part.row:9} seed {seed:<10} {run['seconds']:4} s  "
              f"{'passed' if code == 0 else 'FAILED'}  {told}", flush=True)
        if code != 0:
            print(f"  {log_path}; again: {write_case(part, seed, words, env, ledger.head)}")
            print("".join(f"    | {line}\n" for line in log.splitlines()[-30:]), flush=True)


def spent_of(ledger, part):
    own = [run for run in ledger.runs if run["part"] == part_name(part)]
    return len(own), sum(run["seconds"] for run in own)


def run_all(parts, ledger, minutes):
    """First each part once, then those with a share, the one that is furthest behind it first."""
    lock = threading.Lock()
    total = minutes * 60 * JOBS
    spent = sum(run["seconds"] for run in ledger.runs)
    until = time.time() + max(0, total - spent) / JOBS
    queue = []
    for place, part in enumerate(parts):
        runs, seconds = spent_of(ledger, part)
        if runs == 0:
            heapq.heappush(queue, (-1, place, part, 0, 0))
        elif part.share > 0:
            heapq.heappush(queue, (seconds / part.share, place, part, runs, seconds))

    def work():
        while True:
            with lock:
                left = until - time.time()
                if not queue or left <= 0:
                    return
                _, place, part, number, seconds = heapq.heappop(queue)
            started = time.time()
            run_part(part, number, ledger, lock, left)
            seconds += time.time() - started
            with lock:
                if part.share > 0:
                    heapq.heappush(queue, (seconds / part.share, place, part, number + 1, seconds))

    threads = [threading.Thread(target=work) for _ in range(JOBS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("minutes", type=float)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--proof")
    chosen = parser.parse_args()
    HERE.mkdir(parents=True, exist_ok=True)
    only = [row for row in chosen.only.split(",") if row]
    unknown = [row for row in only if row not in rows.ROWS]
    if unknown:
        sys.exit(f"no such row: {', '.join(unknown)}; there are {', '.join(rows.ROWS)}")
    parts = parts_of(only)
    ledger = Ledger(chosen.seed, commit())
    print(f"torture: commit {ledger.head['commit']}, root seed {ledger.head['root']}, "
          f"{len(ledger.runs)} runs before", flush=True)
    run_all(parts, ledger, chosen.minutes)
    print(proof.table(ledger, only))
    if chosen.proof:
        proof.write(chosen.proof, ledger)
    missing = [row for row in rows.ROWS if not any(run["row"] == row for run in ledger.runs)
               and (not only or row in only)]
    if missing:
        print(f"not reached: {', '.join(missing)}")
    failed = sum(not run["passed"] for run in ledger.runs)
    print(f"{len(ledger.runs) - failed} passed, {failed} failed")
    return 1 if failed or not ledger.runs else 0


sys.exit(main())
