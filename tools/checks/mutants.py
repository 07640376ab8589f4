"""mutants.py: changes one token of layout or core at a time, and runs the fast suites of the core
on it: a change that no suite notices (a survivor) shows a missing test, or changes nothing. Knows
C's tokens and the suites' names, not what the code means.

mutants.py [--count N] [--seed N] [--again] [--one ID] [--list]
  OUT=build      where the tests' objects lie, and mutants/ is written; JOBS=2; MUTANT_SECONDS:
                 begin no more after so many
Results are kept by seed and state of layout and core: a run that was interrupted goes on, and
--again tries what survived on the tests as they are now.
"""
import argparse
import hashlib
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

OUT = pathlib.Path(os.environ.get("OUT", "build"))
HERE = OUT / "mutants"
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")
REASONS = "tools/checks/mutants-equivalent"
ROOMS = ["engine/layout", "engine/core"]
# Each is tried on what the ones before it did not notice: name, arguments, random steps, and the
# seconds of a core after which it counts as endless.
STAGES = [
    ("model", ["random: core and model*"], 15000, 8),
    ("cases", ["~closure*", "~damage*", "~random*"], 0, 8),
    ("longer model", ["random: core and model*"], 150000, 20),
    ("damage", ["damage*"], 0, 40),
    ("closure", ["closure: 2 slots*,closure: 3 slots, 2 groups, holes*,closure: scheduled*,"
                 "closure: 2 keys"], 0, 60),
]

TOKEN = re.compile(r"""[A-Za-z_]\w*|0[xX][0-9A-Fa-f]+[uUlL]*|\d+[uUlL]*|->|<<=|>>=|<=|>=|==|!=|&&|
    \|\||\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|\S""", re.X)
OTHERS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
    "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"], "*": ["+"], "/": ["*"], "%": ["+"],
    "&": ["|"], "|": ["&"], "^": ["|"], "<<": [">>"], ">>": ["<<"],
    "+=": ["-="], "-=": ["+="], "|=": ["="], "&=": ["="], "++": ["--"], "--": ["++"],
    "true": ["false"], "false": ["true"],
}
NEED_SPACES = {"<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"}
STATEMENT = re.compile(r"^\s+(\(?\*?\w+(\[[^;=]*?\]|->\w+|\.\w+|\)|\()*.*);$")


def blank(text):
    """The same text with comments and strings as spaces, so that places stay."""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def closing(text, at):
    """Behind the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    return None


def left_out(text):
    """Spans of what asserts, or is for the preprocessor: to change it shows nothing."""
    spans = [m.span() for m in re.finditer(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", text, re.M)]
    for m in re.finditer(r"\b(SLOTQ_ASSERT|_Static_assert|sizeof)\b\s*(?=\()", text):
        spans.append((m.start(), closing(text, m.end()) or m.end()))
    return spans


def sites(path):
    """(start, end, new text) of each change that could be made in a file."""
    source = pathlib.Path(path).read_text(encoding="utf-8")
    text = blank(source)
    spans = left_out(text)
    out = []
    for m in TOKEN.finditer(text):
        if any(a <= m.start() < b for a, b in spans):
            continue
        token, start, end = m.group(), m.start(), m.end()
        spaced = text[start - 1:start] == " " and text[end:end + 1] in " \n"
        if token in OTHERS and (spaced or token not in NEED_SPACES):
            out += [(start, end, other) for other in OTHERS[token]]
        elif token == "!":
            out.append((start, end, ""))
        elif token[0].isdigit() and not re.match(r"\s*\]\s*(=|;|,|\))", text[end:]):
            digits = token.rstrip("uUlL")
            value = int(digits, 0)
            out.append((start, end, f"{value + 1}{token[len(digits):]}"))
            if value == 1:
                out.append((start, end, "0"))
        elif token == "if":
            opens = text.index("(", end)
            over = closing(text, opens)
            inside = source[opens + 1:over - 1]
            for word in ("false &&", "true ||"):
                out.append((opens + 1, over - 1, f"{word} ({inside})"))
        elif token == "return":
            over = text.index(";", end)
            value = text[end:over].strip()
            if value not in ("", "true", "false", "0", "1"):
                out.append((end, over, " 0"))
        elif token in ("break", "continue") and text[end] == ";":
            out.append((start, end, "" if token == "break" else "break"))
    place = 0
    before = ";"
    for line in text.split("\n"):
        bare = line.strip()
        is_statement = (
            STATEMENT.match(line) and before[-1:] in ";{}:)" and bare.count("(") == bare.count(")")
            and not re.match(r"(return|break|continue|goto|else|case|do|while|for|if)\b", bare)
            and not re.match(r"(const |static |struct |enum )?\w+ \**\w+(\[|;| =|,)", bare)
            and not bare.startswith("(void)")
            and not any(a <= place + line.index(bare[0]) < b for a, b in spans))
        if bare and is_statement:
            start = place + line.index(bare[0])
            out.append((start, start + len(bare) - 1, ""))
        before = bare or before
        place += len(line) + 1
    return source, out


class Mutant:
    def __init__(self, path, source, site):
        start, end, new = site
        self.path = path
        self.text = source[:start] + new + source[end:]
        self.line = source.count("\n", 0, start) + 1
        column = start - (source.rfind("\n", 0, start) + 1) + 1
        old = re.sub(r"\s+", " ", source[start:end])
        new = re.sub(r"\s+", " ", new)
        self.id = f"{path}:{self.line}:{column}: {old} => {new or 'nothing'}"
        first, last = source.rfind("\n", 0, start) + 1, source.find("\n", end)
        self.was = re.sub(r"\s+", " ", source[first:last]).strip()
        self.now = re.sub(r"\s+", " ", self.text[first:last - len(source) or None]).strip()


def all_mutants():
    out = []
    for room in ROOMS:
        for path in sorted(list(pathlib.Path(room).glob("*.[ch]"))):
            if path.name in ("assert.h", "checksum.c"):
                continue
            source, found = sites(path)
            out += [Mutant(str(path), source, site) for site in found]
    return out


def limited(seconds):
    def apply():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return apply


class Bench:
    """A copy of layout and core that one mutant after the other is built in."""

    def __init__(self, number):
        self.root = (HERE / f"tree{number}").resolve()
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree("engine", self.root / "engine",
                        ignore=lambda folder, names: [
                            n for n in names if folder == "engine"
                            and n in ("backend", "queue", "worker", "module")])
        self.sources = sorted(str(p) for room in ROOMS for p in pathlib.Path(room).glob("*.c"))
        (self.root / "core.c").write_text("".join(f'#include "{p}"\n' for p in self.sources))

    def compile(self, source, optimize, result):
        command = [CC, "-std=c11", optimize, "-ffreestanding", "-w", "-fPIC", "-I.", "-Iengine",
                   "-c", "-o", result, source]
        return subprocess.run(command, cwd=self.root, capture_output=True, check=False,
                              env={**os.environ, "CCACHE_DISABLE": "1"}).returncode == 0

    def object_of(self, source):
        return source.replace("/", "-")[:-2] + ".o"

    def build(self, changed=None):
        """All in one where a header changed; else the one source, among the others as they are."""
        if changed is None:
            for source in self.sources:
                if not self.compile(source, "-O1", self.object_of(source)):
                    return False
        if changed is None or changed.endswith(".c"):
            objects = [self.object_of(source) for source in self.sources]
            if changed:
                if not self.compile(changed, "-O1", "changed.o"):
                    return False
                objects[objects.index(self.object_of(changed))] = "changed.o"
        else:
            objects = ["core.o"]
            if not self.compile("core.c", "-O1", "core.o"):
                return False
        return subprocess.run([CC, "-shared", "-o", "libcore.so", *objects], cwd=self.root,
                              capture_output=True, check=False).returncode == 0

    def stage(self, stage):
        _, cases, steps, seconds = stage
        env = {**os.environ, "LD_LIBRARY_PATH": str(self.root), "SLOTQ_STEPS": str(steps),
               "SLOTQ_SEED": "1"}
        for name in ("SLOTQ_PROVE", "SLOTQ_TORTURE_SECONDS", "SLOTQ_PART"):
            env.pop(name, None)
        run = subprocess.run([str((HERE / "suites").resolve()), *cases, "-a"], cwd=self.root,
                             env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             preexec_fn=limited(seconds), check=False)
        return run.returncode

    def judge(self, mutant):
        """killed by a stage, endless, invalid (no C), same (the same code), or survived."""
        path = self.root / mutant.path
        original = path.read_text(encoding="utf-8")
        path.write_text(mutant.text, encoding="utf-8")
        try:
            if not self.build(mutant.path):
                return "invalid"
            for stage in STAGES:
                code = self.stage(stage)
                if code in (-9, -24):
                    return f"endless in {stage[0]}"
                if code != 0:
                    return f"killed by {stage[0]}"
            self.compile("core.c", "-O2", "new.o")
        finally:
            path.write_text(original, encoding="utf-8")
        if not (self.root / "old.o").exists():
            self.compile("core.c", "-O2", "old.o")
        same = (self.root / "old.o").read_bytes() == (self.root / "new.o").read_bytes()
        return "same" if same else "survived"


def link_suites(bench):
    objects = sorted(str(p) for room in ROOMS
                     for p in (OUT / "obj" / "tests" / room).glob("test_*.o"))
    if not objects:
        sys.exit(f"no test objects in {OUT}/obj/tests: make tests-built first")
    subprocess.run([CXX, "-o", str(HERE / "suites"), *objects,
                    str(OUT / "obj/tests/support/main.o"), str(OUT / "lib/core-support.a"),
                    "-L" + str(bench.root), "-lcore", "-pthread"], check=True)


def read_reasons():
    """Of each change that is known to change nothing that counts: why."""
    reasons = {}
    for number, row in enumerate(open(REASONS, encoding="utf-8"), 1):
        if not row.strip() or row.startswith("#"):
            continue
        parts = [part.strip() for part in row.split(" @ ")]
        if len(parts) != 4 or not all(parts):
            sys.exit(f"{REASONS}:{number}: file @ line @ changed line @ reason")
        reasons[tuple(parts[:3])] = parts[3]
    return reasons


def run_all(bench, wanted, results, ledger):
    todo = [m for m in wanted if m.id not in results]
    lock = threading.Lock()
    until = time.time() + float(os.environ.get("MUTANT_SECONDS", "1e9"))

    def work(bench):
        while True:
            with lock:
                if not todo or time.time() > until:
                    return
                mutant = todo.pop()
            verdict = bench.judge(mutant)
            with lock:
                results[mutant.id] = verdict
                ledger.write(f"{mutant.id}\t{verdict}\n")
                ledger.flush()

    jobs = max(1, int(os.environ.get("JOBS", "2")))
    benches = [bench, *(Bench(i) for i in range(1, jobs))]
    for other in benches[1:]:
        other.build()
    threads = [threading.Thread(target=work, args=(one,)) for one in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(wanted, results):
    reasons = read_reasons()
    killed, equivalent, survivors = {}, 0, []
    invalid = 0
    for mutant in wanted:
        verdict = results.get(mutant.id)
        if verdict is None:
            continue
        if verdict == "invalid":
            invalid += 1
        elif verdict == "same" or (mutant.path, mutant.was, mutant.now) in reasons:
            equivalent += 1
        elif verdict == "survived":
            survivors.append(mutant)
        else:
            killed[verdict] = killed.get(verdict, 0) + 1
    for mutant in survivors:
        print(f"survived: {mutant.id}\n  {mutant.path} @ {mutant.was} @ {mutant.now} @")
    for verdict, count in sorted(killed.items(), key=lambda item: -item[1]):
        print(f"  {count:5} {verdict}")
    dead = sum(killed.values())
    living = len(survivors)
    rate = 100 * dead / max(1, dead + living)
    print(f"mutants: {dead + living + equivalent} built, {dead} killed, {living} survived, "
          f"{equivalent} equivalent, {rate:.1f} % killed")
    for unit, count in (("mutants", dead + living + equivalent), ("mutants killed", dead)):
        print(f"counted: {count} {unit}")
    return dead + living > 0 and rate >= 95


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    mutants = all_mutants()
    if chosen.list:
        for mutant in mutants:
            print(mutant.id)
        return 0
    HERE.mkdir(parents=True, exist_ok=True)
    bench = Bench(0)
    if not bench.build():
        sys.exit("layout and core do not build as they are")
    link_suites(bench)
    for stage in STAGES:
        if bench.stage(stage) != 0:
            sys.exit(f"the suites of stage {stage[0]} fail on the code as it is")
    if chosen.one:
        found = [m for m in mutants if m.id == chosen.one]
        if not found:
            sys.exit("no such mutant (see --list)")
        print(f"{found[0].was}\n{found[0].now}\n{bench.judge(found[0])}")
        return 0
    wanted = random.Random(chosen.seed).sample(mutants, min(chosen.count, len(mutants)))
    state = hashlib.sha256("".join(
        p.read_text() for room in ROOMS
        for p in sorted(pathlib.Path(room).glob("*.[ch]"))).encode()).hexdigest()[:12]
    path = HERE / f"results-{chosen.seed}-{state}"
    results = {}
    if path.exists():
        results = dict(line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8"))
    if chosen.again:
        results = {one: verdict for one, verdict in results.items() if verdict != "survived"}
    with open(path, "a", encoding="utf-8") as ledger:
        run_all(bench, wanted, results, ledger)
    print(f"mutants: seed {chosen.seed}, {len(mutants)} possible, {chosen.count} chosen")
    return 0 if report(wanted, results) else 1


sys.exit(main())
