# markdown.py: tables with their columns lined up, and paragraphs broken into lines. Knows the lines
# of Markdown, not what they say.
import re

COLUMNS = 96


class Table:
    """text_columns are aligned left, all others right."""

    def __init__(self, titles, text_columns=(0,)):
        self.rows = [list(titles)]
        self.text_columns = text_columns

    def add(self, cells):
        self.rows.append(list(cells))

    def lines(self):
        """A table without a row is not printed."""
        if len(self.rows) < 2:
            return []
        count = max(len(row) for row in self.rows)
        rows = [row + [""] * (count - len(row)) for row in self.rows]
        widths = [max(len(row[c]) for row in rows) for c in range(count)]
        made = []
        for row in rows:
            made.append("|" + "|".join(
                f" {row[c]:<{widths[c]}} " if c in self.text_columns else
                f" {row[c]:>{widths[c]}} " for c in range(count)) + "|")
        rule = "|" + "|".join(
            "-" * (widths[c] + 1) + ("-" if c in self.text_columns else ":")
            for c in range(count)) + "|"
        return [made[0], rule] + made[1:] + [""]


def wrapped_line(line):
    if line[:1] in ("|", "#", "!") or len(line) <= COLUMNS:
        return [line]
    indent = "  " if line.startswith("- ") else ""
    words = line.split()
    made = [words[0]]
    for word in words[1:]:
        if len(made[-1]) + 1 + len(word) > COLUMNS:
            made.append(indent + word)
        else:
            made[-1] += " " + word
    return made


def wrapped(lines):
    return [made for line in lines for made in wrapped_line(line)]


def text_of(lines):
    """One text, of blank lines never two together."""
    text = "".join(line + "\n" for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text)
