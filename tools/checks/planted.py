"""planted.py: plants each defect of tests/planted in a copy of the tree, builds what it touches,
and runs quick parts of the rows that its head names: one of them must fail. Knows how a patch is
laid out, not what it breaks.

planted.py [NAME…]    OUT=build; the copy is made in planted/ of it
"""
import glob
import os
import pathlib
import resource
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rows  # noqa: E402

OUT = os.environ.get("OUT", "build")
TREE = pathlib.Path(OUT, "planted", "tree")
# Of a core, and of the clock: what does not end is caught as well, as an endless loop.
CPU_SECONDS, SECONDS = 60, 600


def copy_tree():
    """The files of the tree with their times, and what was built of them: only what a patch changes
    is built again."""
    shutil.rmtree(TREE, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True)
    for path in listed.stdout.split("\0"):
        if path and os.path.isfile(path):
            (TREE / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, TREE / path)
    for folder in ("obj", "lib", "tests", "gen", "bin", "lua", "stamps", "amalgamation"):
        if os.path.isdir(f"{OUT}/{folder}"):
            shutil.copytree(f"{OUT}/{folder}", TREE / "build" / folder, symlinks=True)
    if os.path.isfile(f"{OUT}/slotq.so"):
        shutil.copy2(f"{OUT}/slotq.so", TREE / "build/slotq.so")


def patch(path, *options):
    done = subprocess.run(["patch", "-s", "-p1", *options, "-i", os.path.abspath(path)], cwd=TREE,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{path} does not fit the tree any more: {done.stdout.strip()}")


def build(suite):
    make = os.environ.get("MAKE", "make")
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "OUT")}
    env["WERROR"] = ""
    wanted = [f"build/{suite}"] + (["build/slotq.so"] if suite == rows.LUA else [])
    done = subprocess.run([make, "-j", os.environ.get("JOBS", "2"), *wanted], cwd=TREE, env=env,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"a planted defect does not build:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def limit_cpu():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def catch_by(part):
    """How it failed, or None."""
    env = {**os.environ, **part.quick, "SLOTQ_SEED": "1", "SLOTQ_BUILD": str(TREE / "build"),
           "SLOTQ": str((TREE / "build/bin/slotq").resolve()),
           "SLOTQ_SOURCE_DIR": str(TREE.resolve())}
    try:
        code = subprocess.run([f"build/{part.suite}", *part.cases, "-a"], cwd=TREE, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, preexec_fn=limit_cpu, timeout=SECONDS,
                              check=False).returncode
    except subprocess.TimeoutExpired:
        return "it does not end"
    if code == 0:
        return None
    return "a test fails" if code > 0 else "it does not end" if code in (-9, -24) else "it crashes"


def plant(path):
    """The row that catches a defect and how, or None."""
    head = dict(line.split(": ", 1) for line in open(path, encoding="utf-8").read()
                .split("\n\n")[0].split("\n"))
    patch(path)
    try:
        for row in head["rows"].split(", "):
            for part in rows.PARTS:
                if part.row != row:
                    continue
                build(part.suite)
                how = catch_by(part)
                if how:
                    return head["kind"], row, how
        return head["kind"], None, None
    finally:
        patch(path, "-R")
        for name in subprocess.run(["grep", "-h", "^+++ b/", path], capture_output=True, text=True,
                                   check=True).stdout.split():
            if name.startswith("b/"):
                os.utime(TREE / name[2:])


def main():
    names = sys.argv[1:] or sorted(os.path.basename(p)[:-6] for p in glob.glob(
        "tests/planted/*.patch"))
    copy_tree()
    caught = 0
    for name in names:
        kind, row, how = plant(f"tests/planted/{name}.patch")
        caught += row is not None
        print(f"planted: {kind:20} {'row ' + row + ': ' + how if row else 'NOT CAUGHT'}",
              flush=True)
    shutil.rmtree(TREE, ignore_errors=True)
    print(f"counted: {len(names)} defects planted\ncounted: {caught} defects caught")
    print(f"{caught} passed, {len(names) - caught} failed")
    return 0 if caught == len(names) and names else 1


sys.exit(main())
