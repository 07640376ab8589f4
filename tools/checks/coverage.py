# coverage.py: reads gcovr's JSON and the list of exceptions; prints each line or branch that was
# not run and is not excepted, and exceptions that except nothing. Fails on either.
import json
import sys

report, exceptions_path = sys.argv[1:3]
exceptions = {}
for number, row in enumerate(open(exceptions_path, encoding="utf-8"), 1):
    if not row.strip() or row.startswith("#"):
        continue
    parts = [part.strip() for part in row.split(" | ")]
    if len(parts) != 3 or not all(parts):
        sys.exit(f"{exceptions_path}:{number}: file | text of the line | reason")
    exceptions[(parts[0], parts[1])] = False

lines = branches = missed = excepted = 0
for entry in json.load(open(report, encoding="utf-8"))["files"]:
    path = entry["file"]
    source = open(path, encoding="utf-8").read().splitlines()
    for line in entry["lines"]:
        if line.get("gcovr/noncode"):
            continue
        number = line["line_number"]
        text = source[number - 1].strip()
        taken = [branch["count"] for branch in line["branches"]]
        lines += 1
        branches += len(taken)
        gaps = taken.count(0)
        if line["count"] > 0 and gaps == 0:
            continue
        if (path, text) in exceptions:
            exceptions[(path, text)] = True
            excepted += 1
            continue
        missed += 1
        what = "never run" if line["count"] == 0 else f"{gaps} of {len(taken)} branches not taken"
        print(f"{path}:{number}: {what}: {text}")

stale = [key for key, used in exceptions.items() if not used]
for path, text in stale:
    print(f"{exceptions_path}: covered or gone, remove it: {path} | {text}")
print(f"coverage: {lines} lines, {branches} branches, {missed} lines with gaps, "
      f"{excepted} excepted")
sys.exit(1 if missed or stale or not lines else 0)
