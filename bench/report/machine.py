# machine.py: machine.txt of a folder of results: facts of the machine as machine.sh writes them,
# then the settings of the contenders. Knows its form; asks no machine.
import os

from markdown import text_of, wrapped

SETTINGS = "settings:"


def lines_of(folder):
    """Those above the settings."""
    lines = []
    path = os.path.join(folder, "machine.txt")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as text:
            for line in text:
                if line.rstrip("\n") == SETTINGS:
                    break
                lines.append(line.rstrip("\n"))
    return lines


def facts_of(folder):
    return dict(line.split(": ", 1) for line in lines_of(folder) if ": " in line)


def add_settings(folder, results):
    """They may have been there before."""
    facts = lines_of(folder)
    if not facts:
        return
    lines = [SETTINGS] if results.listed else []
    for one in results.listed:
        text = one.settings if one.absent == "" else f"left out, {one.absent}"
        lines.append(f"- {one.name}" + (f": {text}" if text else ""))
    with open(os.path.join(folder, "machine.txt"), "w", encoding="utf-8") as out:
        out.write(text_of(facts + wrapped(lines)))
