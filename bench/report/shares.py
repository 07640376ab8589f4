# shares.py: the columns of a table that set a contender beside slotq and beside a bound. Knows
# which is divided by which; no family.
from figures import digits, percent, ratio_of, spread


def name_of(one):
    return f"{one.name} (a bound)" if one.is_bound else one.name


def ratio_cells(results, family, case, metric, one, faster):
    """The contender by its slotq, and the spread. faster: the names of the peers below 1."""
    base = results.base_of(family, one)
    sample = ratio_of(results, family, one.name, base, case, metric)
    if one.name == base or not sample:
        return ["", ""]
    if sample.median < 1 and not one.is_bound and not one.is_ours:
        faster.append(one.name)
    return [digits(sample.median), spread(sample)]


def share_titles(results, family, case, metric):
    return [f"share of {bound.name}" for bound in results.bounds_in(family, case, metric)]


def share_cells(results, family, case, metric, one):
    """How near slotq comes to each bound that was measured in that case."""
    cells = []
    for bound in results.bounds_in(family, case, metric):
        sample = ratio_of(results, family, bound.name, one.name, case, metric)
        cells.append(percent(sample.median) if one.is_ours and sample else "")
    return cells
