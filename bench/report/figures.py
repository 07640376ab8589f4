# figures.py: medians, spreads and ratios of what raw.py has read, and numbers as people read them.
# Knows arithmetic; no contender, no table.
from raw import part


class Sample:
    """The measurements of all rounds, sorted. Without any, the sample is false."""

    def __init__(self, values):
        self.values = sorted(values)

    def __len__(self):
        return len(self.values)

    @property
    def least(self):
        return self.values[0]

    @property
    def most(self):
        return self.values[-1]

    @property
    def median(self):
        middle = (len(self.values) - 1) // 2
        if len(self.values) % 2:
            return self.values[middle]
        return (self.values[middle] + self.values[middle + 1]) / 2


def sample_of(results, family, name, case, metric):
    return Sample(results.rounds(family, name, case, metric).values())


def median_of(results, family, name, case, metric):
    """None where it was not measured."""
    sample = sample_of(results, family, name, case, metric)
    return sample.median if sample else None


def quotient(above, below):
    """One figure by another of the same rounds: what else the machine did falls on both."""
    return Sample(value / below[turn] for turn, value in above.items() if below.get(turn, 0) > 0)


def ratio_of(results, family, name, other, case, metric):
    """Two contenders in the same case."""
    return quotient(results.rounds(family, name, case, metric),
                    results.rounds(family, other, case, metric))


def growth_of(results, name, case, other_case, metric):
    """The same contender in two cases."""
    return quotient(results.rounds("growth", name, case, metric),
                    results.rounds("growth", name, other_case, metric))


def falls_behind(results, name, case):
    """A contender that takes fewer messages than arrive has no latency: its backlog grows until
    the run ends. Half of the messages waiting for more than a tenth of the run shows it. Samples
    lack the first tenth."""
    taken = median_of(results, "latency", name, case, "samples")
    rate = part(case, "rate")
    if taken is None or not rate:
        return False
    seconds = taken / 0.9 / int(rate)
    p50_us = median_of(results, "latency", name, case, "p50_us")
    return p50_us is not None and p50_us > 1e5 * seconds


# ---- numbers for people ----


def digits(value):
    """Three of them."""
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def unit_of_rate(rate):
    return "M" if rate >= 999500 else "k" if rate >= 999.5 else ""


def scaled(rate, unit):
    return digits(rate / {"M": 1e6, "k": 1e3, "": 1}[unit])


def rate_text(ns):
    """Messages per second, of so many nanoseconds per message."""
    if ns is None or ns <= 0:
        return ""
    unit = unit_of_rate(1e9 / ns)
    return f"{scaled(1e9 / ns, unit)} {unit}".rstrip()


def rate_spread(sample):
    """Least to most messages per second."""
    if len(sample) < 2:
        return ""
    unit = unit_of_rate(1e9 / sample.least)
    return f"{scaled(1e9 / sample.most, unit)}–{scaled(1e9 / sample.least, unit)} {unit}".rstrip()


def time_text(ns):
    for limit, size, unit in ((999500000, 1e9, "s"), (999500, 1e6, "ms"), (999.5, 1e3, "µs")):
        if ns >= limit:
            return f"{digits(ns / size)} {unit}"
    return f"{digits(ns)} ns"


def time_spread(sample):
    """Of microseconds: both ends in the unit of the upper."""
    if len(sample) < 2:
        return ""
    size, unit = (1000, "ms") if sample.most >= 999.5 else (1, "µs")
    return f"{digits(sample.least / size)}–{digits(sample.most / size)} {unit}"


def spread(sample):
    return f"{digits(sample.least)}–{digits(sample.most)}" if len(sample) > 1 else ""


def percent(share):
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"
