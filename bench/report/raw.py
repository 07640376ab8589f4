# raw.py: raw.csv and contenders.tsv of a folder of results, read into one object. Knows their
# columns; no figure and no table.
#
# raw.csv: family,contender,case,metric,round,value. A case is words such as "batch=64 payload=32".
# contenders.tsv: a line for each contender and run; its columns are those of bench_peers.c.
import os


class Contender:
    """A line of contenders.tsv. What a contender is stands in bench/peers/contenders.def."""

    COLUMNS = ("name", "settings", "lacks", "absent", "role", "place", "server", "beside", "also",
               "colour", "about")

    def __init__(self, name, *values):
        values = list(values) + [""] * len(self.COLUMNS)
        self.name = name
        (self.settings, self.lacks, self.absent, self.role, self.place, self.server, self.beside,
         self.also, self.colour, self.about) = values[:len(self.COLUMNS) - 1]
        self.is_ours = self.role == "ours"
        self.is_bound = self.role == "bound"
        self.is_embedded = self.place == "embedded"


def number_of(text):
    try:
        return float(text)
    except ValueError:
        return None


def part(case, name):
    """"64" of "batch=64 payload=32"; "" where the case has no such part."""
    for word in case.split(" "):
        if word.startswith(name + "="):
            return word[len(name) + 1:]
    return ""


class Results:
    """All measurements of a run, in the order in which they were first seen."""

    def __init__(self, folder):
        self.contenders = {}  # by name; bounds come last
        self.cases = {}  # family -> its cases
        self.metrics = {}  # (family, case) -> its metrics
        self.values = {}  # (family, contender, case, metric) -> {round: value}
        self.rounds_most = 0
        self._families_of = set()
        self._read_contenders(os.path.join(folder, "contenders.tsv"))
        self.listed = list(self.contenders.values())  # in contenders.tsv, in its order
        self._read_raw(os.path.join(folder, "raw.csv"))
        ordered = sorted(self.contenders.values(), key=lambda one: one.is_bound)
        self.contenders = {one.name: one for one in ordered}

    def _read_contenders(self, path):
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                fields = line.rstrip("\n").split("\t")
                if fields[0] != "":
                    self._remember(Contender(*fields))

    def _remember(self, contender):
        self.contenders[contender.name] = contender

    def _read_raw(self, path):
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as lines:
            next(lines, None)
            for line in lines:
                fields = line.rstrip("\n").split(",")
                # Less than 0 stands for what a contender cannot tell; a killed run leaves half a
                # line.
                value = number_of(fields[-1])
                if len(fields) == 6 and value is not None and value >= 0:
                    family, name, case, metric, turn, _ = fields
                    self._add(family, name, case, metric, int(turn), value)

    def _add(self, family, name, case, metric, turn, value):
        if name not in self.contenders:
            self._remember(Contender(name))
        cases = self.cases.setdefault(family, [])
        if case not in cases:
            cases.append(case)
        metrics = self.metrics.setdefault((family, case), [])
        if metric not in metrics:
            metrics.append(metric)
        self.values.setdefault((family, name, case, metric), {})[turn] = value
        self._families_of.add((family, name))
        self.rounds_most = max(self.rounds_most, turn)
        if family == "growth" and metric == "finish_ns":
            others = (self.values.get((family, name, case, other), {}).get(turn, 0)
                      for other in ("push_ns", "take_ns"))
            self._add(family, name, case, "verbs_ns", turn, value + sum(others))

    def rounds(self, family, name, case, metric):
        """{round: value}, empty where it was not measured."""
        return self.values.get((family, name, case, metric), {})

    def takes_part(self, family, name):
        return (family, name) in self._families_of

    def has(self, family, name, case, metric):
        return (family, name, case, metric) in self.values

    def all_in(self, family, case, metric):
        """The contenders that have this figure."""
        return [one for one in self.contenders.values()
                if self.has(family, one.name, case, metric)]

    def bounds_in(self, family, case, metric):
        return [one for one in self.all_in(family, case, metric) if one.is_bound]

    def cycle_case(self, batch):
        """Of the full cycle with that batch and 32 bytes: the case with most batches in flight."""
        best = ""
        for case in self.cases.get("cycle", []):
            if (part(case, "batch") == str(batch) and part(case, "payload") == "32" and
                    int(part(case, "flight")) > int(part(best, "flight") or 0)):
                best = case
        return best

    def ours(self, family, embedded=False):
        """The slotq that others are measured against: the first that has figures in the family."""
        for one in self.contenders.values():
            if (one.is_ours and one.is_embedded == embedded and
                    self.takes_part(family, one.name)):
                return one.name
        return ""

    def base_of(self, family, contender):
        """The slotq that this contender is measured against: the one that does the same work."""
        if self.takes_part(family, contender.beside):
            return contender.beside
        return self.ours(family, contender.is_embedded)
